import Foundation
import Martlet
import MartletCommands
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(20))) struct DriveServerTests {
  /// A server on a database in memory, and the replies that came.
  fileprivate final class Harness {
    private final class Replies: Sendable {
      let lines = Mutex<[String]>([])
      let arrived = DispatchSemaphore(value: 0)
    }

    private let replies = Replies()
    private var taken = 0
    private var nextID = 1
    private let server: DriveServer

    init(_ database: Database? = nil, setup: String = "{}") throws {
      let replies = replies
      server = try DriveServer(
        database: try database ?? Database.inMemory(), keyspaceName: "default"
      ) { line in
        replies.lines.withLock { $0.append(line) }
        replies.arrived.signal()
      }
      #expect(ask(#""op":"reset","setup":\#(setup)"#) == #""status":"ok","value":null"#)
    }

    /// Sends a line and does not wait.
    func send(_ line: String) { server.receive(line: Array(line.utf8)) }

    /// The next reply.
    func reply() -> String {
      replies.arrived.wait()
      defer { taken += 1 }
      return replies.lines.withLock { $0[taken] }
    }

    /// Sends a request, waits for its reply, and returns that without its id.
    func ask(_ fields: String) -> String {
      let id = nextID
      nextID += 1
      send("{\"id\":\(id),\(fields)}")
      let reply = reply()
      let start = "{\"id\":\(id),"
      #expect(reply.hasPrefix(start), "\(reply)")
      return String(reply.dropFirst(start.count).dropLast())
    }

    /// An operation of a session: the value of its reply, or the whole reply unless it is ok.
    func ask(_ session: String, _ operation: String, _ arguments: String = "") -> String {
      let reply = ask(#""session":"\#(session)","op":"\#(operation)","args":[\#(arguments)]"#)
      let ok = #""status":"ok","value":"#
      return reply.hasPrefix(ok) ? String(reply.dropFirst(ok.count)) : reply
    }

    func begin(_ session: String, _ level: String = "SI", _ choice: String? = nil) {
      let choice = choice.map { #""\#($0)""# } ?? "null"
      #expect(
        ask(#""session":"\#(session)","op":"begin","level":"\#(level)","protocol":\#(choice)"#)
          == #""status":"ok","value":null"#)
    }

    func dump() -> String { ask(#""op":"dump""#) }

    func finish() { server.finish() }
  }

  private static let dumped = #""status":"ok","value":"#

  /// The story: texts that are equal to Swift and composed otherwise were one key of a setup, and one
  /// value to a comparison.
  @Test func `keys and values are bytes, whatever Unicode says`() throws {
    let harness = try Harness(setup: #"{"caf\u00e9":1,"cafe\u0301":2}"#)
    #expect(
      harness.ask(#""op":"dump""#).utf8.elementsEqual(
        "\"status\":\"ok\",\"value\":{\"cafe\u{301}\":2,\"caf\u{e9}\":1}".utf8))
    harness.begin("s")
    #expect(harness.ask("s", "put", #""k","\u00e9""#) == "null")
    #expect(harness.ask("s", "cas", #""k","e\u0301","x""#) == "false")
    #expect(harness.ask("s", "cas", #""k","\u00e9","x""#) == "true")
    harness.finish()
  }

  @Test func `a transaction reads its own writes and shows them to others after its commit`() throws
  {
    let harness = try Harness(setup: #"{"x":10}"#)
    harness.begin("T1")
    #expect(harness.ask("T1", "get", #""x""#) == "10")
    #expect(harness.ask("T1", "put", #""x",11"#) == "null")
    #expect(harness.ask("T1", "get", #""x""#) == "11")
    #expect(harness.dump() == Self.dumped + #"{"x":10}"#)
    #expect(harness.ask("T1", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(harness.dump() == Self.dumped + #"{"x":11}"#)
    harness.finish()
  }

  @Test func `integers and strings stay apart`() throws {
    let harness = try Harness(setup: #"{"a":11,"b":"11"}"#)
    harness.begin("T1")
    #expect(harness.ask("T1", "get", #""a""#) == "11")
    #expect(harness.ask("T1", "get", #""b""#) == #""11""#)
    #expect(harness.ask("T1", "cas", #""a","11",1"#) == "false")
    #expect(harness.ask("T1", "cas", #""a",11,1"#) == "true")
    #expect(harness.ask("T1", "cas", #""c",null,"new""#) == "true")
    #expect(harness.ask("T1", "cas", #""c",null,"again""#) == "false")
    _ = harness.ask("T1", "commit")
    #expect(harness.dump() == Self.dumped + #"{"a":1,"b":"11","c":"new"}"#)
    harness.finish()
  }

  @Test func `scan is half-open, in key order, and takes a limit`() throws {
    let harness = try Harness(setup: #"{"b":2,"a":1,"d":4,"c":3}"#)
    harness.begin("T1")
    #expect(harness.ask("T1", "scan", #""a","c""#) == #"{"a":1,"b":2}"#)
    #expect(harness.ask("T1", "scan", #""a","z",3"#) == #"{"a":1,"b":2,"c":3}"#)
    #expect(harness.ask("T1", "scan", #""a","z",0"#) == "{}")
    #expect(harness.ask("T1", "scan", "null,null") == #"{"a":1,"b":2,"c":3,"d":4}"#)
    #expect(harness.ask("T1", "scan", #""c","a""#) == "{}")
    #expect(harness.ask("T1", "delete", #""b""#) == "null")
    #expect(harness.ask("T1", "put", #""bb",5"#) == "null")
    #expect(harness.ask("T1", "scan", #""a","d""#) == #"{"a":1,"bb":5,"c":3}"#)
    #expect(harness.ask("T1", "abort") == "null")
    #expect(harness.dump() == Self.dumped + #"{"a":1,"b":2,"c":3,"d":4}"#)
    harness.finish()
  }

  @Test func `incr gives the new value, and an absent key counts from nothing`() throws {
    let harness = try Harness(setup: #"{"n":5,"s":"text","m":9223372036854775807}"#)
    harness.begin("T1")
    #expect(harness.ask("T1", "incr", #""n",-7"#) == "-2")
    #expect(harness.ask("T1", "incr", #""new",3"#) == "3")
    #expect(harness.ask("T1", "incr", #""s",1"#).hasPrefix(#""status":"error""#))
    #expect(harness.ask("T1", "incr", #""m",1"#).hasPrefix(#""status":"error""#))
    #expect(harness.ask("T1", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(
      harness.dump() == Self.dumped + #"{"m":9223372036854775807,"n":-2,"new":3,"s":"text"}"#)
    harness.finish()
  }

  @Test func `a snapshot does not see what commits beside it`() throws {
    let harness = try Harness(setup: #"{"x":1}"#)
    harness.begin("T1")
    #expect(harness.ask("T1", "get", #""x""#) == "1")
    harness.begin("T2")
    _ = harness.ask("T2", "put", #""x",2"#)
    _ = harness.ask("T2", "commit")
    #expect(harness.ask("T1", "get", #""x""#) == "1")
    #expect(harness.ask("T1", "commit") == #"{"timestamp":null}"#)
    harness.finish()
  }

  @Test func `of two updates of one key the second is aborted, and its session goes on`() throws {
    let harness = try Harness(setup: #"{"x":1,"y":1}"#)
    harness.begin("T1")
    harness.begin("T2")
    _ = harness.ask("T1", "get", #""x""#)
    _ = harness.ask("T2", "get", #""x""#)
    _ = harness.ask("T1", "put", #""x",2"#)
    _ = harness.ask("T1", "commit")
    var reply = harness.ask("T2", "put", #""x",3"#)
    if reply == "null" { reply = harness.ask("T2", "commit") }
    #expect(reply.hasPrefix(#""status":"aborted","reason":"#))
    #expect(reply.hasSuffix(#""code":"writeConflict""#))
    let over = harness.ask("T2", "get", #""x""#)
    #expect(over == #""status":"error","reason":"no transaction is open in session T2""#)
    harness.begin("T2")
    #expect(harness.ask("T2", "get", #""x""#) == "2")
    _ = harness.ask("T2", "commit")
    harness.finish()
  }

  @Test func `two sessions that write different keys both proceed and both commit`() throws {
    let harness = try Harness(setup: #"{"x":1,"y":1}"#)
    harness.begin("T1")
    harness.begin("T2")
    #expect(harness.ask("T1", "put", #""x",2"#) == "null")
    #expect(harness.ask("T2", "put", #""y",2"#) == "null")
    #expect(harness.ask("T1", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(harness.ask("T2", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(harness.dump() == Self.dumped + #"{"x":2,"y":2}"#)
    harness.finish()
  }

  @Test func `a dirty read is seen at read uncommitted and at no other level`() throws {
    let harness = try Harness(setup: #"{"x":1}"#)
    harness.begin("W")
    _ = harness.ask("W", "put", #""x",2"#)
    for (level, seen) in [("RU", "2"), ("RC", "1"), ("SI", "1")] {
      harness.begin("R", level)
      #expect(harness.ask("R", "get", #""x""#) == seen, "\(level)")
      _ = harness.ask("R", "abort")
    }
    #expect(harness.ask("W", "abort") == "null")
    harness.finish()
  }

  @Test func `write skew: each protocol keeps one of the two from it in its own way`() throws {
    for (choice, isRefused) in [("SSI", true), ("OCC", true)] {
      let harness = try Harness(setup: #"{"x":1,"y":1}"#)
      for session in ["A", "B"] {
        harness.begin(session, "SER", choice)
        #expect(harness.ask(session, "scan", "null,null") == #"{"x":1,"y":1}"#)
      }
      _ = harness.ask("A", "put", #""x",0"#)
      _ = harness.ask("B", "put", #""y",0"#)
      #expect(harness.ask("A", "commit").hasPrefix(#"{"timestamp":"#))
      let answer = harness.ask("B", "commit")
      #expect(answer.contains("serializationFailure") == isRefused, "\(choice): \(answer)")
      harness.finish()
    }
  }

  @Test func `a savepoint is rolled back to, also twice, and hides an older one of its name`()
    throws
  {
    let harness = try Harness(setup: #"{"x":1}"#)
    harness.begin("T")
    _ = harness.ask("T", "put", #""x",2"#)
    #expect(harness.ask("T", "savepoint", #""s""#) == "null")
    _ = harness.ask("T", "put", #""x",3"#)
    #expect(harness.ask("T", "savepoint", #""s""#) == "null")
    _ = harness.ask("T", "put", #""x",4"#)
    #expect(harness.ask("T", "rollback-to", #""s""#) == "null")
    #expect(harness.ask("T", "get", #""x""#) == "3")
    _ = harness.ask("T", "put", #""y",5"#)
    #expect(harness.ask("T", "rollback-to", #""s""#) == "null")
    #expect(harness.ask("T", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(harness.dump() == Self.dumped + #"{"x":3}"#)
    harness.finish()
  }

  @Test func `what is refused changes nothing and leaves the transaction open`() throws {
    let harness = try Harness(setup: #"{"x":1}"#)
    #expect(harness.ask("T1", "put", #""x",2"#).hasPrefix(#""status":"error""#))
    #expect(
      harness.ask(#""session":"T1","op":"begin","level":"SI","protocol":"OCC""#)
        .hasPrefix(#""status":"error""#))
    #expect(harness.ask("T1", "get", #""x""#).hasPrefix(#""status":"error""#))
    harness.begin("T1")
    #expect(
      harness.ask(#""session":"T1","op":"begin","level":"SI""#)
        == #""status":"error","reason":"session T1 has a transaction open already""#)
    #expect(harness.ask("T1", "rollback-to", #""s""#).hasPrefix(#""status":"error""#))
    #expect(harness.ask("T1", "put", #""x""#).hasPrefix(#""status":"error""#))
    let long = String(repeating: "k", count: 5000)
    #expect(harness.ask("T1", "put", "\"\(long)\",1").hasPrefix(#""status":"error""#))
    harness.send("not json")
    #expect(harness.reply().hasPrefix(#"{"id":null,"status":"error","reason":"not JSON"#))
    harness.send("   ")
    #expect(harness.ask("T1", "put", #""x",3"#) == "null")
    #expect(harness.ask("T1", "commit").hasPrefix(#"{"timestamp":"#))
    #expect(harness.dump() == Self.dumped + #"{"x":3}"#)
    harness.finish()
  }

  @Test func `reset drops every key and rolls back what is open`() throws {
    let harness = try Harness(setup: #"{"x":1,"y":2}"#)
    harness.begin("T1")
    _ = harness.ask("T1", "put", #""x",9"#)
    #expect(harness.ask(#""op":"reset","setup":{"z":3}"#) == Self.dumped + "null")
    #expect(harness.dump() == Self.dumped + #"{"z":3}"#)
    #expect(
      harness.ask("T1", "commit")
        == #""status":"error","reason":"no transaction is open in session T1""#)
    harness.finish()
  }

  @Test func `the end of input rolls back what is open after what was asked for`() throws {
    let database = try Database.inMemory()
    let harness = try Harness(database, setup: #"{"x":1}"#)
    harness.begin("T1")
    harness.send(#"{"id":100,"session":"T1","op":"put","args":["x",2]}"#)
    harness.send(#"{"id":101,"session":"T1","op":"commit"}"#)
    harness.send(#"{"id":102,"session":"T1","op":"begin","level":"SI"}"#)
    harness.send(#"{"id":103,"session":"T1","op":"put","args":["x",3]}"#)
    harness.finish()
    #expect((100...103).allSatisfy { harness.reply().hasPrefix("{\"id\":\($0),\"status\":\"ok\"") })
    let again = try Harness.state(of: database)
    #expect(again == #"{"x":2}"#)
    try database.close()
  }

  @Test func `requests of one session are answered in order, those of others meanwhile`() throws {
    let harness = try Harness(setup: #"{"x":0}"#)
    harness.begin("A")
    for _ in 0..<100 { harness.send(#"{"id":"a","session":"A","op":"incr","args":["x",1]}"#) }
    let values = (0..<100).map { _ in harness.reply() }
    #expect(values == (1...100).map { "{\"id\":\"a\",\"status\":\"ok\",\"value\":\($0)}" })
    // A's transaction is still open: B is served all the same.
    harness.begin("B")
    #expect(harness.ask("B", "get", #""x""#) == "0")
    harness.finish()
  }

  @Test func `many sessions at once commit all their increments or are told that they did not`()
    throws
  {
    let harness = try Harness(setup: #"{"x":0}"#)
    let sessions = (0..<8).map { "S\($0)" }
    for session in sessions {
      for round in 0..<20 {
        let id = "\"\(session)/\(round)\""
        harness.send(#"{"id":0,"session":"\#(session)","op":"begin","level":"SI"}"#)
        harness.send(#"{"id":0,"session":"\#(session)","op":"incr","args":["x",1]}"#)
        harness.send(#"{"id":\#(id),"session":"\#(session)","op":"commit"}"#)
      }
    }
    harness.finish()
    var committed = 0
    for _ in 0..<(sessions.count * 20 * 3) {
      if harness.reply().contains(#""timestamp":"#) { committed += 1 }
    }
    #expect(committed >= 20)
    #expect(harness.dump() == Self.dumped + "{\"x\":\(committed)}")
  }
}

extension DriveServerTests.Harness {
  /// The committed state as a fresh server shows it.
  static func state(of database: Database) throws -> String {
    let line = Mutex("")
    let server = try DriveServer(database: database, keyspaceName: "default") { reply in
      line.withLock { $0 = reply }
    }
    server.receive(line: Array(#"{"op":"dump"}"#.utf8))
    server.finish()
    let start = #"{"id":null,"status":"ok","value":"#
    return String(line.withLock { $0 }.dropFirst(start.count).dropLast())
  }
}
