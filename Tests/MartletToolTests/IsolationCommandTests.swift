import Foundation
import Testing

/// `martlet isolation`, as its users run it.
@Suite struct `The isolation command` {
  private func withScenario(_ text: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let file = folder + "/mine.scenario"
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      try body(file)
    }
  }

  @Test func `shows write skew at snapshot isolation, and no lost update`() throws {
    let run = try ToolProcess(
      "isolation", "matrix", "--level", "SI", "--anomaly", "A5B", "--anomaly", "P4", "--json")
    #expect(run.status == 0, "\(run.error)")
    let report = try #require(
      JSONSerialization.jsonObject(with: run.bytes) as? [String: Any])
    #expect(report["isAsPromised"] as? Bool == true)
    let anomalies = try #require(report["anomalies"] as? [[String: Any]])
    let cells = anomalies.compactMap { ($0["cells"] as? [[String: Any]])?.first }
    #expect(cells.compactMap { $0["verdict"] as? String } == ["never", "happens"])
    #expect(cells.compactMap { $0["tried"] as? Int } == [20, 20])
    #expect((cells[0]["aborts"] as? [String: Int])?["writeConflict"] ?? 0 > 0)
    #expect((cells[1]["example"] as? [String])?.contains { $0.contains("a1: get y") } == true)
  }

  @Test func `prints the matrix as a table and writes it as a page`() throws {
    try withTemporaryFolder { folder in
      let page = folder + "/matrix.html"
      let run = try ToolProcess(
        "isolation", "matrix", "--level", "SI", "--anomaly", "A5B", "--html", page)
      #expect(run.status == 0, "\(run.error)")
      #expect(run.lines.contains { $0.hasPrefix("A5B ") && $0.hasSuffix("/20") })
      #expect(run.output.contains("every cell is as promised"))
      let html = try String(contentsOfFile: page, encoding: .utf8)
      #expect(html.hasPrefix("<!doctype html>") && html.contains("<svg "))
      #expect(html.contains("id=\"cell-0-0\"") && html.contains("href=\"#cell-0-0\""))
      #expect(!html.contains("http"), "the page must need nothing else")
    }
  }

  @Test func `runs a file of the user's, and prints the orders that it lists`() throws {
    let text = """
      scenario mine "Mine"
      setup
        x = 1
      session A
        a1: incr x 2
        a2: commit
      session B
        b1: get x
        b2: commit
      permutations
        early: a1 b1 a2 b2
      expect at SI: b1 == 1 and final x == 3
      expect at SI in early: nobody blocked
      """
    try withScenario(text) { file in
      let run = try ToolProcess("isolation", "run", file, "--level", "SI")
      #expect(run.status == 0, "\(run.error)")
      #expect(run.lines.contains("  early: a1 b1 a2 b2"))
      #expect(run.lines.contains { $0.contains("a1: incr x 2") && $0.hasSuffix("3") })
      #expect(run.output.contains("every expectation was met"))
    }
  }

  @Test func `ends with 1 when an expectation is not met, and shows where`() throws {
    let text = """
      scenario mine
      session A
        a1: put x 1; commit
      expect final x == 2
      """
    try withScenario(text) { file in
      let run = try ToolProcess("isolation", "run", file, "--level", "SI")
      #expect(run.status == 1)
      #expect(run.output.contains("NOT MET: line 4: expect final x == 2 (in 1 order)"))
      let json = try ToolProcess("isolation", "run", file, "--level", "SI", "--json")
      #expect(json.status == 1)
      let report = try #require(
        JSONSerialization.jsonObject(with: json.bytes) as? [String: Any])
      #expect(report["isAsExpected"] as? Bool == false)
    }
  }

  @Test func `says where a scenario file is wrong`() throws {
    try withScenario("scenario mine\nsession A\n  a1: fetch x\n") { file in
      let run = try ToolProcess("isolation", "run", file)
      #expect(run.status == 1)
      #expect(run.error.contains("\(file): line 3, column 7: an operation ("))
    }
    let absent = try ToolProcess("isolation", "run", "/nowhere/mine.scenario")
    #expect(absent.status == 1 && absent.error.contains("/nowhere/mine.scenario"))
  }

  @Test func `shows the built-in scenarios, ready to be run`() throws {
    let list = try ToolProcess("isolation", "show")
    #expect(list.lines.contains { $0.contains("P4 ") && $0.hasSuffix("Lost update") })
    let text = try ToolProcess("isolation", "show", "P4")
    try withScenario(text.output) { file in
      let run = try ToolProcess("isolation", "run", file, "--level", "SI")
      #expect(run.status == 0, "\(run.error)")
    }
    #expect(try ToolProcess("isolation", "show", "nothing").status == 1)
    #expect(try ToolProcess("isolation", "matrix", "--anomaly", "nothing").status == 64)
    let none = try ToolProcess("isolation", "matrix", "--level", "SI", "--protocol", "OCC")
    #expect(none.status == 64)
  }
}
