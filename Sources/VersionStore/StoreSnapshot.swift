package import BTreeIndex
package import Primitives

/// At which watermark a snapshot begins.
package enum SnapshotKind: Sendable {
  /// The newest acknowledged commit: for transactions that only read.
  case acknowledged
  /// The newest published commit: for transactions that write.
  case published
}

/// The handle of a registered snapshot. Ended exactly once, with `VersionStore.endSnapshot`.
///
/// A handle used after its end reads nothing wrong: its slot holds something else by then, and
/// every read compares.
package struct StoreSnapshot: BitwiseCopyable, Sendable, Equatable {
  /// The snapshot shows every commit at or before this moment, and none after.
  package let timestamp: Timestamp
  /// Where it is registered.
  package let slot: UInt32
  /// Entries that expire at this moment of the wall clock or before are absent. Zero when nothing
  /// in the store expired when the snapshot began: then it sees nothing that does.
  package internal(set) var moment: UInt64 = 0

  package init(timestamp: Timestamp, slot: UInt32) {
    self.timestamp = timestamp
    self.slot = slot
  }

  /// Fixes the moment of a snapshot that has none yet.
  package mutating func judgeExpiry(at moment: UInt64) {
    if self.moment == 0 { self.moment = moment }
  }

  /// The same state, with what has expired and was not removed.
  package var withoutExpiry: StoreSnapshot {
    var snapshot = self
    snapshot.moment = 0
    return snapshot
  }
}

/// What a commit decided about the versions it supersedes, before it applies.
package struct CommitAnnouncement: BitwiseCopyable, Sendable, Equatable {
  /// Whether superseded versions are linked into chains.
  package let keepsVersions: Bool
  /// Whether beginning snapshots wait until this commit is retracted.
  package let isAnnounced: Bool

  /// For recovery: nobody reads yet, so nothing is kept and nobody has to be told.
  package static let replay = CommitAnnouncement(keepsVersions: false, isAnnounced: false)
  /// Keeps what the commit supersedes: right in every case.
  package static let keeping = CommitAnnouncement(keepsVersions: true, isAnnounced: false)
}

/// What `VersionStore.prepare` found.
package enum PrepareOutcome: Sendable {
  /// Every leaf is in memory and no key is newer than the snapshot.
  ///
  /// `leaf` is that of a batch of one entry, as it was seen: unless somebody changes it meanwhile,
  /// `apply` need not look for it again.
  case ready(leaf: SeenLeaf?)
  /// Someone committed this key after the snapshot was taken (first updater wins, M7).
  case conflict(keyspace: KeyspaceID, key: [UInt8], newer: Timestamp)
}
