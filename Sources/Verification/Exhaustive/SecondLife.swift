package import Environment
package import Martlet

/// What a database does after a crash: it is opened, gets a keyspace and a commit, and is closed.
/// Every state of the disk under it must keep what the first life left, and what it acknowledged.
package final class SecondLife: @unchecked Sendable {
  // SENDABLE: a run has one of it; afterwards it is only read.
  /// The states after opening, after the keyspace's creation and after the commit.
  private let fingerprints: [UInt64]
  /// Whether a state may be what is left before opening has succeeded: the first life may have
  /// asked for more than it was told of.
  private let isLegalBefore: @Sendable (UInt64) -> Bool
  private var attempted = 0
  private var acknowledged = 0

  private static let keyspace = "second life"
  private static let key = Array("key".utf8)
  private static let value = [UInt8](repeating: 7, count: 600)

  /// After a life that left this fingerprint, if nothing of it is lost.
  package init(
    after fingerprint: UInt64, orBeforeOpening isLegalBefore: @escaping @Sendable (UInt64) -> Bool
  ) {
    self.isLegalBefore = isLegalBefore
    let created = fingerprint &+ ModelState.fingerprint(ofKeyspace: Self.keyspace)
    fingerprints = [
      fingerprint, created, created &+ ModelState.fingerprint(Self.keyspace, Self.key, Self.value),
    ]
  }

  package var moment: CrashJournal.Moment {
    CrashJournal.Moment(attempted: attempted, acknowledged: acknowledged)
  }

  /// Whether a state is one that this life may leave behind.
  package func allows(_ fingerprint: UInt64, at moment: CrashJournal.Moment) -> Bool {
    if moment.acknowledged == 0, isLegalBefore(fingerprint) { return true }
    return fingerprints[max(moment.acknowledged, 1) - 1..<max(moment.attempted, 1)]
      .contains(fingerprint)
  }

  package func run(_ effects: Effects, _ configuration: Configuration) throws {
    let database = try Database(
      at: CrashSession.directory, configuration: configuration, effects: effects)
    do {
      (attempted, acknowledged) = (2, 1)
      let keyspace = try database.keyspace(Self.keyspace)
      (attempted, acknowledged) = (3, 2)
      try database.write { try $0.set(Self.value, for: Self.key, in: keyspace) }
      acknowledged = 3
    } catch {
      try? database.close()
      throw error
    }
    try database.close()
  }
}
