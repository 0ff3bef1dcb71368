extension Scenario {
  /// Reads a scenario from its text.
  ///
  /// - Throws: `ScenarioSyntaxError` with line, column and what was expected.
  public init(parsing text: String) throws(ScenarioSyntaxError) {
    var parser = ScenarioParser()
    for tokens in try ScenarioLexer.statements(of: text) {
      try parser.accept(ScenarioStatement(tokens))
    }
    self = try parser.finish()
  }
}

/// Builds a scenario from its statements, one after another.
struct ScenarioParser {
  /// What lines that begin with no keyword belong to.
  private enum Section {
    case none
    case setup
    case session(Int)
    case permutations
  }

  private(set) var scenario = Scenario(name: "", title: "")
  private var section = Section.none
  private var hasHead = false
  /// Statements about steps, kept until all steps are known.
  private var listed: [ScenarioStatement] = []
  private var deferred: [ScenarioStatement] = []
  private var lastLine = 1

  mutating func accept(_ statement: ScenarioStatement) throws(ScenarioSyntaxError) {
    var statement = statement
    lastLine = statement.current.line
    if statement.take("scenario") { return try head(&statement) }
    guard hasHead else { throw statement.expected("\"scenario\" with its name") }
    if statement.take("source") {
      guard case .string(let text) = statement.current.kind else {
        throw statement.expected("a string in quotes")
      }
      scenario.source = text
      statement.advance()
    } else if statement.take("setup") {
      section = .setup
    } else if statement.take("session") {
      try session(&statement)
    } else if statement.take("permutations") {
      section = .permutations
      if statement.take("all") { section = .none }
    } else if case .word("define") = statement.current.kind {
      return deferred.append(statement)
    } else if case .word("expect") = statement.current.kind {
      return deferred.append(statement)
    } else {
      return try line(&statement)
    }
    try statement.requireEnd()
  }

  mutating func finish() throws(ScenarioSyntaxError) -> Scenario {
    guard hasHead else { throw atEnd("\"scenario\" with its name is expected") }
    guard !scenario.sessions.isEmpty else { throw atEnd("a scenario needs a session") }
    for session in scenario.sessions where session.steps.isEmpty {
      throw atEnd("session \(session.name) has no steps")
    }
    if !listed.isEmpty {
      var permutations: [Scenario.Permutation] = []
      for statement in listed { permutations.append(try permutation(statement)) }
      scenario.permutations = .listed(permutations)
    } else if case .permutations = section {
      throw atEnd("\"permutations\" is followed by \"all\" or by lines of steps")
    }
    for statement in deferred { try definitionOrExpectation(statement) }
    return scenario
  }

  private func atEnd(_ message: String) -> ScenarioSyntaxError {
    ScenarioSyntaxError(line: lastLine + 1, column: 1, message: message)
  }

  // MARK: Sections

  private mutating func head(_ statement: inout ScenarioStatement) throws(ScenarioSyntaxError) {
    guard !hasHead else { throw statement.error("the scenario has a name already") }
    hasHead = true
    scenario.name = try statement.name("the scenario's name")
    scenario.title = scenario.name
    if case .string(let title) = statement.current.kind {
      scenario.title = title
      statement.advance()
    }
    try statement.requireEnd()
  }

  private mutating func session(_ statement: inout ScenarioStatement) throws(ScenarioSyntaxError) {
    var session = Scenario.Session(name: try newName(&statement, "the session's name"))
    if statement.take("level"), !statement.take("$level") {
      session.level = try choice(&statement, "a level")
    }
    if statement.take("protocol"), !statement.take("$protocol") {
      let before = statement
      let choice: ScenarioProtocol = try choice(&statement, "a protocol")
      if let level = session.level, !level.protocols.contains(choice) {
        throw before.error("level \(level.rawValue) has no protocol \(choice.rawValue)")
      }
      session.concurrency = choice
    }
    section = .session(scenario.sessions.count)
    scenario.sessions.append(session)
  }

