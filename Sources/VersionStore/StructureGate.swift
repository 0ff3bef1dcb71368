internal import Environment
internal import Synchronization

/// Lets any number of changes of structure run at once, or one checkpoint be captured, never both:
/// no checkpoint cuts a change of several pages in half.
///
/// Spins instead of blocking, because whoever is inside may be waiting for the pager; the closed
/// phases last microseconds, the open ones one bounded change.
///
/// - Invariant SG1: inside `enter ... leave` nobody is between `close` and `open`.
final class StructureGate: Sendable {
  private static let closedBit: Int = 1 << 40

  private let word = Atomic<Int>(0)
  private let waits: any Waits

  init(waits: any Waits) { self.waits = waits }

  /// Goes in; pair with `leave`. Not while already inside.
  func enter() {
    var attempt = 0
    while true {
      let seen = word.load(ordering: .relaxed)
      if seen & Self.closedBit == 0,
        word.weakCompareExchange(expected: seen, desired: seen + 1, ordering: .acquiring).exchanged
      {
        return
      }
      waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func leave() {
    let before = word.wrappingSubtract(1, ordering: .releasing).oldValue
    precondition(before & (Self.closedBit - 1) > 0, "leaving a gate nobody entered")
  }

  /// Lets nobody in any more and waits until all are out; pair with `open`.
  func close() {
    var attempt = 0
    while true {
      let seen = word.load(ordering: .relaxed)
      if seen & Self.closedBit == 0,
        word.weakCompareExchange(
          expected: seen, desired: seen | Self.closedBit, ordering: .acquiring
        ).exchanged
      {
        break
      }
      waits.yield(attempt: attempt)
      attempt += 1
    }
    attempt = 0
    while word.load(ordering: .acquiring) != Self.closedBit {
      waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func open() {
    let before = word.exchange(0, ordering: .releasing)
    precondition(before == Self.closedBit, "opening a gate that was not closed")
  }
}
