/// A promise that a group of replicas broke.
package struct ClusterViolation: Error, Sendable, Hashable, CustomStringConvertible {
  /// Which promise.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Two contents were chosen in one slot.
    case twoValuesInSlot
    /// Two replicas came to different states at one slot.
    case statesDiffer
    /// A replica applied slots out of their order.
    case appliedOutOfOrder
    /// What was chosen once is not there at the end.
    case chosenLost
    /// The answers that clients got cannot be put into an order.
    case notLinearizable
    /// A command that was sent again got another answer.
    case answerChanged
    /// Two replicas would have answered a read by their leases at the same time.
    case twoLeases
    /// The phase of liveness ended without progress.
    case noProgress
    /// Clients got fewer answers in the whole run than any run has to give.
    case tooLittleDone
    /// A replica whose disk nobody damaged does not open, or stopped, or lost its promises.
    case replicaFailed
    /// A node does not sleep although nothing happens to it.
    case neverSleeps
    /// An answer that nothing declared explains.
    case unexpectedAnswer
  }

  package let kind: Kind
  package let detail: String

  package init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  package var description: String { "\(kind.rawValue): \(detail)" }
}
