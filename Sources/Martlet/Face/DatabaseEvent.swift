internal import Environment

/// News of a database, for whoever runs it. Never part of an answer.
public struct DatabaseEvent: Sendable, Hashable {
  /// How much it matters.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// What happens all the time: an attempt of a transaction was rolled back.
    case debug
    /// What happens now and then and is in order.
    case notice
    /// What should be looked at: a snapshot that pins much, locks that became one of the keyspace.
    case warning
    /// What failed.
    case failure
  }

  /// How much it matters.
  public let severity: Severity
  /// One line for people.
  public let message: String

  init(_ event: Event) {
    severity =
      switch event.severity {
      case .debug: .debug
      case .notice: .notice
      case .warning: .warning
      case .failure: .failure
      }
    message = event.message
  }
}
