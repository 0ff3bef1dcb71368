/// A scenario's text is not what the grammar allows: where, and what was expected there.
public struct ScenarioSyntaxError: Error, Sendable, Hashable {
  /// The line, from 1.
  public let line: Int
  /// The column, from 1, in characters.
  public let column: Int
  /// What is wrong, and what was expected.
  public let message: String
}

extension ScenarioSyntaxError: CustomStringConvertible {
  /// `line 3, column 7: ...`
  public var description: String { "line \(line), column \(column): \(message)" }
}
