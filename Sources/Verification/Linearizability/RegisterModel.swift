/// A register for each key, absent at first: what a key-value store with get, put,
/// compare-and-set and delete promises of each of its keys.
public struct RegisterModel<Key, Value>: SequentialModel
where Key: Hashable & Comparable & Sendable, Value: Hashable & Sendable {
  /// The value; nil when the key is absent.
  public typealias State = Value?

  /// What is asked of a register.
  public enum Call: Hashable, Sendable {
    /// Its value.
    case get
    /// To take a value.
    case put(Value)
    /// To take a value, or to become absent, if it has exactly the expected one.
    case compareAndSet(expected: Value?, new: Value?)
    /// To become absent.
    case delete
  }

  /// What it answers.
  public enum Answer: Hashable, Sendable {
    /// To a put, and to a delete whose answer does not tell whether there was a value.
    case done
    /// To a get.
    case value(Value?)
    /// To a compare-and-set, whether it took place; to a delete, whether there was a value.
    case applied(Bool)
  }

  /// Registers that are absent at first.
  public init() {}

  /// Absent.
  public func initialState(of key: Key) -> Value? { nil }

  /// The value after a call; nil when the call cannot be answered so.
  public func step(_ state: Value?, _ call: Call, answer: Answer?) -> Value?? {
    switch (call, answer) {
    case (.get, nil): .some(state)
    case (.get, .value(let value)): value == state ? .some(state) : nil
    case (.put(let value), nil), (.put(let value), .done): .some(value)
    case (.compareAndSet(let expected, let new), nil): .some(expected == state ? new : state)
    case (.compareAndSet(let expected, let new), .applied(true)):
      expected == state ? .some(new) : nil
    case (.compareAndSet(let expected, _), .applied(false)):
      expected == state ? nil : .some(state)
    case (.delete, nil), (.delete, .done): .some(nil)
    case (.delete, .applied(let wasThere)): wasThere == (state != nil) ? .some(nil) : nil
    default: nil
    }
  }

  /// Every operation of a register has one; nil is left for answers that do not fit their call.
  public func footprint(of call: Call, answer: Answer?) -> Footprint<Value?>? {
    switch (call, answer) {
    case (.get, nil): Footprint(.any)
    case (.get, .value(let value)): Footprint(.only(value))
    case (.put(let value), nil), (.put(let value), .done): Footprint(.any, effect: value)
    case (.compareAndSet(let expected, let new), nil),
      (.compareAndSet(let expected, let new), .applied(true)):
      Footprint(.only(expected), effect: new)
    case (.compareAndSet(let expected, _), .applied(false)): Footprint(.not(expected))
    case (.delete, nil), (.delete, .done): Footprint(.any, effect: .some(nil))
    case (.delete, .applied(true)): Footprint(.not(nil), effect: .some(nil))
    case (.delete, .applied(false)): Footprint(.only(nil))
    default: nil
    }
  }

  /// As in `put 7`, `get, answered 7`.
  public func describe(_ call: Call, answer: Answer?) -> String {
    func name(_ value: Value?) -> String { value.map { "\($0)" } ?? "nothing" }
    let asked =
      switch call {
      case .get: "get"
      case .put(let value): "put \(name(value))"
      case .compareAndSet(let expected, let new):
        "compare-and-set from \(name(expected)) to \(name(new))"
      case .delete: "delete"
      }
    return switch answer {
    case nil: "\(asked), outcome unknown"
    case .done: asked
    case .value(let value): "\(asked), answered \(name(value))"
    case .applied(true): "\(asked), applied"
    case .applied(false): "\(asked), not applied"
    }
  }
}
