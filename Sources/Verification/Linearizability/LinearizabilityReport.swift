/// What a checker found in a history of timed operations, and how much there was to find it in.
public struct LinearizabilityReport<Model: SequentialModel>: Sendable {
  /// How many operations there were.
  public var operationCount = 0
  /// How many of them nobody knows the outcome of.
  public var unknownCount = 0
  /// How many objects there were.
  public var keyCount = 0
  /// How many partial orders were looked at.
  public var stepCount = 0
  /// One for each object whose operations cannot be ordered, ascending by key.
  public var violations: [LinearizabilityViolation<Model>] = []
  /// Objects on which the checker gave up at its limit, ascending.
  public var undecided: [Model.Key] = []

  /// Whether all objects were shown to be linearizable: neither a violation nor an open question.
  public var isLinearizable: Bool { violations.isEmpty && undecided.isEmpty }

  init() {}
}

/// Operations on one object that no order explains: the evidence, as small as it was found.
public struct LinearizabilityViolation<Model: SequentialModel>: Sendable {
  /// The object.
  public let key: Model.Key
  /// When the window of time begins in which they lie: nothing of what returned before is needed
  /// for the contradiction, whatever state it left.
  public let begin: UInt64
  /// When it ends: up to then, and not before, the answers contradict each other.
  public let end: UInt64
  /// The operations whose answers contradict each other, by their invocation. Leave out one, and the
  /// rest can be ordered.
  public let contradicting: [TimedOperation<Model>]
  /// Operations that were under way meanwhile and may have had their effect or not: neither
  /// resolves the contradiction.
  public let others: [TimedOperation<Model>]
  /// All of it in words, a line for each operation.
  public let explanation: String
}

extension LinearizabilityViolation {
  /// - Parameter window: contradicting operations, which have an answer, and others, which have none.
  init(
    key: Model.Key, model: Model, begin: UInt64, end: UInt64, _ window: [TimedOperation<Model>]
  ) {
    self.key = key
    self.begin = begin
    self.end = end
    contradicting = window.filter { !$0.isUnknown }
    others = window.filter { $0.isUnknown }
    func line(_ operation: TimedOperation<Model>) -> String {
      let returned = operation.isUnknown ? "..." : "\(operation.returned)"
      return "  [\(operation.invoked), \(returned)] client \(operation.client): "
        + model.describe(operation.call, answer: operation.answer)
    }
    var lines = ["key \(key): these answers contradict each other, whatever the order"]
    if begin > 0 { lines[0] += " and whatever was there before \(begin)" }
    lines += contradicting.map(line)
    if !others.isEmpty {
      lines.append("and these, done or not, cannot explain them:")
      lines += others.suffix(Self.othersTold).map(line)
      let untold = others.count - Self.othersTold
      if untold > 0 { lines.append("  and \(untold) that were invoked earlier") }
    }
    explanation = lines.joined(separator: "\n")
  }

  private static var othersTold: Int { 12 }
}

extension LinearizabilityViolation: CustomStringConvertible {
  /// In words.
  public var description: String { explanation }
}
