internal import Martlet

/// The answer to one request.
package struct DriveReply: Equatable, Sendable {
  package var id: JSON
  package var outcome: Outcome

  /// What became of a request.
  package enum Outcome: Equatable, Sendable {
    case ok(JSON)
    /// The session's transaction is over, and nothing of it is in the database.
    case aborted(reason: String, code: String)
    /// Nothing happened.
    case error(String)
  }

  package init(id: JSON, _ outcome: Outcome) {
    self.id = id
    self.outcome = outcome
  }

  /// The reply as its line of output, without the line end.
  package var text: String {
    let members: [JSON.Member] =
      switch outcome {
      case .ok(let value): [.init("status", "ok"), .init("value", value)]
      case .aborted(let reason, let code):
        [
          .init("status", "aborted"), .init("reason", .string(reason)),
          .init("code", .string(code)),
        ]
      case .error(let reason): [.init("status", "error"), .init("reason", .string(reason))]
      }
    return JSON.object([.init("id", id)] + members).text
  }
}

extension DriveReply.Outcome {
  /// What to answer when an operation threw: an abort, unless the error says nothing happened.
  init(failedWith error: any Error) {
    switch error {
    case let refusal as DriveRefusal: self = .error(refusal.reason)
    case let error as DatabaseError where error.code.leavesTransactionOpen:
      self = .error(error.message)
    case let error as DatabaseError:
      self = .aborted(reason: error.message, code: error.code.name)
    default:
      self = .aborted(reason: ToolError(describing: error).description, code: "inputOutput")
    }
  }
}

extension DatabaseError.Code {
  /// Whether the call was refused and the transaction around it goes on.
  var leavesTransactionOpen: Bool {
    switch self {
    case .invalidArgument, .keyTooLong, .valueTooLarge, .valueMismatch, .keyExists,
      .isolationTooWeak,
      .wrongDatabase, .unknownKeyspace, .ownedByCollection, .valueOverflow:
      true
    default: false
    }
  }
}
