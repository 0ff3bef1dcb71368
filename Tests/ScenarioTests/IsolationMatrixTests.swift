import Testing
import Verification

@Suite struct `The isolation matrix` {
  private func matrix(
    _ names: [String], at settings: [IsolationSetting], bug: ModelEngine.Bug? = nil
  ) throws -> IsolationMatrix {
    try IsolationMatrix.run(
      try ScenarioCatalogue.anomalies().filter { names.contains($0.name) }, at: settings,
      width: 2, engine: { ModelEngine(bug: bug) })
  }

  @Test func `has one cell for each anomaly at each setting, in order`() throws {
    let settings = IsolationSetting.modelled
    let matrix = try matrix(["G0", "P4", "OTV"], at: settings)
    #expect(matrix.rows.map(\.scenario.name) == ["G0", "OTV", "P4"])
    for row in matrix.rows { #expect(row.cells.map(\.trial.setting) == settings) }
    let verdicts = matrix.rows.map { $0.cells.map(\.verdict) }
    #expect(verdicts[0].allSatisfy { $0 == .never })
    #expect(verdicts[1].prefix(3) == [.happens, .allowedNeverSeen, .never])
    #expect(verdicts[2].prefix(4) == [.happens, .happens, .never, .never])
    #expect(matrix.isAsPromised)
    #expect(matrix.triedCount == settings.count * (20 + 20 + 1_680))
  }

  @Test func `shows an order that happened, and what becomes of it where it cannot`() throws {
    let matrix = try matrix(["P4"], at: [.init(.readCommitted), .init(.repeatableRead)])
    let cells = matrix.rows[0].cells
    #expect(cells[0].count > 0 && cells[1].count == 0)
    func firsts(_ lines: [String]) -> [Substring] {
      lines.compactMap { $0.split(separator: ":").first }
    }
    #expect(cells[0].example.filter { $0.contains("aborted") }.isEmpty)
    #expect(cells[1].example.contains { $0.hasSuffix("waits ...") })
    #expect(firsts(cells[0].example).prefix(2) == firsts(cells[1].example).prefix(2))
  }

  @Test func `tells a forbidden anomaly that happened, and one that should have`() throws {
    let broken = try matrix(
      ["P4", "A5B"], at: [.init(.snapshot)], bug: .lastUpdaterWins)
    #expect(broken.rows.map { $0.cells[0].verdict } == [.forbiddenHappened, .happens])
    #expect(!broken.isAsPromised)
    #expect(!broken.rows[0].cells[0].example.isEmpty)
    // Locks for reads where snapshot isolation needs none: write skew cannot be shown.
    let text = try #require(ScenarioCatalogue.text(named: "A5B"))
    let strict = try Scenario(
      parsing: text.replacing("expect at RU RC SI", with: "expect at RU RC SI RR")
        .replacing("expect at RR SER", with: "expect at SER"))
    let careful = try IsolationMatrix.run(
      [strict], at: [.init(.repeatableRead)], width: 1, engine: { ModelEngine() })
    #expect(careful.rows[0].cells[0].verdict == .expectedNeverSeen)
  }

  @Test func `goes on with another engine when a run stands still`() throws {
    let matrix = try IsolationMatrix.run(
      try ScenarioCatalogue.anomalies().filter { ["P2", "P4"].contains($0.name) },
      at: [.init(.repeatableRead)], width: 1, patience: .milliseconds(20),
      engine: { SilentEngine() })
    #expect(matrix.rows.map { $0.cells[0].verdict } == [.broken, .broken])
  }
}
