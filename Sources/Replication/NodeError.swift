package import Consensus
package import Environment
package import Primitives
package import RedoLog
package import VersionStore

/// Why a node could not be opened, or has stopped.
package enum NodeError: Error, Equatable, Sendable {
  /// The directory holds no node; it has to be made one first.
  case notFormatted(path: String)
  /// It holds something already.
  case alreadyFormatted(path: String)
  /// Another process, or another part of this one, has it open.
  case alreadyOpen(path: String)
  case file(FileError)
  case log(LogError)
  case store(StoreError)
  case corrupt(CorruptionError)
  /// The state of a group that this node once had is gone, though what it promised is not: the
  /// node has to be wiped and to join as a new one.
  case lostState(GroupID)
  /// Replicas of a group came to different states at a slot: this one goes no further.
  case diverged(GroupID, Slot)
  case closed
}

/// Why a request was not answered with what was asked for.
package enum RequestError: Error, Hashable, Sendable {
  /// The group refused. A hint of who leads is in it, and `leader` says where that one lives.
  case refused(Refusal, leader: NodeID?)
  /// This node has no such group.
  case unknownGroup
  /// Nothing of it happened: more requests wait than the node takes. Try again later.
  case overloaded
  /// Nothing of it happened: the key, or key and value together, are too long.
  case tooLarge
  /// The node stopped. A command may yet be carried out or never be.
  case stopped
  /// The state could not be read.
  case unreadable
}
