internal import Environment
internal import Synchronization

/// The wall clock by which entries expire.
///
/// The system's clock may be set back, and then what had expired would be there again. So this one
/// runs at the pace of the monotonic clock, by the greatest lead over it that the wall clock ever
/// had: set forward it follows at once, set back it goes on as if nothing had happened.
///
/// - Invariant EC1: of two readings the later one is not less.
/// - Invariant EC2: no reading is less than the wall clock was when it was asked for.
/// - Invariant EC3: none is beyond what the wall clock would say if it had never been set back. So the
///   wall clock is read first: who is kept waiting between the two readings takes the lead for less than
///   it is, this once; the other way round it would be taken for more, for good.
final class ExpiryClock: Sendable {
  private let time: any TimeSource
  /// Of the wall clock over the monotonic one.
  private let greatestLead = Atomic<Int64>(.min)

  init(time: any TimeSource) { self.time = time }

  /// Nanoseconds since 1970; never zero.
  var now: UInt64 {
    let wall = time.wallClock()
    let monotonic = time.monotonic()
    let lead = Int64(truncatingIfNeeded: wall &- monotonic)
    let greatest = greatestLead.load(ordering: .relaxed)
    if lead > greatest { greatestLead.max(lead, ordering: .sequentiallyConsistent) }
    return max(monotonic &+ UInt64(bitPattern: max(lead, greatest)), 1)
  }
}
