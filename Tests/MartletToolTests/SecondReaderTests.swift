import Foundation
import Martlet
import Seeds
import Testing

/// A reader written in another language from `format-spec/` alone reads what the engine wrote, byte
/// for byte the same. Whatever it needs to know and the specification does not say would show here.
@Suite(.serialized) struct `A second reader` {
  /// How a database of the test is made.
  struct Shape: Sendable, Codable, CustomStringConvertible {
    var pageSize = 4096
    var isCompressed = false
    /// Whether it is closed in order; else the process that wrote it is killed.
    var isClosed = false
    var commits = 60
    var isRelaxed = false
    var hasDeepValue = false

    var description: String {
      "\(pageSize >> 10) KiB, \(isCompressed ? "lz4" : "none"), \(isClosed ? "closed" : "killed"), "
        + "\(commits) commits\(isRelaxed ? ", relaxed" : "")"
    }
  }

  static let shapes: [Shape] = [
    Shape(isClosed: true, commits: 0), Shape(commits: 0),
    Shape(), Shape(isClosed: true, commits: 20, hasDeepValue: true),
    Shape(pageSize: 16384, isCompressed: true),
    Shape(pageSize: 65536, isCompressed: true, commits: 20),
    Shape(pageSize: 65536, commits: 20), Shape(isCompressed: true, commits: 150),
    Shape(pageSize: 16384, commits: 150, isRelaxed: true),
  ]

