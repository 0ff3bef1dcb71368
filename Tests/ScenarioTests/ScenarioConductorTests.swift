import Testing
import Verification

@Suite struct `The scenario conductor` {
  private func run(
    _ body: String, order: String, at setting: IsolationSetting = .init(.repeatableRead)
  ) throws -> (scenario: Scenario, run: ScenarioRun) {
    let scenario = try Scenario(
      parsing: "scenario test\nsetup\n x = 1\n y = 2\n\(body)\npermutations\n \(order)")
    guard case .listed(let permutations) = scenario.permutations else { fatalError() }
    let conductor = ScenarioConductor(engine: ModelEngine(), patience: .seconds(5))
    return (scenario, try conductor.run(scenario, at: setting, order: permutations[0].steps))
  }

  @Test func `runs steps in order and keeps their answers`() throws {
    let (scenario, run) = try run(
      "session A\n a1: get x\n a2: put x 5; get x; commit\nsession B\n b1: scan\n b2: abort",
      order: "a1 a2 b1 b2")
    #expect(run.result(of: 0) == .value(.integer(1)))
    #expect(run.result(of: 1) == .value(.integer(5)))
    #expect(run.result(of: 2) == .rows([.init("x", .integer(5)), .init("y", .integer(2))]))
    #expect(run.blocked.isEmpty && run.failure == nil)
    #expect(run.sessions[0].isCommitted && !run.sessions[1].isCommitted)
    #expect(run.final == ["x": .integer(5), "y": .integer(2)])
    #expect(run.events == [.ended(step: 0), .ended(step: 1), .ended(step: 2), .ended(step: 3)])
    #expect(run.transcript(of: scenario)[3].hasSuffix("rolled back"))
  }

  @Test func `goes on when a step waits, and postpones what its session was to do next`() throws {
    let (scenario, run) = try run(
      "session A\n a1: put x 5\n a2: commit\nsession B\n b1: put x 6\n b2: put y 6\n b3: commit",
      order: "a1 b1 b2 a2 b3")
    #expect(run.blocked == [2])
    #expect(
      run.events == [
        .ended(step: 0), .waits(step: 2), .ended(step: 1), .ended(step: 2), .ended(step: 3),
        .ended(step: 4),
      ])
    #expect(run.final == ["x": .integer(6), "y": .integer(6)])
    #expect(run.transcript(of: scenario).contains { $0.hasSuffix("waits ...") })
  }

  @Test func `skips what follows an abort, up to the end of the transaction`() throws {
    let (_, run) = try run(
      """
      session A
       a1: put x 5
       a2: put y 5
       a3: commit
      session B
       b1: put y 6
       b2: put x 6
       b3: get y
       b4: commit
       b5: get y
       b6: commit
      """, order: "a1 b1 a2 b2 b3 b4 a3 b5 b6")
    guard case .aborted(let code, _)? = run.outcomes[4] else {
      Issue.record("\(run.outcomes)")
      return
    }
    #expect(code == "deadlockVictim")
    #expect(run.outcomes[5] == .skipped && run.outcomes[6] == .skipped)
    #expect(run.result(of: 7) == .value(.integer(5)))
    #expect(run.sessions[1].commitCount == 1 && run.sessions[1].abortCodes == [code])
    #expect(run.final == ["x": .integer(5), "y": .integer(5)])
  }

  @Test func `goes on after an operation that is refused`() throws {
    let (_, run) = try run(
      "session A\n a1: put x \"text\"\n a2: incr x\n a3: put y 9\n a4: commit",
      order: "a1 a2 a3 a4")
    guard case .refused? = run.outcomes[1] else {
      Issue.record("\(run.outcomes)")
      return
    }
    #expect(run.final["y"] == .integer(9) && run.sessions[0].isCommitted)
  }

  @Test func `rolls back what is left open, and lets go on who waited for it`() throws {
    let (_, run) = try run(
      "session A\n a1: put x 5\nsession B\n b1: put x 6\n b2: commit\nsession C\n c1: get x",
      order: "c1 a1 b1 b2", at: .init(.readCommitted))
    #expect(run.failure == nil)
    #expect(run.events.contains(.closed(session: 0)))
    #expect(run.events.contains(.closed(session: 2)))
    #expect(run.final["x"] == .integer(6))
  }

  @Test func `runs the same order again with the same result`() throws {
    let scenario = try #require(ScenarioCatalogue.anomalies().first { $0.name == "P4" })
    let interleavings = Interleavings(of: scenario)
    let conductor = ScenarioConductor(engine: ModelEngine())
    for rank in 0..<interleavings.count {
      let first = try conductor.run(
        scenario, at: .init(.repeatableRead), order: interleavings[rank])
      let second = try conductor.run(
        scenario, at: .init(.repeatableRead), order: interleavings[rank])
      #expect(first.outcomes == second.outcomes && first.events == second.events)
    }
  }

  /// An engine that never says that anybody waits.
  @Test func `gives a run up that stands still`() throws {
    let scenario = try Scenario(
      parsing: """
        scenario test
        session A
         a1: put x 5
        session B
         b1: put x 6
        """)
    let engine = SilentEngine()
    let conductor = ScenarioConductor(engine: engine, patience: .milliseconds(50))
    let run = try conductor.run(scenario, at: .init(.readCommitted), order: [0, 1])
    #expect(run.failure?.contains("b1") == true)
    #expect(conductor.isStuck)
  }
}

/// The model, but it keeps its waits to itself.
struct SilentEngine: ScenarioEngine {
  let model = ModelEngine()

  var waiting: Set<UInt64> { [] }

  func load(_ rows: [ScenarioRow]) { model.load(rows) }

  func contents() -> [ScenarioRow] { model.contents() }

  func transact(
    at setting: IsolationSetting,
    _ body: (UInt64, (ScenarioOperation) throws -> ScenarioResult) throws -> Void
  ) throws {
    try model.transact(at: setting, body)
  }
}
