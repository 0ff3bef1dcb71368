import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where threads under measurement wait while the harness does something that must not count: the
/// clock stands still meanwhile.
final class Gate: Sendable {
  private let isClosed = Atomic<Bool>(false)
  private let nanoseconds = Atomic<UInt64>(0)

  /// How long it was closed so far.
  var closedNanoseconds: UInt64 { nanoseconds.load(ordering: .acquiring) }

  /// Passes at once, or when the gate is open again.
  @inline(__always)
  func pass() {
    if isClosed.load(ordering: .relaxed) { wait() }
  }

  @inline(never)
  private func wait() {
    while isClosed.load(ordering: .acquiring) { usleep(100) }
  }

  /// Runs a body while the gate is closed. One thread does so.
  func close<Result>(while body: () -> Result) -> Result {
    let begin = MonotonicClock.nanoseconds
    isClosed.store(true, ordering: .releasing)
    let result = body()
    nanoseconds.wrappingAdd(MonotonicClock.nanoseconds - begin, ordering: .releasing)
    isClosed.store(false, ordering: .releasing)
    return result
  }
}
