import Foundation
import Martlet
import MartletCommands
import Seeds
import Synchronization
import Testing

/// The shell's words, its completion and its history.
@Suite struct `The shell's language` {
  @Test func `words are split at spaces, with quotes and escapes`() {
    func words(_ line: String) -> [[UInt8]] { ShellWords(line).words.map(\.bytes) }
    #expect(words("get  a") == [Array("get".utf8), Array("a".utf8)])
    #expect(words(#"set 'a b' "c \"d\" \x00\xff""#).map { $0.count } == [3, 3, 8])
    #expect(words(#"\x01\n\t\\"#) == [[1, 10, 9, 92]])
    #expect(words("''") == [[]])
    #expect(ShellWords("get 'a").openQuote == "'")
    #expect(ShellWords("get a").endsInWord && !ShellWords("get a ").endsInWord)
  }

  @Test func `any bytes quoted read back as themselves`() {
    var state = Seed.take(for: #function)
    for length in 0..<300 {
      let bytes = (0..<length % 12).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // Half of them from the characters that mean something.
        let byte = UInt8(truncatingIfNeeded: state >> 33)
        return byte & 1 == 0 ? Array("\"'\\ -x\n#".utf8)[Int(byte >> 1) % 8] : byte
      }
      let quoted = ShellWords.quoted(bytes)
      let words = ShellWords(quoted)
      #expect(words.words.map(\.bytes) == [bytes], "\(quoted)")
      #expect(words.openQuote == nil)
    }
  }

  @Test(arguments: [
    "\"\u{065F}", "\\\u{0301}", "'\u{20DD} \"", "a\u{00A0}b", "\u{2003}", "\u{0085}", "\u{009B}31m",
    "\r\n",
    "\u{0301}", "\u{200D}\"",
  ])
  func `what Unicode joins into one character is read by its scalars`(_ text: String) {
    let quoted = ShellWords.quoted(Array(text.utf8))
    let line = "get \(quoted) end"
    #expect(ShellWords(line).words.map(\.text) == ["get", text, "end"], "\(quoted)")
    #expect(!quoted.unicodeScalars.contains { $0.properties.generalCategory == .control })
  }

  @Test func `a word begins at its character`() {
    let words = ShellWords("e\u{301}e\u{301} \"\u{301}x\" y").words
    #expect(words.map(\.start) == [0, 3, 7])
  }

  @Test func `every command of the manual is read, and its example too`() throws {
    for command in ShellManual.commands {
      #expect(try ShellRequest(line: command.example) != nil, "\(command.example)")
      #expect(try ShellManual.text(of: command.name).contains(command.usage))
      for alias in command.aliases {
        #expect(ShellManual.command(named: alias)?.name == command.name)
      }
    }
    #expect(try ShellRequest(line: "  ") == nil)
    #expect(try ShellRequest(line: "# set a b") == nil)
  }

  @Test(arguments: [
    "get", "set a", "scan a b c", "scan --limit x", "scan a --prefix b", "begin loudly", "nonsense",
    "timing maybe", "format yaml", "commit now", "get 'a",
  ])
  func `what is wrong is refused with its reason`(_ line: String) {
    let error = #expect(throws: ToolError.self) { _ = try ShellRequest(line: line) }
    #expect(error?.description.isEmpty == false)
  }

  @Test func `options are not keys, unless quoted`() throws {
    #expect(throws: ToolError.self) { try ShellRequest(line: "scan --revers") }
    var scan = ShellRequest.Scan()
    scan.from = Array("--reverse".utf8)
    #expect(try ShellRequest(line: "scan '--reverse'") == .scan(scan))
  }

  private let completer = ShellCompleter(
    keys: { prefix, limit in
      let all = ["Oslo", "Reykjavik", "Reykholt", "two words"].map { Array($0.utf8) }
      return Array(all.filter { $0.starts(with: prefix) }.prefix(limit))
    }, keyspaces: { ["default", "users"] }, savepoints: { ["before"] })

  private func complete(_ line: String) -> Completion {
    completer.complete(Array(line), line.count)
  }

