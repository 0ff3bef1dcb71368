/// Why a history cannot be read or checked: what was expected, and where.
public struct HistoryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The line, counted from one; nil when the error is in no line.
  public let line: Int?
  /// The byte in the line, counted from one.
  public let column: Int?
  /// What is wrong.
  public let message: String

  init(_ message: String, line: Int? = nil, column: Int? = nil) {
    self.message = message
    self.line = line
    self.column = column
  }

  /// The place and the message.
  public var description: String {
    guard let line, let column else { return message }
    return "line \(line), column \(column): \(message)"
  }
}
