extension ScenarioParser {
  mutating func definitionOrExpectation(
    _ statement: ScenarioStatement
  ) throws(ScenarioSyntaxError) {
    var statement = statement
    if statement.take("define") {
      let before = statement
      let name = try statement.name("the name of what may happen")
      guard !scenario.predicates.contains(where: { $0.name == name }) else {
        throw before.error("\"\(name)\" is defined already")
      }
      try statement.require("=")
      let predicate = try disjunction(&statement)
      try statement.requireEnd()
      define(.init(name: name, predicate: predicate))
    } else {
      try statement.require("expect")
      try expectation(&statement)
    }
  }

  private mutating func expectation(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) {
    var expectation = Scenario.Expectation(
      content: .never(""), line: statement.current.line, text: "expect " + statement.rest)
    var hasScope = false
    if statement.take("at") {
      hasScope = true
      repeat {
        expectation.levels.insert(try choice(&statement, "a level"))
      } while isWord(statement)
    }
    if statement.take("under") {
      hasScope = true
      repeat {
        expectation.protocols.insert(try choice(&statement, "a protocol"))
      } while isWord(statement)
    }
    if statement.take("in") {
      hasScope = true
      repeat { expectation.permutations.insert(try listedName(&statement)) } while isWord(statement)
    }
    if hasScope { try statement.require(":") }
    expectation.content = try content(&statement)
    try statement.requireEnd()
    expect(expectation)
  }

  /// Whether a list of levels, protocols or permutations goes on.
  private func isWord(_ statement: ScenarioStatement) -> Bool {
    switch statement.current.kind {
    case .word("under"), .word("in"): false
    case .word: true
    default: false
    }
  }

  private func listedName(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> String {
    let before = statement
    let name = try statement.name("the name of a listed permutation")
    guard case .listed(let permutations) = scenario.permutations,
      permutations.contains(where: { $0.name == name })
    else { throw before.error("there is no listed permutation \(name)") }
    return name
  }

  private func content(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> Scenario.Expectation.Content {
    if statement.take("happens") { return .happens(try definedName(&statement)) }
    if statement.take("never") { return .never(try definedName(&statement)) }
    if statement.take("allowed") { return .allowed(try definedName(&statement)) }
    return .holds(try disjunction(&statement))
  }

  private func definedName(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> String {
    let before = statement
    let name = try statement.name("the name of something defined")
    guard scenario.predicates.contains(where: { $0.name == name }) else {
      throw before.error("nothing named \(name) is defined above")
    }
    return name
  }

  // MARK: Predicates

  private func disjunction(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    var parts = [try conjunction(&statement)]
    while statement.take("or") { parts.append(try conjunction(&statement)) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }

  private func conjunction(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    var parts = [try negation(&statement)]
    while statement.take("and") { parts.append(try negation(&statement)) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }

  private func negation(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    if statement.take("not") { return .not(try negation(&statement)) }
    if statement.take("(") {
      let inner = try disjunction(&statement)
      try statement.require(")")
      return inner
    }
    for (word, isNegated) in [("everybody", false), ("somebody", false), ("nobody", true)]
    where statement.take(word) {
      let predicate = try fate(ofAllAs: word, &statement)
      return isNegated ? .not(predicate) : predicate
    }
    if case .word(let name) = statement.current.kind {
      if let session = scenario.sessions.firstIndex(where: { $0.name == name }) {
        statement.advance()
        return try fate(of: session, &statement)
      }
      switch statement.following.kind {
      case .word("blocked"):
        let step = try stepReference(&statement)
        statement.advance()
        return .blocked(step: step)
      case .word("before"):
        let first = try stepReference(&statement)
        statement.advance()
        return .before(first, try stepReference(&statement))
      default: break
      }
    }
    return try comparison(&statement)
  }

  private func fate(
    ofAllAs word: String, _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    if word == "everybody" {
      try statement.require("committed")
      return .committed(session: nil)
    }
    if statement.take("blocked") { return .blocked(step: nil) }
    guard statement.take("aborted") else { throw statement.expected("aborted or blocked") }
    return .aborted(session: nil, code: try code(&statement))
  }

  private func fate(
    of session: Int, _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    if statement.take("committed") { return .committed(session: session) }
    guard statement.take("aborted") else { throw statement.expected("committed or aborted") }
    return .aborted(session: session, code: try code(&statement))
  }

  private func code(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> String? {
    statement.take("with") ? try statement.name("the code of an abort") : nil
  }

  private func comparison(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate {
    let left = try operand(&statement)
    guard let comparison = ScenarioPredicate.Comparison(rawValue: statement.current.text),
      case .symbol = statement.current.kind
    else { throw statement.expected("a comparison (== != < <= > >=)") }
    statement.advance()
    return .comparison(left, comparison, try operand(&statement))
  }

  private func operand(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> ScenarioPredicate.Operand {
    switch statement.current.kind {
    case .number, .string: return .literal(.value(try statement.value()))
    default: break
    }
    if statement.take("absent") { return .literal(.value(nil)) }
    if statement.take("true") { return .literal(.truth(true)) }
    if statement.take("false") { return .literal(.truth(false)) }
    if statement.take("final") { return .final(key: try statement.key()) }
    if statement.take("count") { return .count(step: try stepReference(&statement)) }
    if statement.take("sum") { return .sum(step: try stepReference(&statement)) }
    guard case .word = statement.current.kind else {
      throw statement.expected("a value, a step, or one of absent, final, count and sum")
    }
    let step = try stepReference(&statement)
    return statement.take(".") ? .row(step: step, key: try statement.key()) : .result(step: step)
  }
}
