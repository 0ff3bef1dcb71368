/// What a run has asked of the database and been told, in order: the oracle of a crash.
///
/// - Invariant CJ1: `attempted` counts changes that may be in the database; `acknowledged` those
///   that must be. A recovered state is right when it is the state after some number of changes
///   between the two: a prefix, with every durable acknowledgement in it.
package final class CrashJournal: @unchecked Sendable {
  // SENDABLE: a run has one session; the observer of a simulated disk runs while it waits.

  /// Where a run stood at some moment.
  package struct Moment: Sendable, Equatable {
    package let attempted: Int
    package let acknowledged: Int
  }

  /// The fingerprint after each number of changes.
  package private(set) var fingerprints: [UInt64] = [0]
  package private(set) var state = ModelState()
  package private(set) var acknowledged = 0
  /// Levels of the highest tree that a check met.
  package private(set) var height = 0

  package init() {}

  package var attempted: Int { fingerprints.count - 1 }

  package var moment: Moment { Moment(attempted: attempted, acknowledged: acknowledged) }

  /// A check met a tree of so many levels.
  package func note(height: Int) { self.height = max(self.height, height) }

  /// A change is about to be asked for.
  package func attempt(_ change: (inout ModelState) -> Void) {
    change(&state)
    fingerprints.append(state.fingerprint)
  }

  /// The last change was acknowledged; durably, unless it was relaxed.
  package func acknowledge(isDurable: Bool) { if isDurable { acknowledged = attempted } }

  /// The last change certainly did not happen.
  package func withdraw(to previous: ModelState) {
    state = previous
    fingerprints.removeLast()
  }

  /// Whether a recovered state is one that a crash at that moment may leave. Returns how many
  /// changes it holds; nil when it is none of them.
  package func match(_ fingerprint: UInt64, at moment: Moment) -> Int? {
    (moment.acknowledged...moment.attempted).last { fingerprints[$0] == fingerprint }
  }
}
