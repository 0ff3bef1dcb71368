extension ScenarioTrial {
  /// Runs a scenario on a database of its own, in memory, in all the orders that it asks for.
  ///
  /// - Parameter limit: orders that are tried at most, evenly spread over all of them; orders that
  ///   the file lists are all tried.
  /// - Throws: what opening the database throws. Whatever the scenario's transactions meet is part
  ///   of the outcome.
  public static func run(
    _ scenario: Scenario, at setting: IsolationSetting, limit: Int = standardLimit
  ) throws -> ScenarioTrial {
    try run(scenario, at: setting, limit: limit) { _, _ in }
  }

  /// As above; `observe` sees each run with the name of its permutation, if it has one.
  package static func run(
    _ scenario: Scenario, at setting: IsolationSetting, limit: Int,
    observe: (_ name: String?, ScenarioRun) -> Void
  ) throws -> ScenarioTrial {
    var trial = ScenarioTrial(scenario, at: setting)
    let conductor = ScenarioConductor(engine: try DatabaseScenarioEngine())
    try trial.run(with: conductor, limit: limit, observe: observe)
    return trial
  }
}

extension IsolationMatrix {
  /// Tries scenarios at settings, on databases in memory: the built-in anomalies everywhere unless
  /// told otherwise.
  ///
  /// - Parameter width: how many cells are tried at the same time.
  /// - Throws: what opening a database throws.
  public static func run(
    _ scenarios: [Scenario], at settings: [IsolationSetting] = IsolationSetting.all,
    limit: Int = ScenarioTrial.standardLimit, width: Int,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> IsolationMatrix {
    try run(
      scenarios, at: settings, limit: limit, width: width,
      engine: { try DatabaseScenarioEngine() }, progress: progress)
  }
}
