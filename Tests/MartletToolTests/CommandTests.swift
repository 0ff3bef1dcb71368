import Foundation
import Martlet
import MartletCommands
import Seeds
import Testing

@Suite(.timeLimit(.minutes(20))) struct CommandTests {
  /// A folder with a path for a database in it, and a way to write input files.
  private struct Place {
    let folder: String
    var database: String { folder + "/db" }

    func file(_ name: String, _ text: String) throws -> String {
      let path = folder + "/" + name
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return path
    }

    /// Names and bytes of everything under a path, to see whether it was touched.
    func contents(of path: String) throws -> [String: Data] {
      var contents: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
        contents[name] = try? Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
      }
      return contents
    }
  }

  private func inPlace(_ body: (Place) throws -> Void) throws {
    try withTemporaryFolder { try body(Place(folder: $0)) }
  }

  // MARK: What works

  /// The story: what a key begins with was taken for a byte order mark, and left out.
  @Test func `what scan prints loads back, also keys that begin as a byte order mark`() throws {
    try withTemporaryFolder { folder in
      let table = "\u{feff}\u{feff}a\t1\n\u{feff}b\t2\n"
      let load = try ToolProcess(
        "load", folder + "/first", "-", "--format", "tsv", input: Array(table.utf8))
      #expect(load.status == 0, "\(load.error)")
      let scan = try ToolProcess("scan", folder + "/first")
      _ = try ToolProcess(
        "load", folder + "/second", "-", "--format", "tsv", input: Array(scan.bytes))
      let again = try ToolProcess("scan", folder + "/second", "--json")
      #expect(try again.bytes == ToolProcess("scan", folder + "/first", "--json").bytes)
      #expect(
        again.output.utf8.elementsEqual(
          "{\"key\":\"\u{feff}a\",\"value\":\"1\"}\n{\"key\":\"\u{feff}b\",\"value\":\"2\"}\n".utf8)
      )
    }
  }

  @Test func `a loaded table answers get and scans both ways`() throws {
    try inPlace { place in
      let file = try place.file("c.csv", "name,age\nada,36\nbob,41\ncy,19\nabe,7\n")
      let load = try ToolProcess("load", place.database, file, "--key", "name", "--value", "age")
      #expect(load.status == 0 && load.output.hasPrefix("loaded 4 rows into default"))
      #expect(try ToolProcess("get", place.database, "bob").output == "41\n")
      #expect(try ToolProcess("get", place.database, "bob", "--raw").output == "41")
      #expect(
        try ToolProcess("get", place.database, "bob", "--json").output
          == "{\"key\":\"bob\",\"value\":\"41\"}\n")
      #expect(try ToolProcess.scan(place.database) == "abe\t7\nada\t36\nbob\t41\ncy\t19\n")
      #expect(
        try ToolProcess.scan(place.database, "--reverse", "--limit", "2") == "cy\t19\nbob\t41\n")
      #expect(try ToolProcess.scan(place.database, "--prefix", "a") == "abe\t7\nada\t36\n")
      #expect(
        try ToolProcess.scan(place.database, "--from", "ada", "--to", "cy", "--keys-only")
          == "ada\nbob\n")
      #expect(
        try ToolProcess.scan(place.database, "--from", "c", "--format", "jsonl")
          == "{\"key\":\"cy\",\"value\":\"19\"}\n")
    }
  }

  @Test func `what scan prints loads back byte for byte`() throws {
    try inPlace { place in
      let lines = "a\\tb\t1\\n2\nb\\\\\t\\r\nc\t\n\u{1}\té\n"
      let load = try ToolProcess(
        "load", place.database, "-", "--format", "tsv", input: Array(lines.utf8))
      #expect(load.status == 0, "\(load.error)")
      let first = try ToolProcess.scan(place.database)
      _ = try ToolProcess(
        "load", place.database + "2", "-", "--format", "tsv", input: Array(first.utf8))
      #expect(try ToolProcess.scan(place.database + "2") == first)
      #expect(try ToolProcess("get", place.database, "a\tb").output == "1\n2\n")
    }
  }

  @Test func `a bulk load makes a keyspace of rows in any order, or in the order of keys`() throws {
    try inPlace { place in
      let file = try place.file("b.tsv", "b\t2\na\t1\nc\t3\nb\t4\n")
      let load = try ToolProcess("load", place.database, file, "--bulk", "--keyspace", "letters")
      #expect(load.status == 0, "\(load.error)")
      #expect(load.output.hasPrefix("loaded 4 rows into letters"))
      let scan = try ToolProcess("scan", place.database, "--keyspace", "letters")
      #expect(scan.output == "a\t1\nb\t4\nc\t3\n")
      let again = try ToolProcess("load", place.database, file, "--bulk", "--keyspace", "letters")
      #expect(again.failed(with: "letters", "nothing was loaded"), "\(again.error)")
      let sorted = try ToolProcess(
        "load", place.database, file, "--bulk", "--sorted", "--keyspace", "more")
      #expect(sorted.failed(with: "b.tsv:2:", "nothing was loaded"), "\(sorted.error)")
      let summary = try ToolProcess(
        "load", place.database, "-", "--format", "tsv", "--bulk", "--sorted", "--keyspace", "more",
        "--json", input: Array(scan.output.utf8))
      #expect(summary.output.hasPrefix("{\"rows\":3,\"seconds\":"), "\(summary.error)")
      #expect(try ToolProcess("verify", place.database).status == 0)
      #expect(try ToolProcess("load", place.database, file, "--sorted").status == 64)
    }
  }

  @Test func `JSON lines load under a field, in small batches, into a keyspace`() throws {
    try inPlace { place in
      let file = try place.file("u.jsonl", (1...25).map { "{\"id\":\($0)}\n" }.joined())
      let load = try ToolProcess(
        "load", place.database, file, "--key", "id", "--keyspace", "users", "--batch", "4",
        "--durability", "relaxed", "--json")
      #expect(load.output.hasPrefix("{\"rows\":25,\"seconds\":"))
      #expect(
        try ToolProcess.scan(place.database, "-k", "users", "--prefix", "2", "--limit", "1")
          == "2\t{\"id\":2}\n")
    }
  }

  @Test func `set and remove change one key, and say nothing`() throws {
    try inPlace { place in
      let set = try ToolProcess("set", place.database, "k", "v")
      #expect(set.status == 0 && set.output.isEmpty && set.error.isEmpty)
      #expect(try ToolProcess("get", place.database, "k").output == "v\n")
      #expect(try ToolProcess("remove", place.database, "k").status == 0)
      #expect(try ToolProcess("get", place.database, "k").failed(with: "there is no key k"))
    }
  }

  @Test func `a value of many megabytes is streamed in and out`() throws {
    try inPlace { place in
      var generator = SeededGenerator(seed: Seed.take(for: #function))
      let piece = (0..<4099).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let value = Data(Array(repeating: piece, count: 2500).joined())
      try value.write(to: URL(fileURLWithPath: place.folder + "/large"))
      let set = try ToolProcess("set", place.database, "k", "--file", place.folder + "/large")
      #expect(set.status == 0, "\(set.error)")
      let get = try ToolProcess("get", place.database, "k", "--raw")
      #expect(get.status == 0, "\(get.error)")
      #expect(get.bytes == value)
    }
  }

  @Test func `stat counts, and prints JSON that is some`() throws {
    try inPlace { place in
      let file = try place.file("c.tsv", "a\t1\nb\t22\n")
      _ = try ToolProcess("load", place.database, file)
      let stat = try ToolProcess("stat", place.database, "--count", "--json")
      let json = try JSON(parsing: stat.output)
      #expect(
        json[name: "keyspaces"] == [["name": "default", "entries": 2, "bytes": 5]])
      #expect(json[name: "pageSize"] == 16384)
      let plain = try ToolProcess("stat", place.database, "--count").output
      #expect(plain.contains("default") && plain.contains("2 entries, 5 B"))
    }
  }

  @Test func `checkpoint and verify say that all is well`() throws {
    try inPlace { place in
      _ = try ToolProcess("set", place.database, "k", "v")
      let checkpoint = try ToolProcess("checkpoint", place.database)
      #expect(checkpoint.status == 0 && checkpoint.output.hasPrefix("checkpoint taken in"))
      let verify = try ToolProcess("verify", place.database)
      #expect(verify.status == 0 && verify.output.contains("no damage"))
      let json = try JSON(parsing: try ToolProcess("verify", place.database, "--json").output)
      #expect(json[name: "isClean"] == true && json[name: "findings"] == [])
    }
  }

  @Test func `drive keeps what was committed, and rolls back what was not`() throws {
    try inPlace { place in
      let requests = """
        {"id":1,"session":"A","op":"begin","level":"SI"}
        {"id":2,"session":"A","op":"put","args":["x",1]}
        {"id":3,"session":"A","op":"commit"}
        {"id":4,"session":"A","op":"begin","level":"SI"}
        {"id":5,"session":"A","op":"put","args":["x",2]}
        """
      let drive = try ToolProcess("drive", place.database, input: Array(requests.utf8))
      #expect(drive.status == 0 && drive.lines.count == 5, "\(drive.error)")
      #expect(drive.lines.allSatisfy { $0.contains("\"status\":\"ok\"") })
      let dump = try ToolProcess("drive", place.database, input: Array("{\"op\":\"dump\"}".utf8))
      #expect(dump.output == "{\"id\":null,\"status\":\"ok\",\"value\":{\"x\":1}}\n")
    }
  }

  @Test func `a short tour ends well and cleans up`() throws {
    try inPlace { place in
      let tour = try ToolProcess(
        "tour", "--directory", place.folder + "/tour", "--kills", "3", "--seed", "5")
      #expect(tour.status == 0, "\(tour.output)\(tour.error)")
      #expect(tour.output.contains("3 kills under 2 committing threads"))
      #expect(!FileManager.default.fileExists(atPath: place.folder + "/tour"))
    }
  }

  @Test func `a tour that does not wait for the device finds what the kills lost`() throws {
    try inPlace { place in
      let tour = try ToolProcess(
        "tour", "--directory", place.folder + "/tour", "--kills", "20", "--durability", "relaxed")
      #expect(tour.status == 1, "\(tour.output)")
      #expect(tour.error.contains("violation: after kill"), "\(tour.error)")
      #expect(tour.error.contains("is lost"), "\(tour.error)")
    }
  }

  // MARK: What does not

  @Test func `a wrong line leaves the database as it was before its batch`() throws {
    try inPlace { place in
      let file = try place.file("c.tsv", "a\t1\nb\t2\nc\t3\nd\n")
      let load = try ToolProcess("load", place.database, file, "--batch", "2")
      #expect(load.failed(with: "c.tsv:4: 1 column", "2 rows of earlier batches"), "\(load.error)")
      #expect(try ToolProcess.scan(place.database) == "a\t1\nb\t2\n")
    }
  }

  @Test func `wrong input to a database that is not there makes none`() throws {
    try inPlace { place in
      let database = place.database
      let ragged = try place.file("r.tsv", "a\t1\nb\n")
      #expect(try ToolProcess("load", database, ragged).failed(with: "r.tsv:2:"))
      let text = try place.file("t.jsonl", "{\"id\":1}\nnot json\n")
      #expect(
        try ToolProcess("load", database, text, "--key", "id").failed(with: "t.jsonl:2: not JSON"))
      #expect(
        try ToolProcess("load", database, place.folder + "/no.tsv").failed(
          with: "no.tsv: No such file"))
      #expect(
        try ToolProcess("load", database, place.folder, "--format", "tsv").failed(
          with: "a directory"))
      #expect(
        try ToolProcess("load", database, ragged, "--format", "jsonl").failed(with: "need --key"))
      #expect(try ToolProcess("set", database, "k", "--file", "/nowhere").failed(with: "/nowhere:"))
      #expect(!FileManager.default.fileExists(atPath: database))
    }
  }

  @Test func `commands that read make no database where there is none`() throws {
    try inPlace { place in
      for arguments in [
        ["get", place.database, "k"], ["remove", place.database, "k"], ["scan", place.database],
        ["stat", place.database], ["verify", place.database], ["checkpoint", place.database],
      ] {
        let run = try ToolProcess(arguments: arguments)
        #expect(run.failed(with: place.database), "\(arguments): \(run.error)")
      }
      #expect(!FileManager.default.fileExists(atPath: place.database))
    }
  }

  @Test func `a folder that is no database is refused and not touched`() throws {
    try inPlace { place in
      let folder = place.folder + "/other"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      _ = try place.file("other/letter.txt", "dear")
      let before = try place.contents(of: folder)
      let file = try place.file("c.tsv", "a\t1\n")
      for arguments in [
        ["get", folder, "k"], ["set", folder, "k", "v"], ["load", folder, file],
        ["drive", folder], ["verify", folder],
      ] {
        let run = try ToolProcess(arguments: arguments)
        #expect(run.failed(with: folder), "\(arguments): \(run.error)")
      }
      #expect(try place.contents(of: folder) == before)
    }
  }

  @Test func `a database of a newer format is refused and not touched`() throws {
    try inPlace { place in
      _ = try ToolProcess("set", place.database, "k", "v")
      let url = URL(fileURLWithPath: place.database + "/data.martlet")
      var file = [UInt8](try Data(contentsOf: url))
      for start in stride(from: 0, to: 4 * 4096, by: 4096) {
        file[start + 8] = 200
        let checksum = Self.crc32c(file[start..<start + 4092])
        for index in 0..<4 {
          file[start + 4092 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index))
        }
      }
      try Data(file).write(to: url)
      let before = try place.contents(of: place.database)
      for arguments in [
        ["get", place.database, "k"], ["set", place.database, "k", "v"],
        ["verify", place.database],
      ] {
        let run = try ToolProcess(arguments: arguments)
        #expect(run.failed(with: place.database, "newer", "200"), "\(arguments): \(run.error)")
      }
      #expect(try place.contents(of: place.database) == before)
    }
  }

  /// Castagnoli's checksum, bit by bit.
  private static func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~checksum
  }

  @Test func `a database that is open elsewhere is refused at once`() throws {
    try inPlace { place in
      let database = try Database(at: place.database)
      let run = try ToolProcess("set", place.database, "k", "v")
      #expect(run.failed(with: place.database, "open"), "\(run.error)")
      try database.close()
      #expect(try ToolProcess("set", place.database, "k", "v").status == 0)
    }
  }

  @Test func `a missing key or keyspace is an error, and removing all or none holds`() throws {
    try inPlace { place in
      _ = try ToolProcess("set", place.database, "k", "v")
      #expect(try ToolProcess("get", place.database, "no").failed(with: "there is no key no"))
      #expect(
        try ToolProcess("get", place.database, "k", "-k", "other").failed(
          with: "there is no keyspace named other"))
      #expect(
        try ToolProcess("remove", place.database, "k", "no").failed(with: "nothing was removed"))
      #expect(try ToolProcess("get", place.database, "k").output == "v\n")
    }
  }

  @Test func `a key that is too long is told with its line, and its batch is left out`() throws {
    try inPlace { place in
      let long = String(repeating: "k", count: 5000)
      let file = try place.file("c.tsv", "a\t1\nb\t2\n\(long)\t3\n")
      let load = try ToolProcess("load", place.database, file, "--batch", "2")
      #expect(load.failed(with: "c.tsv:3:", "2 rows of earlier batches"), "\(load.error)")
      #expect(try ToolProcess.scan(place.database, "--keys-only") == "a\nb\n")
    }
  }

  @Test func `damage in the data file is found with its place`() throws {
    try inPlace { place in
      let rows = (0..<5000).map { "key \($0)\tvalue \($0 &* 7_919)\n" }.joined()
      let file = try place.file("c.tsv", rows)
      _ = try ToolProcess("load", place.database, file)
      _ = try ToolProcess("checkpoint", place.database)
      #expect(try ToolProcess("verify", place.database).status == 0)
      try damageDataFile(of: place.database)
      let verify = try ToolProcess("verify", place.database)
      #expect(verify.status == 1, "\(verify.output)")
      #expect(verify.error.contains("page") || verify.error.contains("offset"), "\(verify.error)")
      #expect(try ToolProcess("scan", place.database).status == 1)
    }
  }

  /// Flips one bit in the middle of the largest stretch of images: behind the superblocks, in a
  /// block that is not zero.
  private func damageDataFile(of database: String) throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: database)
    let name = try #require(
      files.filter { !$0.hasPrefix("log-") }.max { first, second in
        let sizes = try? [first, second].map { name in
          try Data(contentsOf: URL(fileURLWithPath: database + "/" + name)).count
        }
        return sizes.map { $0[0] < $0[1] } ?? false
      })
    let url = URL(fileURLWithPath: database + "/" + name)
    var data = try Data(contentsOf: url)
    let used = data.indices.filter { $0 >= 64 << 10 && data[$0] != 0 }
    data[used[used.count / 2]] ^= 0x10
    try data.write(to: url)
  }

  @Test(arguments: [
    ["scan", "db", "--prefix", "a", "--from", "b"], ["load", "db"], ["set", "db", "k"],
    ["load", "db", "f", "--batch", "0"], ["fly"], ["get", "db", "k", "--raw", "--json"],
  ])
  func `wrong arguments end with 64 and the usage`(arguments: [String]) throws {
    let run = try ToolProcess(arguments: arguments)
    #expect(run.status == 64)
    #expect(run.error.contains("Usage:"))
  }

  @Test func `every command has help with examples`() throws {
    for command in [
      "load", "get", "set", "remove", "scan", "stat", "verify", "checkpoint", "tour", "drive",
    ] {
      let help = try ToolProcess(command, "--help")
      #expect(help.status == 0)
      #expect(help.output.contains("Example") && help.output.contains("  martlet \(command)"))
    }
  }
}
