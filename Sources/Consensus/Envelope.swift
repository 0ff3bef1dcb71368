package import Primitives

/// A message between two replicas of one group.
package struct Envelope: Hashable, Sendable {
  package let from: ReplicaID
  package let to: ReplicaID
  package let message: Message

  package init(from: ReplicaID, to: ReplicaID, message: Message) {
    self.from = from
    self.to = to
    self.message = message
  }
}
