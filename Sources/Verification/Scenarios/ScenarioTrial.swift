/// One scenario at one setting, in all the orders that it asks for: what came of it, and which
/// expectations were not met.
public struct ScenarioTrial: Sendable {
  /// What was tried.
  public let scenario: Scenario
  /// At what.
  public let setting: IsolationSetting
  /// Orders that were tried.
  public private(set) var triedCount = 0
  /// Orders that there are; `Int.max` when there are more than that.
  public let orderCount: Int
  /// Orders in which the engine aborted somebody.
  public private(set) var abortedOrderCount = 0
  /// Orders in which somebody had to wait.
  public private(set) var blockedOrderCount = 0
  /// Aborts by code.
  public private(set) var aborts: [String: Int] = [:]
  /// What the file defines, and how often it was seen.
  public private(set) var happenings: [Happening]
  /// Expectations that were not met.
  public private(set) var failures: [Failure] = []
  /// Whether some expectation of the file is about this setting.
  public var hasExpectations: Bool {
    scenario.expectations.contains { $0.applies(to: setting) }
  }

  /// How often something that the file defines was seen.
  public struct Happening: Sendable {
    /// Its name.
    public let name: String
    /// Orders in which it happened.
    public internal(set) var count = 0
    package var first: ScenarioRun?
  }

  /// An expectation that was not met.
  public struct Failure: Sendable {
    /// The expectation's line in the file; nil when the run itself failed.
    public let line: Int?
    /// What was expected, or why the run failed.
    public let text: String
    /// Orders in which it was not met.
    public internal(set) var count: Int
    /// The first order in which it was not met; nil when something never happened.
    package let run: ScenarioRun?

    /// The first order in which it was not met, as lines of text.
    public func transcript(of scenario: Scenario) -> [String] {
      run?.transcript(of: scenario) ?? []
    }
  }

  /// Orders of a cell that are tried at most, unless told otherwise.
  public static let standardLimit = 5_000

  /// Whether every expectation was met.
  public var isAsExpected: Bool { failures.isEmpty }

  package init(_ scenario: Scenario, at setting: IsolationSetting) {
    self.scenario = scenario
    self.setting = setting
    happenings = scenario.predicates.map { Happening(name: $0.name) }
    orderCount =
      switch scenario.permutations {
      case .all: Interleavings(of: scenario).count
      case .listed(let permutations): permutations.count
      }
  }

  /// Tries the orders; `observe` sees each run with the name of its permutation, if it has one.
  ///
  /// - Throws: what the engine throws outside of transactions.
  package mutating func run(
    with conductor: ScenarioConductor, limit: Int = Self.standardLimit,
    observe: (_ name: String?, ScenarioRun) -> Void = { _, _ in }
  ) throws {
    let expectations = scenario.expectations.filter { $0.applies(to: setting) }
    func attempt(_ permutation: Scenario.Permutation) throws -> Bool {
      let run = try conductor.run(scenario, at: setting, order: permutation.steps)
      note(run)
      let applying = expectations.filter { $0.applies(to: permutation) }
      for expectation in applying where !isMet(expectation, by: run) { fail(expectation, run) }
      if let failure = run.failure {
        failures.append(Failure(line: nil, text: failure, count: 1, run: run))
      }
      observe(permutation.name, run)
      return run.failure == nil
    }
    switch scenario.permutations {
    case .listed(let permutations):
      for permutation in permutations { guard try attempt(permutation) else { return } }
    case .all:
      let interleavings = Interleavings(of: scenario)
      for rank in interleavings.ranks(atMost: limit) {
        guard try attempt(.init(name: nil, steps: interleavings[rank])) else { return }
      }
    }
    requireHappenings(expectations)
  }

  private mutating func note(_ run: ScenarioRun) {
    triedCount += 1
    let codes = run.abortCodes
    if !codes.isEmpty { abortedOrderCount += 1 }
    if !run.blocked.isEmpty { blockedOrderCount += 1 }
    for code in codes { aborts[code, default: 0] += 1 }
    for (index, definition) in scenario.predicates.enumerated()
    where definition.predicate.holds(in: run) {
      happenings[index].count += 1
      if happenings[index].first == nil { happenings[index].first = run }
    }
  }

  /// Whether a run by itself contradicts an expectation.
  private func isMet(_ expectation: Scenario.Expectation, by run: ScenarioRun) -> Bool {
    switch expectation.content {
    case .happens, .allowed: true
    case .never(let name): !(scenario.predicate(named: name)?.holds(in: run) ?? false)
    case .holds(let predicate): predicate.holds(in: run)
    }
  }

  private mutating func fail(_ expectation: Scenario.Expectation, _ run: ScenarioRun) {
    if let index = failures.firstIndex(where: { $0.line == expectation.line }) {
      failures[index].count += 1
    } else {
      failures.append(
        Failure(line: expectation.line, text: expectation.text, count: 1, run: run))
    }
  }

  private mutating func requireHappenings(_ expectations: [Scenario.Expectation]) {
    for expectation in expectations {
      guard case .happens(let name) = expectation.content else { continue }
      let isSeen = happenings.contains { $0.name == name && $0.count > 0 }
      if !isSeen {
        failures.append(
          Failure(line: expectation.line, text: expectation.text, count: triedCount, run: nil))
      }
    }
  }
}

extension Scenario {
  package func predicate(named name: String) -> ScenarioPredicate? {
    predicates.first { $0.name == name }?.predicate
  }
}
