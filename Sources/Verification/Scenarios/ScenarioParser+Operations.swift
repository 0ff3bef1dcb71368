extension ScenarioParser {
  private static let operations =
    "an operation (begin, get, get-for-update, put, delete, incr, cas, scan, savepoint, "
    + "rollback-to, commit, abort)"

  func operation(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioOperation {
    let before = statement
    switch try statement.name(Self.operations) {
    case "begin": return .begin
    case "get": return .get(try statement.key())
    case "get-for-update": return .getForUpdate(try statement.key())
    case "put": return .put(try statement.key(), try statement.value())
    case "delete": return .delete(try statement.key())
    case "incr":
      let key = try statement.key()
      guard case .number(let amount) = statement.current.kind else {
        return .increment(key, by: 1)
      }
      statement.advance()
      return .increment(key, by: amount)
    case "cas":
      let key = try statement.key()
      let old = statement.take("absent") ? nil : try statement.value()
      return .compareAndSet(key, old: old, new: try statement.value())
    case "scan": return try scan(&statement)
    case "savepoint": return .savepoint(try statement.name("the savepoint's name"))
    case "rollback-to": return .rollBack(to: try statement.name("the savepoint's name"))
    case "commit": return .commit
    case "abort": return .abort
    default: throw before.expected(Self.operations)
    }
  }

  private func scan(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioOperation {
    var bounds: [String?] = []
    while bounds.count < 2, !isAtEndOfOperation(statement) {
      bounds.append(statement.take("-") ? nil : try statement.key())
    }
    guard bounds.count != 1 else {
      throw statement.expected("the upper bound, a key or \"-\"")
    }
    var limit: Int?
    if statement.take("limit") {
      let before = statement
      guard let count = Int(exactly: try statement.number("a number of rows")), count >= 0 else {
        throw before.error("a limit is not negative")
      }
      limit = count
    }
    return .scan(
      lower: bounds.first.flatMap { $0 }, upper: bounds.last.flatMap { $0 }, limit: limit)
  }

  private func isAtEndOfOperation(_ statement: ScenarioStatement) -> Bool {
    switch statement.current.kind {
    case .endOfLine, .symbol(";"), .word("limit"): true
    default: false
    }
  }
}
