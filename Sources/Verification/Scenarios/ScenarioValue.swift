/// A value of a scenario's keys.
public enum ScenarioValue: Sendable, Hashable {
  /// A whole number.
  case integer(Int64)
  /// A string.
  case text(String)
}

/// A key and its value.
public struct ScenarioRow: Sendable, Hashable {
  /// The key, as the file writes it.
  public var key: String
  /// Its value.
  public var value: ScenarioValue

  /// A row.
  public init(_ key: String, _ value: ScenarioValue) {
    self.key = key
    self.value = value
  }
}

/// What an operation answers.
public enum ScenarioResult: Sendable, Hashable {
  /// Nothing to say: a write.
  case done
  /// The value of a key; nil when it is absent.
  case value(ScenarioValue?)
  /// Whether a compare-and-set found what it compared with.
  case truth(Bool)
  /// The rows of a scan, in order.
  case rows([ScenarioRow])
}

extension ScenarioValue: CustomStringConvertible {
  /// As a scenario file writes it.
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .text(let text): "\"\(text)\""
    }
  }
}

extension ScenarioResult: CustomStringConvertible {
  /// As transcripts print it.
  public var description: String {
    switch self {
    case .done: "done"
    case .value(let value): value?.description ?? "absent"
    case .truth(let value): String(value)
    case .rows(let rows):
      rows.isEmpty ? "no rows" : rows.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
  }
}
