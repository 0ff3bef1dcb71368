/// A promise that was broken in a torture run.
package struct TortureViolation: Error, Sendable, Hashable, CustomStringConvertible {
  /// Which promise.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// An acknowledged, durable commit is not there after a restart.
    case acknowledgedCommitLost
    /// What an answered read has shown is not there after a restart (rule L9).
    case answeredReadLost
    /// A commit is there, an earlier one is not.
    case holeInHistory
    /// A transaction that was rolled back, or never asked for, is there.
    case uncommittedPresent
    /// A key's value or moment is not what the history makes it.
    case wrongContent
    /// A read, or a scan, returned what its snapshot did not hold.
    case wrongRead
    /// Two concurrent transactions wrote the same key, and both committed.
    case lostUpdate
    /// A timestamp was used twice, or is below one that was seen.
    case timestampReused
    /// A commit that began after another was acknowledged has the lower timestamp.
    case realTimeOrderBroken
    /// A transaction that has read nothing and only merges lost against another.
    case mergeRefused
    /// Somebody judged what expires by another moment than the clock of the database has it.
    case wrongMoment
    /// A keyspace is there that must not be, or the other way round.
    case wrongKeyspaces
    /// Two recoveries of one disk differ.
    case recoveriesDiffer
    /// The walk over the structure found damage that nothing declared explains.
    case structureDamaged
    /// An error that nothing declared explains.
    case unexpectedError
    /// The database does not open any more.
    case openingFailed
    /// Something that was declared never happened.
    case faultNeverFired
  }

  package let kind: Kind
  package let detail: String

  package init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  package var description: String { "\(kind.rawValue): \(detail)" }
}
