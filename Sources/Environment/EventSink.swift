/// News for whoever runs the engine. Never part of an answer.
package struct Event: Sendable {
  package enum Severity: Int, Sendable, Comparable {
    case debug, notice, warning, failure

    package static func < (left: Severity, right: Severity) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  package let severity: Severity
  package let message: String

  package init(_ severity: Severity, _ message: String) {
    self.severity = severity
    self.message = message
  }
}

/// Where news goes.
package protocol EventSink: Sendable {
  func report(_ event: Event)

  /// Whether anybody reads news of this severity, so that making the words is worth it.
  func wants(_ severity: Event.Severity) -> Bool
}

extension EventSink {
  package func wants(_ severity: Event.Severity) -> Bool { true }
}
