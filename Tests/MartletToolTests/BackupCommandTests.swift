import Foundation
import Martlet
import MartletCommands
import Testing

/// `backup`, `restore`, `dump` and `compact`, as their users run them.
@Suite(.timeLimit(.minutes(20))) struct BackupCommandTests {
  private func inPlace(_ body: (_ folder: String, _ database: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let rows = (0..<2_000).map { "key \($0)\tvalue \($0)\n" }.joined()
      let load = try ToolProcess(
        "load", folder + "/db", "-", "--format", "tsv", input: Array(rows.utf8))
      #expect(load.status == 0, "\(load.error)")
      try body(folder, folder + "/db")
    }
  }

  @Test func `a backup to a directory is a database, and is restored`() throws {
    try inPlace { folder, database in
      let scan = try ToolProcess.scan(database)
      let backup = try ToolProcess("backup", database, folder + "/copy")
      #expect(backup.status == 0 && backup.output.hasPrefix("copied "), "\(backup.error)")
      #expect(try ToolProcess.scan(folder + "/copy") == scan)
      #expect(try ToolProcess("verify", folder + "/copy").status == 0)
      let again = try ToolProcess("backup", database, folder + "/copy")
      #expect(again.status == 1 && again.error.contains("only made in a new or an empty"))
      let restore = try ToolProcess(
        "restore", folder + "/copy", folder + "/restored", "--json", "--verify")
      #expect(restore.status == 0, "\(restore.error)")
      let json = try JSON(parsing: Array(restore.bytes.dropLast())[...])
      #expect(json.text.contains("\"timestamp\":"))
      #expect(try ToolProcess.scan(folder + "/restored") == scan)
    }
  }

  @Test func `a stream goes through a file and through a pipe, and is refused when cut short`()
    throws
  {
    try inPlace { folder, database in
      let scan = try ToolProcess.scan(database)
      let backup = try ToolProcess("backup", database, folder + "/b", "--stream", "--json")
      #expect(backup.status == 0, "\(backup.error)")
      #expect(try ToolProcess("restore", folder + "/b", folder + "/one").status == 0)
      #expect(try ToolProcess.scan(folder + "/one") == scan)
      let pipe = try ToolProcess("backup", database, "-")
      #expect(pipe.status == 0 && pipe.error.contains("copied"))
      let restore = try ToolProcess("restore", "-", folder + "/two", input: Array(pipe.bytes))
      #expect(restore.status == 0, "\(restore.error)")
      #expect(try ToolProcess.scan(folder + "/two") == scan)
      let cut = try ToolProcess(
        "restore", "-", folder + "/three", input: Array(pipe.bytes.dropLast(30)))
      #expect(cut.status == 1 && cut.error.contains("not complete"), "\(cut.error)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/three"))
      let second = try ToolProcess("backup", database, folder + "/b", "--stream")
      #expect(second.status == 1 && second.error.contains("there already"))
    }
  }

  @Test(arguments: [
    ["--format", "martlet"], ["--format", "lmdb"], ["--format", "lmdb", "--print"],
    ["--format", "bdb"], ["--format", "bdb", "--print"],
  ])
  func `a dump is restored`(options: [String]) throws {
    try inPlace { folder, database in
      let scan = try ToolProcess.scan(database)
      let dump = try ToolProcess(arguments: ["dump", database] + options)
      #expect(dump.status == 0, "\(dump.error)")
      let restore = try ToolProcess("restore", "-", folder + "/r", input: Array(dump.bytes))
      #expect(restore.status == 0, "\(restore.error)")
      #expect(restore.output.hasPrefix("restored 2,000 entries in 1 keyspace"))
      #expect(try ToolProcess.scan(folder + "/r") == scan)
      let file = try ToolProcess(
        arguments: ["dump", database, "--output", folder + "/f", "--json"] + options)
      #expect(file.lines == ["{\"keyspaces\":[\"default\"],\"entries\":2000,\"bytes\":33780}"])
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/f")) == dump.bytes)
    }
  }

  @Test func `a dump that is wrong is refused with its line, and merges where that is asked for`()
    throws
  {
    try inPlace { folder, database in
      let wrong = "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6b\n 7\nDATA=END\n"
      let refused = try ToolProcess("restore", "-", folder + "/r", input: Array(wrong.utf8))
      #expect(refused.status == 1 && refused.error.contains("line 6"), "\(refused.error)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/r"))
      let right = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n zz\n new\nDATA=END\n"
      let merge = try ToolProcess("restore", "-", database, "--merge", input: Array(right.utf8))
      #expect(merge.status == 0, "\(merge.error)")
      #expect(try ToolProcess("get", database, "zz").output == "new\n")
      #expect(try ToolProcess("get", database, "key 7").output == "value 7\n")
      let usage = try ToolProcess("dump", database, "--print")
      #expect(usage.status == 64)
    }
  }

  @Test func `compact reports bytes before and after`() throws {
    try inPlace { folder, database in
      let scan = try ToolProcess.scan(database)
      let compact = try ToolProcess("compact", database)
      #expect(compact.status == 0 && compact.output.contains(" before, "), "\(compact.error)")
      let json = try ToolProcess("compact", database, "--json")
      #expect(json.output.contains("\"bytesAfter\":"))
      #expect(try ToolProcess.scan(database) == scan)
      #expect(try ToolProcess("compact", folder + "/none").status == 1)
    }
  }

  @Test(arguments: ["backup", "restore", "dump", "compact"])
  func `help has examples and exit codes`(command: String) throws {
    let help = try ToolProcess(command, "--help")
    #expect(help.status == 0 && help.output.contains("Examples:"))
    #expect(help.output.contains("Ends with 0"))
  }
}

