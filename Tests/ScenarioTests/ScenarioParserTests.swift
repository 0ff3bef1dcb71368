import Testing
import Verification

@Suite struct `The scenario parser` {
  static let text = """
    # A comment.
    scenario sample "A sample"   # with a title
    source "Nobody 2020"

    setup
      x = 10
      "odd key" = "text"
      negative = -3

    session A
      a1: get x; put y -4
      a2: scan a/ - limit 2
      a3: rollback-to here; commit

    session B level RC
    session C level SER protocol OCC
      c1: cas x absent "new"
      c2: incr y
      c3: abort
    session D level $level protocol $protocol
      d1: scan

    permutations
      a1 c1 a2
      late: c1 c2 a1
    define seen = a1 == 10 and (c1 == true or
      not count a2 >= 2) and a2.k != absent
    expect happens seen
    expect at RU SER under 2PL SSI in late: never seen
    expect final x == 3 and nobody blocked
    """

  @Test func `reads every part of the language`() throws {
    let scenario = try Scenario(
      parsing: Self.text.replacing("session B level RC\n", with: "session B level RC\n b1: begin\n")
    )
    #expect(scenario.name == "sample" && scenario.title == "A sample")
    #expect(scenario.source == "Nobody 2020")
    #expect(
      scenario.setup == [
        .init("x", .integer(10)), .init("odd key", .text("text")), .init("negative", .integer(-3)),
      ])
    #expect(scenario.sessions.map(\.name) == ["A", "B", "C", "D"])
    #expect(scenario.sessions[0].level == nil)
    #expect(scenario.sessions[1].level == .readCommitted)
    #expect(scenario.sessions[2].setting(in: .init(.snapshot)) == .init(.serializable, .optimistic))
    #expect(scenario.steps[0].operations == [.get("x"), .put("y", .integer(-4))])
    #expect(scenario.steps[1].operations == [.scan(lower: "a/", upper: nil, limit: 2)])
    #expect(scenario.steps[2].operations == [.rollBack(to: "here"), .commit])
    #expect(
      scenario.steps[4].operations == [.compareAndSet("x", old: nil, new: .text("new"))])
    #expect(scenario.steps[5].operations == [.increment("y", by: 1)])
    #expect(scenario.steps[7].operations == [.scan(lower: nil, upper: nil, limit: nil)])
    #expect(
      scenario.permutations
        == .listed([.init(name: nil, steps: [0, 4, 1]), .init(name: "late", steps: [4, 5, 0])]))
    #expect(scenario.predicates.count == 1 && scenario.expectations.count == 3)
    let scoped = scenario.expectations[1]
    #expect(scoped.levels == [.readUncommitted, .serializable])
    #expect(scoped.protocols == [.twoPhaseLocking, .serializableSnapshot])
    #expect(scoped.permutations == ["late"] && scoped.content == .never("seen"))
  }

  /// What is wrong, where, and a word of what was expected.
  static let mistakes: [(text: String, line: Int, column: Int, word: String)] = [
    ("", 2, 1, "scenario"),
    ("setup\n", 1, 1, "\"scenario\""),
    ("scenario", 1, 9, "name"),
    ("scenario a\n  x = 1", 2, 3, "one of source, setup"),
    ("scenario a\nsetup\n  x 1", 3, 5, "\"=\""),
    ("scenario a\nsetup\n  x = y", 3, 7, "a value"),
    ("scenario a\nsetup\n  x = 1\n  x = 2", 4, 3, "already"),
    ("scenario a\nsetup\n  x = \"open", 3, 7, "closing quote"),
    ("scenario a\nsetup\n  x = 99999999999999999999", 3, 7, "64 bits"),
    ("scenario a\nsetup\n  x = 1 §", 3, 9, "begins nothing"),
    ("scenario a\nsession A level XX\n", 2, 17, "RU, RC, RR, SI, SER, SSER"),
    ("scenario a\nsession A level SI protocol OCC\n", 2, 29, "no protocol OCC"),
    ("scenario a\nsession A\n  a1 get x", 3, 6, "\":\""),
    ("scenario a\nsession A\n  a1: fetch x", 3, 7, "get-for-update"),
    ("scenario a\nsession A\n  a1: get", 3, 10, "a key"),
    ("scenario a\nsession A\n  a1: scan a", 3, 13, "upper bound"),
    ("scenario a\nsession A\n  a1: scan a b limit -1", 3, 22, "negative"),
    ("scenario a\nsession A\n  a1: get x y", 3, 13, "end of the line"),
    ("scenario a\nsession A\n  a1: get x\n  a1: get y", 4, 3, "already"),
    ("scenario a\nsession A\n  final: get x", 3, 3, "word of the language"),
    ("scenario a\nsession A\n", 3, 1, "no steps"),
    ("scenario a\n", 2, 1, "needs a session"),
    (
      "scenario a\nsession A\n a1: get x\n a2: get y\npermutations\n a2 a1", 6, 2, "next step is a1"
    ),
    ("scenario a\nsession A\n a1: get x\npermutations\n a1 a1", 5, 5, "no step left"),
    ("scenario a\nsession A\n a1: get x\npermutations\n", 5, 1, "followed by"),
    ("scenario a\nsession A\n a1: get x\ndefine p = zz == 1", 4, 12, "no step zz"),
    ("scenario a\nsession A\n a1: get x\ndefine p = a1 1", 4, 15, "a comparison"),
    ("scenario a\nsession A\n a1: get x\ndefine p = (a1 == 1", 4, 20, "\")\""),
    ("scenario a\nsession A\n a1: get x\nexpect happens p", 4, 16, "defined above"),
    ("scenario a\nsession A\n a1: get x\nexpect at RC A committed", 4, 14, "a level"),
    ("scenario a\nsession A\n a1: get x\nexpect in there: A committed", 4, 11, "permutation there"),
    ("scenario a\nsession A\n a1: get x\nexpect A aborted with 7", 4, 23, "the code"),
    ("scenario a\nscenario b", 2, 10, "already"),
  ]

  @Test(arguments: mistakes.indices)
  func `says where a mistake is and what was expected`(_ index: Int) {
    let mistake = Self.mistakes[index]
    do {
      _ = try Scenario(parsing: mistake.text)
      Issue.record("accepted: \(mistake.text)")
    } catch {
      #expect(error.line == mistake.line, "\(error)")
      #expect(error.column == mistake.column, "\(error)")
      #expect(error.message.contains(mistake.word), "\(error)")
    }
  }

  @Test func `never traps, whatever is cut off`() {
    let characters = Array(Self.text)
    for end in characters.indices {
      _ = try? Scenario(parsing: String(characters[..<end]))
      _ = try? Scenario(parsing: String(characters[end...]))
    }
  }

  @Test func `reads the whole catalogue, and finds each scenario by its name`() throws {
    let scenarios = try ScenarioCatalogue.anomalies() + ScenarioCatalogue.schedules()
    #expect(Set(scenarios.map(\.name)).count == scenarios.count)
    for scenario in scenarios {
      #expect(scenario.source != nil, "\(scenario.name) names no source")
      #expect(!scenario.expectations.isEmpty)
      let text = try #require(ScenarioCatalogue.text(named: scenario.name))
      #expect(try Scenario(parsing: text) == scenario)
    }
    #expect(ScenarioCatalogue.text(named: "nothing") == nil)
  }
}