  /// The program, run by `python3`; nil when there is none.
  static let reader: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let program = root.appendingPathComponent("format-spec/reader/martlet_reader.py").path
    guard let found = try? run("python3", ["--version"]), found.status == 0 else {
      print("note: python3 is missing, the second reader is not run")
      return nil
    }
    return program
  }()

  private static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, output: Data, error: String) {
    try withTemporaryFolder { folder in
      let output = URL(fileURLWithPath: folder + "/output")
      let error = URL(fileURLWithPath: folder + "/error")
      for file in [output, error] { try Data().write(to: file) }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [program] + arguments
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: error)
      try process.run()
      process.waitUntilExit()
      return (
        process.terminationStatus, try Data(contentsOf: output),
        String(decoding: try Data(contentsOf: error), as: UTF8.self)
      )
    }
  }

  private func read(
    _ reader: String, _ arguments: String...
  ) throws -> (status: Int32, output: Data, error: String) {
    try Self.run("python3", [reader] + arguments)
  }

  /// Fills a database by a seed: several keyspaces, one of them dropped, values of all sizes,
  /// deletes, bytes that need escaping; checkpoints in between and a tail of the log behind.
  private static func fill(_ database: Database, _ shape: Shape, seed: UInt64) throws {
    guard shape.commits > 0 else { return }
    var generator = SeededBytes(seed: seed)
    let names = ["default", "other", "naïve ✓", "passing"]
    var keyspaces = try names.map { try database.keyspace($0) }
    for commit in 0..<shape.commits {
      try database.write(durability: shape.isRelaxed ? .relaxed : .full) { transaction in
        for _ in 0..<generator.below(12) {
          let keyspace = keyspaces[generator.below(keyspaces.count)]
          let key = Array("key\t\(generator.below(400))".utf8) + generator.bytes(generator.below(3))
          let byteCount =
            switch generator.below(12) {
            case 0: generator.below(shape.pageSize * 2)
            case 1: 0
            default: generator.below(300)
            }
          if generator.below(4) == 0 {
            try transaction.remove(key, in: keyspace)
          } else {
            try transaction.set(generator.bytes(byteCount), for: key, in: keyspace)
          }
        }
      }
      if commit == shape.commits / 2 {
        try database.dropKeyspace("passing")
        keyspaces.removeLast()
      }
      if commit == shape.commits / 3 || commit == shape.commits * 2 / 3 {
        try database.checkpoint()
      }
    }
    // A large value, perhaps with two levels of index pages, a key of the greatest length, a late
    // keyspace.
    try database.write { transaction in
      try transaction.set(
        generator.bytes(shape.hasDeepValue ? 1_100 * shape.pageSize : 12 * shape.pageSize),
        for: "large", in: keyspaces[0])
      try transaction.set(
        "long", for: generator.bytes(shape.pageSize / 8), in: keyspaces[1])
    }
    let late = try database.keyspace("late")
    try database.write { try $0.set("there", for: "is", in: late) }
  }

  /// Opens a new database at a path and fills it.
  private static func write(_ shape: Shape, seed: UInt64, at path: String) throws -> Database {
    let database = try Database(
      at: path,
      configuration: Configuration(
        pageSize: shape.pageSize, cacheSize: 128 * shape.pageSize,
        compression: shape.isCompressed ? .lz4 : .none))
    try fill(database, shape, seed: seed)
    return database
  }

  /// Makes a database in a folder as the shape says, and tells where.
  ///
  /// One that is not closed is left by a process that was killed, with whatever its background was
  /// doing. Nothing less is one moment of a directory: a copy of a live one, made file by file, has
  /// a log and a data file of different moments, if a segment is not gone before it is copied.
  private func make(_ shape: Shape, seed: UInt64, in folder: String) async throws -> String {
    let path = folder + "/database"
    if shape.isClosed {
      try Self.write(shape, seed: seed, at: path).close()
      return path
    }
    try await #require(processExitsWith: .signal(SIGKILL)) { [shape, seed, path = path as String] in
      let database = try Self.write(shape, seed: seed, at: path)
      withExtendedLifetime(database) { _ = kill(getpid(), SIGKILL) }
    }
    return path
  }

  @Test(arguments: shapes)
  func `reads what the engine wrote, byte for byte`(_ shape: Shape) async throws {
    guard let reader = Self.reader else { return }
    let seed = Seed.take(for: #function)
    try await withTemporaryFolder { folder in
      let path = try await make(shape, seed: seed, in: folder)
      let listing = try read(reader, path, "--keyspaces", "--check")
      try #require(listing.status == 0, "\(listing.error)")
      let names = String(decoding: listing.output, as: UTF8.self).split(separator: "\n")
        .map(String.init)
      // Before the tool opens the directory, and so changes it.
      let found = try Self.run(
        "python3", [reader, path] + names.flatMap { ["--keyspace", $0] })
      #expect(found.status == 0, "\(found.error)")
      let database = try Database(at: path)
      #expect(names.sorted() == database.keyspaceNames.sorted())
      try database.close()
      var expected = Data()
      for name in names {
        let scan = try ToolProcess(arguments: ["scan", path, "--keyspace", name])
        #expect(scan.status == 0, "\(scan.error)")
        expected += scan.bytes
      }
      #expect(found.output == expected, "\(found.output.count) and \(expected.count) bytes")
      // One value alone has twelve pages of bytes, whatever the seed.
      let byteCount = expected.count
      #expect(shape.commits == 0 || names.count == 4 && byteCount > 12 * shape.pageSize)
      // And what the opening made of it.
      let again = try read(reader, path, "--check", "--keyspaces")
      #expect(again.status == 0 && again.output == listing.output, "\(again.error)")
    }
  }

  @Test func `reports a flipped bit with its place (negative control)`() async throws {
    guard let reader = Self.reader else { return }
    let seed = Seed.take(for: #function)
    try await withTemporaryFolder { folder in
      var generator = SeededBytes(seed: seed)
      let path = try await make(Shape(commits: 12), seed: seed, in: folder)
      let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/data.martlet")))
      // The newest superblock leads to the map's only block, and that to images.
      let superblock = field(data, 56, 8) > field(data, 4096 + 56, 8) ? 0 : 4096
      let map = field(data, superblock + 80, 5) * 512
      var places = [("data.martlet", map..<map + 4096)]
      for entry in stride(from: map, to: map + 4096, by: 16)
      where field(data, entry, 5) > 0 && places.count < 7 {
        let start = field(data, entry, 5) * 512
        places.append(("data.martlet", start..<start + (Int(data[entry + 5]) + 1) * 512))
      }
      let log = try #require(
        try FileManager.default.contentsOfDirectory(atPath: path)
          .filter { $0.hasPrefix("log-") }.sorted().first)
      places += [(log, 0..<64), (log, 4096..<4168)]
      for (file, range) in places {
        let url = URL(fileURLWithPath: path + "/" + file)
        let whole = try Data(contentsOf: url)
        var damaged = whole
        let byte = range.lowerBound + generator.below(range.count)
        damaged[byte] ^= 1 << UInt8(generator.below(8))
        try damaged.write(to: url)
        let found = try read(reader, path, "--check", "--keyspace", "default")
        #expect(
          found.status == 1 && found.error.contains(file) && found.output.isEmpty,
          "\(file), byte \(byte): \(found.error)")
        try whole.write(to: url)
      }
      #expect(places.count > 5)
      #expect(try read(reader, path, "--check").status == 0)
    }
  }

  // MARK: Backup streams

  @Test func `reads a backup stream as the database that a restore makes of it`() throws {
    guard let reader = Self.reader else { return }
    let seed = Seed.take(for: #function)
    for shape in [Shape(), Shape(pageSize: 16384, isCompressed: true, commits: 30)] {
      try withTemporaryFolder { folder in
        let database = try Self.write(shape, seed: seed, at: folder + "/database")
        var stream: [UInt8] = []
        try database.backup { stream += $0 }
        try database.close()
        let file = folder + "/backup"
        try Data(stream).write(to: URL(fileURLWithPath: file))
        var rest = [stream]
        try Database.restore(to: folder + "/restored") { rest.popLast() }
        let listing = try read(reader, file, "--keyspaces", "--check")
        try #require(listing.status == 0, "\(listing.error)")
        let names = String(decoding: listing.output, as: UTF8.self).split(separator: "\n")
          .map(String.init)
        #expect(names.count == 4)
        let found = try Self.run(
          "python3", [reader, file] + names.flatMap { ["--keyspace", $0] })
        #expect(found.status == 0, "\(found.error)")
        var expected = Data()
        for name in names {
          let scan = try ToolProcess(
            arguments: ["scan", folder + "/restored", "--keyspace", name, "--format", "tsv"])
          #expect(scan.status == 0, "\(scan.error)")
          expected += scan.bytes
        }
        #expect(found.output == expected, "\(found.output.count) and \(expected.count) bytes")
        try rejectDamage(stream, reader, file, seed)
      }
    }
  }

  /// Whatever is wrong with a stream ends the reader with the place (negative control).
  private func rejectDamage(
    _ stream: [UInt8], _ reader: String, _ file: String, _ seed: UInt64
  ) throws {
    var generator = SeededBytes(seed: seed)
    func requireDamage(_ bytes: [UInt8], _ what: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      let found = try read(reader, file, "--keyspace", "default")
      #expect(
        found.status == 1 && found.output.isEmpty && found.error.contains(file),
        "\(what): \(found.error)")
    }
    for _ in 0..<4 {
      var damaged = stream
      let place = generator.below(stream.count)
      damaged[place] ^= 1 << UInt8(generator.below(8))
      try requireDamage(damaged, "byte \(place) flipped")
    }
    try requireDamage(Array(stream.dropLast(1 + generator.below(stream.count - 1))), "cut short")
    try requireDamage(stream + [0], "a byte more")
  }

  // MARK: Collections

  private struct Home: Codable {
    var city: String
    var floor: Int?
  }

  private struct Citizen: Codable, Identifiable {
    var id: KeyTuple<String, Int> { KeyTuple(name, number) }
    var name: String
    var number: Int
    var home: Home
    var tags: [String]
    var height: Double
    var isAdult: Bool
    var born: Date
    var token: UUID
    var picture: [UInt8]
    var worth: Decimal
    var motto: String?

    /// The line that a reader of the specification prints.
    var line: String {
      let fields: [(String, String)] = [
        ("born", "{\"date\":\(born.timeIntervalSinceReferenceDate)}"), ("height", "\(height)"),
        (
          "home",
          "{\"city\":\"\(home.city)\"" + (home.floor.map { ",\"floor\":\($0)" } ?? "") + "}"
        ),
        ("isAdult", "\(isAdult)"), ("motto", motto.map { "\"\($0)\"" } ?? ""),
        ("name", "\"\(name)\""), ("number", "\(number)"),
        (
          "picture",
          "{\"bytes\":\"\(picture.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined())\"}"
        ),
        ("tags", "[" + tags.map { "\"\($0)\"" }.joined(separator: ",") + "]"),
        ("token", "\"\(token.uuidString)\""), ("worth", "{\"decimal\":\"\(worth)\"}"),
      ]
      let record = fields.filter { !$0.1.isEmpty }.map { "\"\($0.0)\":\($0.1)" }
      return "{\"id\":[\"\(name)\",\(number)],\"record\":{\(record.joined(separator: ","))}}\n"
    }
  }

  private struct Note: Codable, Identifiable {
    var id: Int
    var text: String
  }

  @Test func `prints the records of collections, decoded by the specification`() throws {
    guard let reader = Self.reader else { return }
    let citizens = RecordCollection("citizens", of: Citizen.self)
    let notes = RecordCollection("notes", of: Note.self, coder: JSONRecordCoder())
    let people = [
      Citizen(
        name: "Ada", number: -300, home: Home(city: "Ørsted", floor: 3), tags: ["x", "ÿ ✓"],
        height: 1.75, isAdult: true, born: Date(timeIntervalSinceReferenceDate: -0.5),
        token: UUID(uuidString: "01234567-89AB-CDEF-0123-456789ABCDEF") ?? UUID(),
        picture: [0, 255],
        worth: Decimal(string: "-12.50") ?? 0, motto: nil),
      Citizen(
        name: "Ada", number: 70_000, home: Home(city: "Oslo", floor: nil), tags: [], height: 0.1,
        isAdult: false, born: Date(timeIntervalSinceReferenceDate: 1e9 + 0.25),
        token: UUID(uuidString: "FFFFFFFF-0000-4000-8000-000000000001") ?? UUID(), picture: [],
        worth: 7, motto: String(repeating: "m", count: 200)),
    ]
    try withTemporaryFolder { folder in
      let database = try Database(at: folder + "/database")
      try database.open(Schema(citizens, notes))
      try database.write { tx in
        for person in people { try tx.put(person, in: citizens) }
        for id in [-70_000, -1, 0, 1, 255, 256, Int.max, Int.min] {
          try tx.put(Note(id: id, text: "\(id)\n"), in: notes)
        }
      }
      var stream: [UInt8] = []
      try database.backup { stream += $0 }
      try database.close()
      try Data(stream).write(to: URL(fileURLWithPath: folder + "/backup"))
      for path in [folder + "/database", folder + "/backup"] {
        let found = try read(reader, path, "--collection", "citizens", "--check")
        #expect(found.status == 0, "\(found.error)")
        #expect(String(decoding: found.output, as: UTF8.self) == people.map(\.line).joined())
        let json = try read(reader, path, "--collection", "notes")
        let expected = [Int.min, -70_000, -1, 0, 1, 255, 256, Int.max].map {
          "{\"id\":\($0),\"record\":{\"id\":\($0),\"text\":\"\($0)\\n\"}}\n"
        }
        #expect(String(decoding: json.output, as: UTF8.self) == expected.joined(), "\(json.error)")
        let none = try read(reader, path, "--collection", "nobody")
        #expect(none.status == 1 && none.error.contains("no collection named nobody"))
      }
    }
  }

  /// The examples of the pages, which no engine has to write.
  @Test func `decodes the examples of the specification`() throws {
    guard let reader = Self.reader else { return }
    let script = """
      import os, sys
      sys.dont_write_bytecode = True
      folder = os.path.dirname(sys.argv[1])
      sys.path.insert(0, folder)
      import martlet_reader as reader
      def vector(name):
          return open(os.path.join(folder, "..", "vectors", name), "rb").read()
      key = reader.Tuples.elements(vector("key-tuple.bin"), "key")
      assert key == ["a\\0b", None, -5551212, 300, 0.5, True, [None, {"bytes": "01"}], {"descending": "z"}], key
      record = reader.Records(vector("record.bin"), "record").value()
      assert record == {"id": 300, "name": "Ada", "tags": ["x", None], "home": {"name": "Rome"}}, record
      def refuses(body, data):
          try:
              body(bytes.fromhex(data), "example")
          except (reader.Damage, reader.Refusal):
              return True
          return False
      for wrong in ["00ff41", "0c", "02c300", "0261", "1500", "217fffffffffffffff", "fe", "4085"]:
          assert refuses(reader.Tuples.elements, wrong), wrong
      for wrong in ["", "02", "01000a00ff", "01007f41", "010009025831", "0100ff00"]:
          assert refuses(lambda data, place: reader.Records(data, place).value(), wrong), wrong
      """
    let found = try Self.run("python3", ["-c", script, reader])
    #expect(found.status == 0, "\(found.error)")
  }

  /// An integer of the file's.
  private func field(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
  }

  @Test func `says in one line what is not a database`() throws {
    guard let reader = Self.reader else { return }
    try withTemporaryFolder { folder in
      for arguments in [[folder], [folder + "/none"], [folder, "--keyspace", "x"]] {
        let found = try Self.run("python3", [reader] + arguments)
        #expect(found.status == 1 && found.output.isEmpty)
        #expect(found.error.hasPrefix("martlet_reader: ") && found.error.last == "\n")
        #expect(found.error.dropLast().allSatisfy { !$0.isNewline }, "\(found.error)")
      }
    }
  }
}

/// Bytes by a seed (SplitMix64).
private struct SeededBytes {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }

  /// Runs of equal bytes, so that compression has something to do.
  mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let word = next()
      bytes += [UInt8](repeating: UInt8(word & 255), count: Int(word >> 8 & 15) + 1)
    }
    return Array(bytes.prefix(count))
  }
}