  private mutating func line(_ statement: inout ScenarioStatement) throws(ScenarioSyntaxError) {
    switch section {
    case .none:
      throw statement.expected(
        "one of source, setup, session, permutations, define and expect")
    case .setup:
      let before = statement
      let key = try statement.key()
      guard !scenario.setup.contains(where: { $0.key == key }) else {
        throw before.error("the key \(key) has a value already")
      }
      try statement.require("=")
      scenario.setup.append(ScenarioRow(key, try statement.value()))
      try statement.requireEnd()
    case .session(let session): try step(of: session, &statement)
    case .permutations: listed.append(statement)
    }
  }

  private mutating func step(
    of session: Int, _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) {
    let name = try newName(&statement, "a step's name")
    try statement.require(":")
    var operations = [try operation(&statement)]
    while statement.take(";") { operations.append(try operation(&statement)) }
    try statement.requireEnd()
    scenario.sessions[session].steps.append(scenario.steps.count)
    scenario.steps.append(.init(name: name, session: session, operations: operations))
  }

  private func permutation(
    _ statement: ScenarioStatement
  ) throws(ScenarioSyntaxError) -> Scenario.Permutation {
    var statement = statement
    var permutation = Scenario.Permutation(name: nil, steps: [])
    if case .symbol(":") = statement.following.kind {
      permutation.name = try statement.name("the permutation's name")
      statement.advance()
    }
    var positions = Array(repeating: 0, count: scenario.sessions.count)
    while statement.current.kind != .endOfLine {
      let before = statement
      let step = try stepReference(&statement)
      let session = scenario.steps[step].session
      let order = scenario.sessions[session].steps
      guard positions[session] < order.count, order[positions[session]] == step else {
        let next =
          positions[session] < order.count
          ? "its next step is \(scenario.steps[order[positions[session]]].name)"
          : "it has no step left"
        throw before.error(
          "session \(scenario.sessions[session].name) is not at \(scenario.steps[step].name): "
            + next)
      }
      positions[session] += 1
      permutation.steps.append(step)
    }
    return permutation
  }

  // MARK: Names

  /// Words that predicates use, and so no step or session can.
  private static let reserved: Set<String> = [
    "and", "or", "not", "absent", "true", "false", "final", "count", "sum", "committed", "aborted",
    "blocked", "before", "everybody", "somebody", "nobody", "with", "scenario", "source", "setup",
    "session", "permutations", "define", "expect",
  ]

  private func newName(
    _ statement: inout ScenarioStatement, _ what: String
  ) throws(ScenarioSyntaxError) -> String {
    let before = statement
    let name = try statement.name(what)
    if Self.reserved.contains(name) {
      throw before.error("\"\(name)\" is a word of the language; \(what) must be another")
    }
    if scenario.sessions.contains(where: { $0.name == name })
      || scenario.steps.contains(where: { $0.name == name })
    {
      throw before.error("\"\(name)\" is the name of a session or step already")
    }
    return name
  }

  func stepReference(
    _ statement: inout ScenarioStatement
  ) throws(ScenarioSyntaxError) -> Int {
    let before = statement
    let name = try statement.name("the name of a step")
    guard let step = scenario.steps.firstIndex(where: { $0.name == name }) else {
      throw before.error("there is no step \(name)")
    }
    return step
  }

  /// One of the values of an enumeration.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ statement: inout ScenarioStatement, _ what: String
  ) throws(ScenarioSyntaxError) -> Choice {
    guard let choice = Choice(rawValue: statement.current.text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw statement.expected("\(what) (\(names))")
    }
    statement.advance()
    return choice
  }

  mutating func define(_ definition: Scenario.NamedPredicate) {
    scenario.predicates.append(definition)
  }

  mutating func expect(_ expectation: Scenario.Expectation) {
    scenario.expectations.append(expectation)
  }
}
