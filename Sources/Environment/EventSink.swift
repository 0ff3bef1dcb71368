/// News for whoever runs the engine. Never part of an answer.
package struct Event: Sendable {
  package enum Severity: Int, Sendable, Comparable {
    case debug, notice, warning, failure

    package static func < (left: Severity, right: Severity) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  /// What it is about. The raw value is the name under which users know it, and stays.
  package enum Kind: String, Sendable, CaseIterable {
    /// Recovery goes on.
    case recovery
    /// Something on the disk was found damaged, and what was done about it.
    case damage
    /// The log did something that should be known.
    case log
    /// A transaction's attempt was rolled back.
    case abort
    /// A transaction took long.
    case slowTransaction
    /// A transaction is open and does nothing.
    case idleTransaction
    /// A transaction's locks became one of the whole keyspace.
    case lockEscalation
    /// Much is kept in memory for one snapshot.
    case pinnedVersions
    /// A snapshot lost what it saw.
    case snapshotExpired
    /// A checkpoint failed.
    case checkpointFailed
    /// The log grows faster than checkpoints let it go.
    case checkpointLag
    /// The disk is nearly full.
    case diskSpace
    /// Work in the background failed.
    case background
    /// A bulk build.
    case build
    /// A backup.
    case backup
    /// A live query could not read.
    case liveQuery
    /// A replicated node.
    case replication
    /// Anything else.
    case other
  }

  /// A fact of an event.
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int64)
    case duration(Duration)

    /// A count or a number, saturating.
    package static func number(_ value: some BinaryInteger) -> Value {
      .integer(Int64(clamping: value))
    }
  }

  package let severity: Severity
  package let kind: Kind
  package let message: String
  /// What the message says, by name, for programs.
  package let facts: [String: Value]

  package init(
    _ severity: Severity, kind: Kind = .other, _ message: String, _ facts: [String: Value] = [:]
  ) {
    self.severity = severity
    self.kind = kind
    self.message = message
    self.facts = facts
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
