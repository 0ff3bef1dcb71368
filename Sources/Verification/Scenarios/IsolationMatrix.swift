internal import Dispatch
internal import Synchronization

/// Every anomaly at every level under every protocol: which happened, in how many orders of its
/// steps, and whether that is what the level promises.
public struct IsolationMatrix: Sendable {
  /// What the columns run at.
  public let settings: [IsolationSetting]
  /// One row an anomaly.
  public let rows: [Row]

  /// An anomaly, at all settings.
  public struct Row: Sendable {
    /// The anomaly's scenario.
    public let scenario: Scenario
    /// One cell a setting.
    public internal(set) var cells: [Cell]
  }

  /// An anomaly at one setting.
  public struct Cell: Sendable {
    /// What was tried, and what came of it.
    public let trial: ScenarioTrial
    /// What it amounts to.
    public let verdict: Verdict
    /// An order in which it happened; where it never did, what became of an order in which it
    /// happens at a weaker level: lines of text.
    public internal(set) var example: [String] = []

    /// Orders in which it happened.
    public var count: Int { trial.happenings.first?.count ?? 0 }
  }

  /// What a cell amounts to.
  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// The level does not forbid it, and it was seen.
    case happens
    /// The level does not forbid it, and the engine never showed it.
    case allowedNeverSeen
    /// The level forbids it, and it never happened.
    case never
    /// The level forbids it, and it happened.
    case forbiddenHappened
    /// It should be possible to see it at this level, and it was not.
    case expectedNeverSeen
    /// Another expectation of the scenario was not met, or a run came to no end.
    case broken
    /// The engine does not offer the setting.
    case unavailable

    /// Whether the cell is as promised.
    public var isAsPromised: Bool {
      self == .happens || self == .allowedNeverSeen || self == .never
    }
  }

  /// Whether every cell is as promised.
  public var isAsPromised: Bool {
    rows.allSatisfy { $0.cells.allSatisfy(\.verdict.isAsPromised) }
  }

  /// Orders tried in all.
  public var triedCount: Int {
    rows.reduce(0) { $0 + $1.cells.reduce(0) { $0 + $1.trial.triedCount } }
  }
}

// MARK: - Making one

extension IsolationMatrix {
  /// Tries all cells, several at the same time, each worker with an engine of its own.
  ///
  /// `progress` hears how many cells are done, from one worker at a time.
  /// - Throws: what an engine throws outside of transactions.
  package static func run(
    _ scenarios: [Scenario], at settings: [IsolationSetting] = IsolationSetting.all,
    limit: Int = ScenarioTrial.standardLimit, width: Int, patience: Duration = .seconds(20),
    engine: @escaping @Sendable () throws -> any ScenarioEngine,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> IsolationMatrix {
    let board = Mutex(Board(cellCount: scenarios.count * settings.count))
    DispatchQueue.concurrentPerform(iterations: width) { _ in
      do {
        var worker = Worker(engine: engine, patience: patience)
        while let number = board.withLock({ $0.next() }) {
          let (row, column) = number.quotientAndRemainder(dividingBy: settings.count)
          let trial = try worker.trial(scenarios[row], settings[column], limit)
          board.withLock { board in
            board.trials[number] = trial
            board.doneCount += 1
            progress(board.doneCount, board.trials.count)
          }
        }
      } catch {
        board.withLock { $0.error = error }
      }
    }
    let trials = try board.withLock { board in
      if let error = board.error { throw error }
      return board.trials
    }
    var rows = scenarios.enumerated().map { index, scenario in
      let range = index * settings.count..<(index + 1) * settings.count
      return Row(scenario: scenario, cells: trials[range].compactMap { $0.map(Cell.init) })
    }
    var worker = Worker(engine: engine, patience: patience)
    for index in rows.indices { try rows[index].addExamples(&worker) }
    return IsolationMatrix(settings: settings, rows: rows)
  }

  private struct Board {
    var trials: [ScenarioTrial?]
    var nextNumber = 0
    var doneCount = 0
    var error: (any Error)?

    init(cellCount: Int) { trials = Array(repeating: nil, count: cellCount) }

    mutating func next() -> Int? {
      guard nextNumber < trials.count, error == nil else { return nil }
      nextNumber += 1
      return nextNumber - 1
    }
  }

  /// Makes trials one after another on one engine, and takes a new one when a run was given up.
  fileprivate struct Worker {
    let engine: @Sendable () throws -> any ScenarioEngine
    let patience: Duration
    private var conductor: ScenarioConductor?

    init(
      engine: @escaping @Sendable () throws -> any ScenarioEngine, patience: Duration
    ) {
      self.engine = engine
      self.patience = patience
    }

    private mutating func usableConductor() throws -> ScenarioConductor {
      if let conductor, !conductor.isStuck { return conductor }
      let made = ScenarioConductor(engine: try engine(), patience: patience)
      conductor = made
      return made
    }

    mutating func trial(
      _ scenario: Scenario, _ setting: IsolationSetting, _ limit: Int
    ) throws -> ScenarioTrial {
      var trial = ScenarioTrial(scenario, at: setting)
      try trial.run(with: try usableConductor(), limit: limit)
      return trial
    }

    mutating func run(
      _ scenario: Scenario, _ setting: IsolationSetting, _ order: [Int]
    ) throws -> ScenarioRun {
      try usableConductor().run(scenario, at: setting, order: order)
    }
  }
}

extension IsolationMatrix.Row {
  /// Fills in the examples: an order in which the anomaly happened at the weakest level that shows
  /// it says most about how the stronger ones prevent it.
  fileprivate mutating func addExamples(_ worker: inout IsolationMatrix.Worker) throws {
    let reference =
      cells.compactMap { $0.trial.happenings.first?.first?.order }.first
      ?? Interleavings(of: scenario).middle
    for index in cells.indices {
      if let failure = cells[index].trial.failures.first {
        cells[index].example = failure.transcript(of: scenario)
      } else if let run = cells[index].trial.happenings.first?.first {
        cells[index].example = run.transcript(of: scenario)
      } else if let reference {
        let run = try worker.run(scenario, cells[index].trial.setting, reference)
        cells[index].example = run.transcript(of: scenario)
      }
    }
  }
}

extension Interleavings {
  /// The one in the middle: among all the most mixed.
  fileprivate var middle: [Int]? { count > 0 ? self[count / 2] : nil }
}

extension IsolationMatrix.Cell {
  fileprivate init(_ trial: ScenarioTrial) {
    self.trial = trial
    verdict = Self.verdict(of: trial)
  }

  /// The first predicate of the scenario is the anomaly.
  private static func verdict(of trial: ScenarioTrial) -> IsolationMatrix.Verdict {
    guard let happening = trial.happenings.first else { return .broken }
    if trial.aborts["unsupportedIsolationLevel"] != nil { return .unavailable }
    switch trial.scenario.promise(of: happening.name, at: trial.setting) {
    case .never where happening.count > 0: return .forbiddenHappened
    case .happens where happening.count == 0: return .expectedNeverSeen
    case nil: return .broken
    case _ where !trial.isAsExpected: return .broken
    case .never: return .never
    case .happens, .allowed: return happening.count > 0 ? .happens : .allowedNeverSeen
    }
  }
}
