import Foundation
import MartletCommands
import Testing

/// `martlet torture`, as its users run it.
@Suite struct `The torture command` {
  @Test func `reports a campaign for scripts`() throws {
    let run = try ToolProcess("torture", "--runs", "3", "--steps", "6", "--json")
    #expect(run.status == 0, "\(run.error)")
    let report = try JSONSerialization.jsonObject(with: run.bytes) as? [String: Any]
    #expect(report?["isClean"] as? Bool == true)
    #expect(report?["runs"] as? Int == 3)
    #expect((report?["commits"] as? Int ?? 0) > 0)
    #expect((report?["faults"] as? [String: Int])?.count ?? 0 >= 24)
  }

  @Test func `prints the one command that repeats a failure, smaller`() throws {
    // A disk that claims to have synced its log, and did not.
    let broken = try ToolProcess("torture", "--runs", "12", "--seed", "1", "--disk-lie", "logSync")
    #expect(broken.status == 1)
    let line = try #require(broken.lines.first { $0.contains("repeat it: martlet torture") })
    var words = try #require(line.components(separatedBy: "repeat it: martlet ").last)
      .split(separator: " ").map(String.init)
    #expect(words.contains("--steps") || words.contains("--lives"), "nothing was taken away")
    words.append("--no-shrinking")
    let again = try ToolProcess(arguments: words)
    #expect(again.status == 1, "the command does not repeat the failure")
    #expect(again.output.contains("broke a promise"))
  }

  @Test func `names its faults, and refuses one that is none`() throws {
    let list = try ToolProcess("torture", "--list-faults")
    #expect(list.lines.count >= 24)
    #expect(list.lines.contains("powerCutTearsWrites"))
    let wrong = try ToolProcess("torture", "--without", "nonsense")
    #expect(wrong.status == 64)
    #expect(wrong.error.contains("--list-faults"))
  }

  @Test func `names a folder that it cannot make`() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/file"
      try Data().write(to: URL(fileURLWithPath: file))
      let run = try ToolProcess("torture", "--real", "--directory", file + "/inside")
      #expect(run.status == 1)
      #expect(run.error.contains(file + "/inside: the folder cannot be made"))
    }
  }
}