  @Test func `commands, keyspaces, levels, options and keys are completed`() {
    #expect(complete("che").candidates == ["checkpoint"])
    #expect(complete("s").candidates == ["savepoint", "scan", "set", "space", "stat"])
    #expect(complete("use u") == Completion(start: 4, candidates: ["users"]))
    #expect(complete("begin ser").candidates == ["serializable"])
    #expect(complete("scan --pre").candidates == ["--prefix"])
    #expect(complete("get Re").candidates == ["Reykjavik", "Reykholt"])
    #expect(complete("scan --prefix O").candidates == ["Oslo"])
    #expect(complete("get t").candidates == ["\"two words\""])
    #expect(complete("rollback ").candidates == ["before"])
    #expect(complete("set a Re").candidates.isEmpty, "a value is nobody's to guess")
    #expect(complete("format t").candidates == ["table", "tsv"])
  }

  @Test func `one candidate is inserted, several as far as they agree`() {
    #expect(complete("che").insertion(after: Array("che")[...]) == "checkpoint ")
    #expect(complete("get Re").insertion(after: Array("Re")[...]) == "Reyk")
    #expect(complete("get Reyk").insertion(after: Array("Reyk")[...]) == nil)
    #expect(complete("get x").insertion(after: Array("x")[...]) == nil)
    #expect(complete("get Reyk").listing(columns: 40) == "Reykjavik  Reykholt")
  }

  @Test func `the history is kept in the user's state directory, for the user alone`() throws {
    try withTemporaryFolder { folder in
      let environment = ["XDG_STATE_HOME": folder]
      var history = ShellHistory(environment: environment)
      #expect(history.lines.isEmpty)
      for line in ["get a", "get a", " set secret 1", "", "scan"] { history.add(line) }
      history.save()
      #expect(ShellHistory(environment: environment).lines == ["get a", "scan"])
      let attributes = try FileManager.default.attributesOfItem(
        atPath: folder + "/martlet/history")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      for index in 0..<3000 { history.add("get \(index)") }
      history.save()
      #expect(ShellHistory(environment: environment).lines.count == ShellHistory.limit)
      // Ends of lines of another system, and a line that is no text.
      try Data(Array("get a\r\nget ".utf8) + [0xFF, 0x0A] + Array("scan\r\n".utf8)).write(
        to: URL(filePath: folder + "/martlet/history"))
      #expect(ShellHistory(environment: environment).lines == ["get a", "get \u{fffd}", "scan"])
    }
  }
}

