/// The isolation levels by the names of the literature, as scenario files use them.
public enum ScenarioLevel: String, Sendable, Hashable, CaseIterable {
  /// Read uncommitted.
  case readUncommitted = "RU"
  /// Read committed.
  case readCommitted = "RC"
  /// Repeatable read.
  case repeatableRead = "RR"
  /// Snapshot isolation.
  case snapshot = "SI"
  /// Serializable.
  case serializable = "SER"
  /// Strict serializable.
  case strictSerializable = "SSER"
}

/// The protocols that make transactions serializable, by the names that scenario files use.
public enum ScenarioProtocol: String, Sendable, Hashable, CaseIterable {
  /// Serializable snapshot isolation.
  case serializableSnapshot = "SSI"
  /// Two-phase locking, with locks on intervals.
  case twoPhaseLocking = "2PL"
  /// Optimistic: reads are validated at commit.
  case optimistic = "OCC"
}

/// What a transaction runs at: a level, and which protocol keeps its promise.
public struct IsolationSetting: Sendable, Hashable {
  /// What is promised.
  public var level: ScenarioLevel
  /// How it is kept; nil where there is nothing to choose.
  public var concurrency: ScenarioProtocol?

  /// A level with a protocol; without one, with the level's default.
  public init(_ level: ScenarioLevel, _ concurrency: ScenarioProtocol? = nil) {
    self.level = level
    self.concurrency = concurrency ?? level.defaultProtocol
  }

  /// Every level, with every protocol that it offers, from weak to strong: the columns of the
  /// matrix.
  public static let all: [IsolationSetting] = ScenarioLevel.allCases.flatMap { level in
    level.protocols.isEmpty
      ? [IsolationSetting(level)] : level.protocols.map { IsolationSetting(level, $0) }
  }
}

extension ScenarioLevel {
  /// The protocols that the level offers, its default first; none where there is no choice.
  public var protocols: [ScenarioProtocol] {
    switch self {
    case .readUncommitted, .readCommitted, .repeatableRead, .snapshot: []
    case .serializable: [.serializableSnapshot, .twoPhaseLocking, .optimistic]
    case .strictSerializable: [.twoPhaseLocking, .optimistic, .serializableSnapshot]
    }
  }

  /// The protocol that a transaction of the level uses unless told otherwise.
  public var defaultProtocol: ScenarioProtocol? { protocols.first }
}

extension IsolationSetting: CustomStringConvertible {
  /// `RC`, or `SER/SSI`.
  public var description: String {
    concurrency.map { "\(level.rawValue)/\($0.rawValue)" } ?? level.rawValue
  }
}
