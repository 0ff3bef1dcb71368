import Foundation
import MartletCommands
import Testing

/// `martlet simulate`, as its users run it.
@Suite struct `The simulate command` {
  @Test func `reports a campaign for scripts, the same from the same seed`() throws {
    var hashes: Set<String> = []
    for threads in ["1", "2"] {
      let run = try ToolProcess(
        "simulate", "--runs", "3", "--seed", "5", "--seconds", "5", "--threads", threads, "--json")
      #expect(run.status == 0, "\(run.error)")
      let report = try #require(
        try JSONSerialization.jsonObject(with: run.bytes) as? [String: Any])
      #expect(report["isClean"] as? Bool == true)
      #expect(report["runs"] as? Int == 3)
      #expect((report["answers"] as? Int ?? 0) > 60)
      #expect((report["timesRealTime"] as? Double ?? 0) > 1)
      #expect((report["faults"] as? [String: Int])?.count ?? 0 >= 30)
      hashes.insert(report["traceHash"] as? String ?? "\(threads)")
    }
    #expect(hashes.count == 1, "the trace hash depends on something else than the seed")
  }

  @Test func `prints the one command that repeats a failure, smaller`() throws {
    let broken = try ToolProcess(
      "simulate", "--runs", "40", "--seed", "1", "--nodes", "3", "--lie", "syncs")
    #expect(broken.status == 1)
    let line = try #require(broken.lines.first { $0.contains("repeat it: martlet simulate") })
    var words = try #require(line.components(separatedBy: "repeat it: martlet ").last)
      .split(separator: " ").map(String.init)
    #expect(words.contains("--faults"), "nothing was taken away")
    #expect(words.contains("--nodes"))
    words.append("--no-shrinking")
    let again = try ToolProcess(arguments: words)
    #expect(again.status == 1, "the command does not repeat the failure")
    #expect(again.output.contains("broke a promise"))
  }

  @Test func `tells what happens in a run`() throws {
    let run = try ToolProcess(
      "simulate", "--runs", "1", "--seed", "3", "--seconds", "3", "--faults", "crashLosesAll",
      "--trace")
    #expect(run.status == 0, "\(run.error)")
    #expect(run.lines.contains { $0.contains("faults: crashLosesAll") })
    #expect(run.lines.contains { $0.contains("a process starts") })
    #expect(run.lines.contains { $0.contains("prepare") })
    #expect(run.lines.contains { $0.contains("healed") })
    #expect(run.output.contains("every promise was kept"))
  }

  @Test func `names its faults, and refuses one that is none`() throws {
    let list = try ToolProcess("simulate", "--list-faults")
    #expect(list.lines.count >= 30)
    #expect(list.lines.contains("crashTearsWrites"))
    let wrong = try ToolProcess("simulate", "--faults", "frameLost,nonsense")
    #expect(wrong.status == 64)
    #expect(wrong.error.contains("--list-faults"))
    #expect(try ToolProcess("simulate", "--nodes", "4").status == 64)
  }
}
