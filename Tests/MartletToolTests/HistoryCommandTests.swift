import Foundation
import MartletCommands
import Testing

/// `martlet history`, as its users run it.
@Suite struct `The history command` {
  @Test func `records a history and checks it`() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/run.jsonl"
      let record = try ToolProcess(
        "history", "record", "list-append", "--transactions", "300", "--threads", "2", "--output",
        file, "--distribution", "zipfian", "--durability", "relaxed")
      #expect(record.status == 0, "\(record.error)")
      let check = try ToolProcess("history", "check", file, "--model", "snapshot-isolation")
      #expect(check.status == 0, "\(check.output)")
      #expect(check.lines.last == "valid: snapshot-isolation allows this history")
      let json = try ToolProcess("history", "check", file, "--model", "mixed", "--json")
      let report = try JSONSerialization.jsonObject(with: json.bytes) as? [String: Any]
      #expect(report?["isValid"] as? Bool == true)
      #expect((report?["transactions"] as? [String: Int])?["ok"] ?? 0 > 100)
      #expect((report?["edges"] as? [String: Int])?["wr"] ?? 0 > 0)
    }
  }

  @Test func `writes EDN to standard output`() throws {
    let record = try ToolProcess(
      "history", "record", "register", "--transactions", "20", "--threads", "1", "--format", "edn")
    #expect(record.status == 0, "\(record.error)")
    #expect(record.lines.count == 40)
    #expect(record.lines[0].hasPrefix("{:index 0, :type :invoke, :process 0, :time "))
    let check = try ToolProcess(
      arguments: ["history", "check", "-"], input: Array(record.bytes))
    #expect(check.status == 0, "\(check.output) \(check.error)")
  }

  @Test func `ends with 1 and tells the cycle when the model is violated`() throws {
    let skew = """
      {"index":0,"type":"invoke","process":0,"value":[["r",1,null],["append",2,1]]}
      {"index":1,"type":"invoke","process":1,"value":[["r",2,null],["append",1,2]]}
      {"index":2,"type":"ok","process":0,"value":[["r",1,null],["append",2,1]]}
      {"index":3,"type":"ok","process":1,"value":[["r",2,null],["append",1,2]]}
      """
    let check = try ToolProcess(
      arguments: ["history", "check", "-"], input: Array(skew.utf8))
    #expect(check.status == 1)
    #expect(check.output.contains("G2-item: write skew"))
    #expect(check.output.contains("T0 read key 1 before T1 wrote 2 to it first (rw)"))
    #expect(check.lines.last == "NOT VALID under serializable")
    let weaker = try ToolProcess(
      arguments: ["history", "check", "-", "--model", "snapshot-isolation"],
      input: Array(skew.utf8))
    #expect(weaker.status == 0, "\(weaker.output)")
  }

  @Test func `ends with 2 and names the place when the input is wrong`() throws {
    let check = try ToolProcess(
      arguments: ["history", "check", "-"], input: Array("{\"type\":\"invoke\",\"process\":x}".utf8)
    )
    #expect(check.status == 2)
    #expect(check.error.contains("-: line 1, column 28: expected the process"))
    let absent = try ToolProcess("history", "check", "/nowhere.jsonl")
    #expect(absent.status == 2)
    #expect(absent.error == "Error: /nowhere.jsonl: No such file or directory\n")
    let model = try ToolProcess("history", "check", "-", "--model", "perfect")
    #expect(model.status == 64)
    #expect(model.error.contains("snapshot-isolation"))
  }

  @Test func `refuses a mix with a level that is none`() throws {
    let run = try ToolProcess("history", "record", "bank", "--mix", "snapshot,best/optimistic")
    #expect(run.status == 64)
    #expect(run.error.contains("best/optimistic"))
  }
}
