package import Consensus
package import Primitives

/// What a client wants of a node.
struct NodeRequest: Sendable {
  let id: RequestID
  let group: GroupID
  let kind: Kind

  enum Kind: Sendable {
    case command([UInt8], @Sendable (Result<CommandResult, RequestError>) -> Void)
    case read(key: [UInt8], @Sendable (Result<ReadAnswer, RequestError>) -> Void)
    case configuration(
      Configuration, isForced: Bool, @Sendable (Result<Slot, RequestError>) -> Void)
    case transfer(to: ReplicaID, @Sendable (Result<Ballot, RequestError>) -> Void)
  }

  func fail(_ error: RequestError) {
    switch kind {
    case .command(_, let answer): answer(.failure(error))
    case .read(_, let answer): answer(.failure(error))
    case .configuration(_, _, let answer): answer(.failure(error))
    case .transfer(_, let answer): answer(.failure(error))
    }
  }
}

/// What a read found.
package struct ReadAnswer: Hashable, Sendable {
  /// Nil: the key is absent.
  package let value: [UInt8]?
  /// The state that was read holds everything up to here, and nothing behind it.
  package let slot: Slot
}

/// A replica as it stood a moment ago.
package struct GroupStatus: Hashable, Sendable {
  package var group: GroupID
  package var replica: ReplicaID
  package var role: Replica.Role
  package var chosenSlot: Slot
  package var appliedSlot: Slot
  /// Of the state at `appliedSlot`.
  package var stateHash: StateHash
  /// The newest configuration known to be chosen, and where it was.
  package var configuration: Configuration
  package var configurationSlot: Slot
  /// When reads are answered without asking anybody, by this node's boot clock.
  package var leaseTerm: Range<BootTime>?
  /// The durable state of the replica reaches so far.
  package var durableSlot: Slot
  /// Images that this replica has installed since the node was opened.
  package var installedImageCount = 0
  /// The replica does nothing any more: it was removed, or cannot go on.
  package var isHalted = false
}