/// To and from the tools of LMDB and Berkeley DB, where they are installed, and from samples that
/// they wrote.
@Suite(.timeLimit(.minutes(20))) struct `Other stores` {
  private static func tool(_ names: [String]) -> String? {
    names.map { "/usr/bin/" + $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func run(_ program: String, _ arguments: [String], input: Data = Data()) throws
    -> Data
  {
    try withTemporaryFolder { folder in
      let (source, target) = (folder + "/in", folder + "/out")
      try input.write(to: URL(fileURLWithPath: source))
      try Data().write(to: URL(fileURLWithPath: target))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: source))
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(program) \(arguments)")
      return try Data(contentsOf: URL(fileURLWithPath: target))
    }
  }

  /// Two keyspaces with bytes of all kinds, but what a backslash does to the printable format of old
  /// versions of LMDB.
  private static func makeDatabase(_ path: String, withBackslashes: Bool) throws {
    let database = try Database(at: path)
    for name in ["fruit", "tools"] {
      let keyspace = try database.keyspace(name)
      try database.write { (tx: borrowing Transaction) in
        for byte in 0..<256 where withBackslashes || byte != 0x5C {
          try tx.set(
            [UInt8(byte), 0x41, UInt8(255 - byte == 0x5C ? 0 : 255 - byte)],
            for: [UInt8(byte), 0x6B], in: keyspace)
        }
        try tx.set([UInt8](), for: "empty", in: keyspace)
      }
    }
    try database.close()
  }

  private func expectSame(_ one: String, _ other: String) throws {
    for name in ["fruit", "tools"] {
      let first = try ToolProcess.scan(one, "--keyspace", name)
      #expect(first.split(separator: "\n").count > 200)
      #expect(try ToolProcess.scan(other, "--keyspace", name) == first)
    }
  }

  @Test(arguments: [false, true])
  func `data goes to LMDB and comes back`(printable: Bool) throws {
    guard let load = Self.tool(["mdb_load"]), let dump = Self.tool(["mdb_dump"]) else { return }
    try withTemporaryFolder { folder in
      try Self.makeDatabase(folder + "/db", withBackslashes: !printable)
      let flags = printable ? ["--print"] : []
      let out = try ToolProcess(arguments: ["dump", folder + "/db", "--format", "lmdb"] + flags)
      try FileManager.default.createDirectory(
        atPath: folder + "/lmdb", withIntermediateDirectories: false)
      _ = try Self.run(load, [folder + "/lmdb"], input: out.bytes)
      let back = try Self.run(dump, (printable ? ["-p"] : []) + ["-a", folder + "/lmdb"])
      let restore = try ToolProcess("restore", "-", folder + "/back", input: Array(back))
      #expect(restore.status == 0, "\(restore.error)")
      try expectSame(folder + "/db", folder + "/back")
    }
  }

  @Test(arguments: [false, true])
  func `data goes to Berkeley DB and comes back`(printable: Bool) throws {
    guard let load = Self.tool(["db5.3_load", "db_load"]),
      let dump = Self.tool(["db5.3_dump", "db_dump"])
    else { return }
    try withTemporaryFolder { folder in
      try Self.makeDatabase(folder + "/db", withBackslashes: true)
      let flags = printable ? ["--print"] : []
      let out = try ToolProcess(arguments: ["dump", folder + "/db", "--format", "bdb"] + flags)
      _ = try Self.run(load, [folder + "/bdb"], input: out.bytes)
      let back = try Self.run(dump, (printable ? ["-p"] : []) + [folder + "/bdb"])
      let restore = try ToolProcess("restore", "-", folder + "/back", input: Array(back))
      #expect(restore.status == 0, "\(restore.error)")
      try expectSame(folder + "/db", folder + "/back")
    }
  }

  /// What the tools wrote, as it is committed beside the tests of dumps.
  @Test(arguments: ["mdb.bytevalue", "mdb.print", "db.bytevalue", "db.print"])
  func `samples of their tools are read`(name: String) throws {
    let samples = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "BackupTests/Samples")
    let sample = try Data(contentsOf: samples.appending(path: name))
    try withTemporaryFolder { folder in
      let restore = try ToolProcess("restore", "-", folder + "/db", input: Array(sample))
      #expect(restore.status == 0, "\(restore.error)")
      #expect(
        try ToolProcess.scan(folder + "/db", "--keyspace", "fruit")
          == "apple\tred\npear\tgreen \\t or yellow\nsloe\t\n")
      #expect(try ToolProcess.scan(folder + "/db", "--keyspace", "numbers") == "\u{1}\t\u{2}\n")
    }
  }
}