/// What the shell does with a database.
@Suite struct `A shell's session` {
  /// What was written.
  private final class Written: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }
    func take() -> String {
      bytes.withLock { bytes in
        defer { bytes = [] }
        return String(decoding: bytes, as: UTF8.self)
      }
    }
  }

  private func inSession(
    format: ShellFormat = .tsv, scanLimit: Int? = nil,
    _ body: (ShellSession, Database, (String) throws -> (String, ShellSession.Reply)) throws -> Void
  ) throws {
    let database = try Database.inMemory()
    _ = try database.keyspace("default")
    let written = Written()
    let session = ShellSession(
      database: database, path: "memory", keyspace: "default",
      style: ShellStyle(format: format, scanLimit: scanLimit, write: { written.append($0) }))
    defer { session.end() }
    try body(session, database) { line in
      let request = try #require(try ShellRequest(line: line))
      let reply = session.perform(request)
      return (written.take(), reply)
    }
  }

  @Test func `without a transaction every command is one`() throws {
    try inSession { session, _, run in
      let reply = try run("set a 1").1
      #expect(reply.failure == nil)
      #expect(try run("get a").0 == "1\n")
      #expect(try run("scan").0 == "a\t1\n")
      #expect(try run("scan").1.note == "1 entry")
      #expect(try run("count").0 == "1 entry, 2 B\n")
      #expect(try run("remove a").1.failure == nil)
      #expect(try run("remove a").1.note == "it was not there")
      #expect(try run("get a").1.failure == "there is no key a in keyspace default")
      #expect(session.status.level == nil)
    }
  }

  private struct Pet: Codable, Identifiable {
    var id: Int
  }

  /// The story: a write that the engine refused, and after which a transaction goes on, ended it.
  @Test func `a collection is not written, and is dropped with its indexes`() throws {
    try inSession { session, database, run in
      try database.open(RecordCollection("pets", of: Pet.self))
      _ = try run("begin")
      _ = try run("set a 1")
      _ = try run("use pets")
      #expect(try run("set b 2").1.failure?.contains("collection") == true)
      #expect(session.status.level == .snapshot)
      #expect(try run("commit").1.failure == nil)
      #expect(try run("drop pets").1.failure == nil)
      #expect(database.keyspaceNames == ["default", "martlet/schema"])
      _ = try run("use default")
      #expect(try run("get a").0 == "1\n")
    }
  }

  @Test func `a transaction is open from prompt to prompt, with savepoints`() throws {
    try inSession { session, database, run in
      #expect(try run("begin serializable").1.failure == nil)
      #expect(session.status.level == .serializable)
      _ = try run("set a 1")
      _ = try run("savepoint s")
      _ = try run("set a 2")
      #expect(session.status.savepoints == ["s"])
      #expect(try run("get a").0 == "2\n")
      #expect(try run("rollback to s").1.note == "back at s")
      #expect(try run("get a").0 == "1\n")
      #expect(try run("rollback to t").1.failure == "there is no savepoint t")
      #expect(try run("begin").1.failure != nil)
      let keyspace = try #require(try database.existingKeyspace("default"))
      #expect(try database.read { try $0.contains("a", in: keyspace) } == false)
      #expect(try run("commit").1.note?.hasPrefix("committed at") == true)
      #expect(session.status.level == nil)
      #expect(try database.read { try $0.contains("a", in: keyspace) })
      _ = try run("begin")
      _ = try run("set a 3")
      #expect(try run("rollback").1.note == "rolled back")
      #expect(try run("get a").0 == "1\n")
      #expect(try run("commit").1.failure != nil)
    }
  }

  @Test func `a conflict ends the transaction, and says so`() throws {
    try inSession { session, database, run in
      _ = try run("set a 1")
      _ = try run("begin snapshot")
      _ = try run("get a")
      let keyspace = try #require(try database.existingKeyspace("default"))
      try database.write { try $0.set("other", for: "a", in: keyspace) }
      _ = try run("set a 2")
      let reply = try run("commit").1
      #expect(reply.failure?.contains("was not committed") == true)
      #expect(session.status.level == nil)
      #expect(try run("get a").0 == "other\n")
    }
  }

  @Test func `the end of a session rolls back what is open`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("default")
    let session = ShellSession(
      database: database, path: "memory", keyspace: "default",
      style: ShellStyle(format: .tsv, scanLimit: nil, write: { _ in }))
    _ = session.perform(.begin(.snapshot))
    _ = session.perform(.set(Array("a".utf8), to: [1]))
    session.end()
    #expect(try database.read { try $0.contains("a", in: keyspace) } == false)
    #expect(database.statistics.openSnapshots == 0)
  }

  @Test func `keyspaces are made, used, listed and dropped`() throws {
    try inSession { session, _, run in
      #expect(try run("use users").1.failure?.contains("create users") == true)
      _ = try run("create users")
      #expect(session.status.keyspace == "users")
      _ = try run("set a 1")
      #expect(try run("keyspaces").0 == "  default\n* users\n")
      _ = try run("use default")
      #expect(try run("get a").1.failure != nil)
      _ = try run("drop users")
      #expect(try run("keyspaces").0 == "* default\n")
    }
  }

  @Test(arguments: [
    (ShellFormat.tsv, "a\\tb\t1\nc\t日\n"),
    (.json, "{\"key\":\"a\\tb\",\"value\":\"1\"}\n{\"key\":\"c\",\"value\":\"日\"}\n"),
    (.hex, "610962 31\n63 e697a5\n"),
    (.table, "\"a\\x09b\"          1\nc                 日\n"),
  ])
  func `entries are printed in every format`(_ format: ShellFormat, _ expected: String) throws {
    try inSession(format: format) { _, _, run in
      _ = try run("set a\\tb 1")
      _ = try run("set c 日")
      #expect(try run("scan").0 == expected)
    }
  }

  @Test func `a scan stops at its limit and says that there is more`() throws {
    try inSession(scanLimit: 3) { _, _, run in
      for index in 1...5 { _ = try run("set k\(index) v") }
      #expect(try run("scan --keys").0 == "k1\nk2\nk3\n")
      #expect(try run("scan").1.note?.contains("--all") == true)
      #expect(try run("scan --all").1.note == "5 entries")
      #expect(try run("scan --limit 5").1.note == "5 entries")
      #expect(try run("scan k4 --keys").0 == "k4\nk5\n")
      #expect(try run("scan --reverse --limit 1 --keys").0 == "k5\n")
    }
  }

  @Test func `stat, space, verify and checkpoint answer inside a transaction too`() throws {
    try inSession { _, _, run in
      _ = try run("set a 1")
      for isInside in [false, true] {
        if isInside { _ = try run("begin") }
        #expect(try run("stat").0.contains("commits"))
        #expect(try run("space").0.contains("default"))
        #expect(try run("verify").1.note?.hasPrefix("no damage") == true)
        #expect(try run("checkpoint").1.note == "checkpoint taken")
      }
    }
  }
}

