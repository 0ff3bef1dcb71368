import Foundation
import MartletCommands
import Seeds
import Testing

/// Writers in processes of their own, killed on the real file system.
@Suite(.serialized) struct TortureRealTests {
  @Test func `kills at random and at every named point, races and full disks lose nothing`() throws
  {
    let seed = Seed.take(for: #function)
    let run = try ToolProcess(
      "torture", "--real", "--runs", "20", "--seed", "\(seed)", "--stop-milliseconds", "1200",
      "--json")
    try #require(run.status == 0, "\(run.error)")
    let summary = try JSON(parsing: run.bytes.map { $0 })
    func figure(_ name: String) -> Int64 {
      guard case .integer(let value)? = summary[name: name] else { return -1 }
      return value
    }
    #expect(summary[name: "missedPoints"] == .array([]))
    #expect(figure("pointKills") >= 40)
    #expect(figure("randomKills") >= 12)
    #expect(figure("openingKills") >= 1)
    #expect(figure("stops") == 1)
    #expect(figure("races") >= 3)
    #expect(figure("refusedOpenings") >= 11)
    #expect(figure("acknowledged") > 1000)
    #expect(figure("lost") > 0, "relaxed commits survive as durable ones do: nothing was shown")
    #expect(figure("fullDiskRefusals") >= 30)
    for name in ["checkpoints", "logSegmentsReused", "evictions", "dirtyEvictions", "splits"] {
      #expect(summary[name: "effort"]?[name: name] != 0, "no \(name)")
    }
    guard case .array(let disks)? = summary[name: "fullDisks"] else {
      Issue.record("no disk was full")
      return
    }
    #expect(disks.contains("a limit of file sizes"))
  }

  /// The torture itself is put to the test: a file system that lies, acknowledgements that come too
  /// early, transactions of which a part is left out.
  @Test(arguments: [
    ("droppedLogWrites", ""), ("earlyAcknowledgements", "is lost"),
    ("halfTransactions", ""),
  ])
  func `a lie is found, and the directory kept`(lie: String, words: String) throws {
    try withTemporaryFolder { folder in
      let run = try ToolProcess(
        "torture", "--real", "--runs", "20", "--seed", "\(Seed.take(for: #function))", "--lie", lie,
        "--grade",
        "full",
        "--no-full-disks", "--directory", folder + "/torture")
      #expect(run.status == 1)
      #expect(run.error.contains("violation: "))
      #expect(words.isEmpty || run.error.contains(words), "\(run.error)")
      #expect(run.error.contains("--only-life "))
      #expect(FileManager.default.fileExists(atPath: folder + "/torture/era-0/data.martlet"))
    }
  }
}
