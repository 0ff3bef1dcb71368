/// One step of a transaction in a history.
public enum HistoryOperation: Sendable, Equatable {
  /// Appended a value to the list of a key.
  case append(key: Int, value: Int)
  /// Set the register of a key.
  case write(key: Int, value: Int)
  /// Read a key; nil when the answer is not known.
  case read(key: Int, HistoryValue?)
  /// Read the keys from `lower` up to, and without, `upper`; nil when the answer is not known.
  case scan(lower: Int, upper: Int, [HistoryEntry]?)

  /// The key and the value that it wrote.
  var written: (key: Int, value: Int)? {
    switch self {
    case .append(let key, let value), .write(let key, let value): (key, value)
    case .read, .scan: nil
    }
  }
}

/// What a read of a key answered.
public enum HistoryValue: Sendable, Equatable {
  /// The key was not there.
  case absent
  /// A register.
  case register(Int)
  /// A list.
  case list([Int])
}

/// A key and its value in the answer of a scan.
public struct HistoryEntry: Sendable, Equatable {
  /// The key.
  public var key: Int
  /// Its value.
  public var value: HistoryValue

  /// A key with a value.
  public init(_ key: Int, _ value: HistoryValue) {
    self.key = key
    self.value = value
  }
}

// MARK: - Words

extension HistoryOperation: CustomStringConvertible {
  /// As the JSON format writes it.
  public var description: String {
    switch self {
    case .append(let key, let value): "[append \(key) \(value)]"
    case .write(let key, let value): "[w \(key) \(value)]"
    case .read(let key, let value): "[r \(key) \(value.map { "\($0)" } ?? "?")]"
    case .scan(let lower, let upper, let entries):
      "[scan \(lower)..<\(upper) "
        + (entries.map { "{" + $0.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}" }
          ?? "?") + "]"
    }
  }
}

extension HistoryValue: CustomStringConvertible {
  /// The value; a long list by its end.
  public var description: String {
    switch self {
    case .absent: "nothing"
    case .register(let value): "\(value)"
    case .list(let values) where values.count > 8:
      "[... \(values.suffix(6).map(String.init).joined(separator: " ")) (\(values.count) elements)]"
    case .list(let values): "[\(values.map(String.init).joined(separator: " "))]"
    }
  }
}