/// The real thing.
@Suite(.timeLimit(.minutes(20))) struct `The shell as a process` {
  /// The story: what is no text was repaired on its way, and another key written.
  @Test func `what is no text is refused, in a pipe and among the arguments`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/db"
      let line = Array("set \"\\xff\" 1\nset a".utf8) + [0xFF] + Array(" 2\n".utf8)
      let piped = try ToolProcess("shell", path, "--create", input: line)
      #expect(piped.failed(with: "line 2", "UTF-8"), "\(piped.error)")
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = [
        "-c", #""$0" set "$1" "$(printf 'b\377')" 3"#, ToolProcess.program.path, path,
      ]
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 64)
      let keys = try ToolProcess("shell", path, "-c", "scan", "--format", "hex")
      #expect(keys.output == "ff 31\n")
    }
  }

  @Test func `a pipe gets results alone, and the exit code tells`() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/db"
      let first = try ToolProcess(
        "shell", path, "--create",
        input: Array("set a 1\n# no\nbegin\nset b 2\ncommit\nscan\n".utf8))
      #expect(first.status == 0 && first.output == "a\t1\nb\t2\n" && first.error.isEmpty)
      let stopped = try ToolProcess(
        "shell", path, input: Array("begin\nset c 3\nget nothing\ncommit\n".utf8))
      #expect(stopped.status == 1)
      #expect(stopped.error.contains("line 3: there is no key nothing"))
      let going = try ToolProcess(
        "shell", path, "--keep-going", input: Array("get c\nget a\n".utf8))
      #expect(going.status == 1 && going.output == "1\n", "c went with its transaction")
      let command = try ToolProcess("shell", path, "-c", "get a", "-c", "count")
      #expect(command.status == 0 && command.output == "1\n2 entries, 4 B\n")
      let absent = try ToolProcess("shell", folder + "/none", "-c", "scan")
      #expect(absent.status == 1 && absent.error.contains("none"))
    }
  }

  /// Python has a pseudo-terminal in a session of its own, so that Control-C is a signal as it is
  /// for users.
  @Test func `a terminal gets a prompt with editing, history and completion, and Control-C`() throws
  {
    guard (try? Self.python(["--version"]))?.status == 0 else {
      print("note: python3 is missing, the shell is not run on a terminal")
      return
    }
    try withTemporaryFolder { folder in
      let path = folder + "/db"
      let lines = (0..<20_000).map { "set key\($0) value" }.joined(separator: "\n")
      let filled = try ToolProcess(
        "shell", path, "--create", "--durability", "relaxed",
        input: Array(("begin\nset Reykjavik town\n" + lines + "\ncommit\n").utf8))
      #expect(filled.status == 0)
      let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "shell_on_a_terminal.py").path
      let run = try Self.python([script, ToolProcess.program.path, path, folder])
      #expect(run.status == 0, "\(run.output)")
    }
  }

  private static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
