package import Consensus
package import Primitives
package import RedoLog
package import VersionStore

/// How a node is set up. The defaults are meant for every use; tests make them small.
package struct NodeConfiguration: Sendable {
  package var log = LogConfiguration()
  /// Of each group's data file. All nodes of a cluster have pages of one size: it limits keys and
  /// values.
  package var store = StoreConfiguration(cacheByteCount: 64 << 20)
  /// Bytes of log that a recovery may have to read, before the group that holds them back most
  /// writes a checkpoint.
  package var checkpointLogByteCount: UInt64 = 64 << 20
  /// Requests of clients that wait or are under way, at most (rule A1).
  package var requestLimit = 16_384
  /// Frames that were received and not looked at yet, at most, and their bytes: more are dropped.
  package var frameLimit = 4_096
  package var frameByteLimit = 64 << 20
  /// A flush that takes longer makes a leader hand over (rule F2). Nanoseconds.
  package var stallLimit: UInt64 = 2_000_000_000
  /// Every so many slots replicas compare the hashes of their states.
  package var hashInterval: UInt64 = 1024
  /// Told of each entry that a replica has applied, and of the state's hash then.
  package var onApplied: (@Sendable (GroupID, ReplicaID, Entry, StateHash) -> Void)?

  package init() {}
}

/// A group in which a node takes part.
package struct GroupDescription: Sendable {
  package let group: GroupID
  /// The number of this node's member: given once, never again (rule M6).
  package let replica: ReplicaID
  /// The first configuration of the group, the same for all its members ever. Whoever joins later
  /// does not stand in it, and learns the newest from the log.
  package let founding: Configuration
  /// Where the members live.
  package var addresses: [ReplicaID: NodeID]
  package var settings: Settings

  package init(
    group: GroupID, replica: ReplicaID, founding: Configuration,
    addresses: [ReplicaID: NodeID], settings: Settings = Settings()
  ) {
    self.group = group
    self.replica = replica
    self.founding = founding
    self.addresses = addresses
    self.settings = settings
  }
}
