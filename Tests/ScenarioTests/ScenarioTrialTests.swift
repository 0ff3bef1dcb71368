import Testing
import Verification

@Suite struct `A scenario trial` {
  private func trial(
    _ scenario: Scenario, _ setting: IsolationSetting, bug: ModelEngine.Bug? = nil
  ) throws -> ScenarioTrial {
    var trial = ScenarioTrial(scenario, at: setting)
    try trial.run(with: ScenarioConductor(engine: ModelEngine(bug: bug)))
    return trial
  }

  @Test(arguments: IsolationSetting.modelled)
  func `finds every promise of the catalogue kept by the model`(
    _ setting: IsolationSetting
  ) throws {
    for scenario in try ScenarioCatalogue.anomalies() + ScenarioCatalogue.schedules() {
      let trial = try trial(scenario, setting)
      for failure in trial.failures {
        Issue.record(
          """
          \(scenario.name) at \(setting): \(failure.text), not met \(failure.count) times
          \(failure.transcript(of: scenario).joined(separator: "\n"))
          """)
      }
      #expect(trial.triedCount == trial.orderCount)
    }
  }

  /// A harness that cannot fail proves nothing.
  @Test(arguments: [
    (ModelEngine.Bug.readsWithoutLocks, IsolationSetting(.repeatableRead), "P4"),
    (.readsWithoutLocks, IsolationSetting(.serializable, .twoPhaseLocking), "G2"),
    (.forgetsAbsentKeys, IsolationSetting(.repeatableRead), "A5B-absent"),
    (.forgetsAbsentKeys, IsolationSetting(.serializable, .twoPhaseLocking), "P2-absent"),
    (.lastUpdaterWins, IsolationSetting(.snapshot), "P4"),
    (.readsDirty, IsolationSetting(.readCommitted), "G1a"),
    (.readsDirty, IsolationSetting(.readCommitted), "G1b"),
    (.readsDirty, IsolationSetting(.readCommitted), "G1c"),
    (.validatesNoRanges, IsolationSetting(.serializable, .optimistic), "G2"),
  ])
  func `finds a planted bug (negative control)`(
    _ bug: ModelEngine.Bug, _ setting: IsolationSetting, _ name: String
  ) throws {
    let scenario = try #require(ScenarioCatalogue.anomalies().first { $0.name == name })
    let trial = try trial(scenario, setting, bug: bug)
    #expect(!trial.isAsExpected)
    #expect(trial.failures.first?.transcript(of: scenario).isEmpty == false)
  }

  @Test func `misses an anomaly that should happen and does not (negative control)`() throws {
    let text = try #require(ScenarioCatalogue.text(named: "P4"))
    let strict = try Scenario(
      parsing: text.replacing("expect at RU RC: happens", with: "expect at RU RC RR: happens")
        .replacing("expect at RR SI", with: "expect at SI"))
    let trial = try trial(strict, .init(.repeatableRead))
    #expect(trial.failures.map(\.text) == ["expect at RU RC RR: happens lost"])
    #expect(trial.happenings.map(\.count) == [0])
    #expect(trial.aborts["deadlockVictim"] ?? 0 > 0 && trial.blockedOrderCount > 0)
  }

  @Test func `tries no more orders than it may`() throws {
    let scenario = try #require(ScenarioCatalogue.anomalies().first { $0.name == "OTV" })
    var trial = ScenarioTrial(scenario, at: .init(.readUncommitted))
    try trial.run(with: ScenarioConductor(engine: ModelEngine()), limit: 50)
    #expect(trial.triedCount == 50 && trial.orderCount == 1_680)
  }

  @Test func `tells the promises of the levels monotonically`() throws {
    // Whatever a level forbids, each stronger one forbids too; repeatable read and snapshot
    // isolation forbid different things.
    let stronger: [ScenarioLevel: [ScenarioLevel]] = [
      .readUncommitted: [.readCommitted],
      .readCommitted: [.repeatableRead, .snapshot],
      .repeatableRead: [.serializable], .snapshot: [.serializable],
      .serializable: [.strictSerializable],
    ]
    for scenario in try ScenarioCatalogue.anomalies() {
      let name = try #require(scenario.predicates.first?.name)
      for (level, others) in stronger {
        let promise = try #require(scenario.promise(of: name, at: .init(level)))
        for other in others where promise == .never {
          #expect(scenario.promise(of: name, at: .init(other)) == .never, "\(scenario.name)")
        }
      }
      #expect(scenario.promise(of: name, at: .init(.strictSerializable)) == .never)
    }
  }
}
