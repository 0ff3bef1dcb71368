import Environment
import Foundation
import Martlet
import Seeds
import Simulation
import SystemEnvironment
import Testing

/// Dumps of all formats, there and back.
@Suite struct `A dump` {
  static let formats: [DumpFormat] = [
    .martlet, .lmdb(.bytes), .lmdb(.printable), .berkeleyDB(.bytes), .berkeleyDB(.printable),
  ]

  static var largeByteCounts: [Int] {
    var isOptimised = true
    assert(
      {
        isOptimised = false
        return true
      }())
    return [(5 << 18) + 7] + (isOptimised ? [17 << 20] : [])
  }

  @Test(arguments: formats)
  func `gives back what was in the database, whatever the length of its pieces`(
    format: DumpFormat
  ) throws {
    let world = BackupWorld()
    let database = try world.database()
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var model = try world.fill(database, seed: random.next(), count: 500)
    // Bytes of all kinds, as keys and as values.
    let keyspace = try database.keyspace("bytes")
    var expected: [[UInt8]: [UInt8]] = [:]
    try database.write { (tx: borrowing Transaction) in
      for _ in 0..<200 {
        let key = (0..<1 + random.below(20)).map { _ in UInt8(random.below(256)) }
        let value = (0..<random.below(20)).map { _ in UInt8(random.below(256)) }
        try tx.set(value, for: key, in: keyspace)
        expected[key] = value
      }
      for text in ["\\", "\t\r\n", "é\u{0}", "\\x41", "=", "+more", " a b ", "#", "\\="] {
        try tx.set(text, for: text, in: keyspace)
        expected[Array(text.utf8)] = Array(text.utf8)
      }
    }
    model["bytes"] = expected
    var dump: [UInt8] = []
    let summary = try database.dump(format) { dump += $0 }
    #expect(summary.keyspaces == ["bytes", "default", "other"])
    #expect(summary.entryCount == model.values.map(\.count).reduce(0, +))
    for length in [Int.max, 1 + random.below(5_000)] {
      let path = "/loaded-\(length)"
      var rest = dump[...]
      let loaded = try Database.restore(
        dump: {
          defer { rest = rest.dropFirst(length) }
          return Array(rest.prefix(length))
        }, to: path, configuration: world.configuration, effects: world.effects)
      #expect(loaded == summary)
      let copy = try world.database(at: path)
      #expect(try world.contents(copy) == model)
      try copy.close()
    }
    try database.close()
  }

  @Test func `that is cut short anywhere makes no database`() throws {
    let world = BackupWorld()
    let database = try world.database()
    try database.write { (tx: borrowing Transaction) in
      let keyspace = try database.keyspace("default")
      for index in 0..<20 { try tx.set("value \(index)", for: "key \(index)", in: keyspace) }
    }
    for format in [DumpFormat.martlet, .lmdb()] {
      var dump: [UInt8] = []
      try database.dump(format) { dump += $0 }
      for length in 0..<dump.count - 1 {
        var pieces = [Array(dump.prefix(length))]
        #expect(throws: DatabaseError.self) {
          var reader = DumpReader { pieces.popLast() }
          while try reader.nextSection() != nil {
            while try reader.nextEntry() != nil {}
          }
        }
        guard length % 97 == 0 else { continue }
        pieces = [Array(dump.prefix(length))]
        #expect(throws: DatabaseError.self) {
          try Database.restore(
            dump: { pieces.popLast() }, to: "/cut", configuration: world.configuration,
            effects: world.effects)
        }
        #expect(try world.effects.files.kind(of: "/cut") == .absent)
      }
    }
  }

  /// Above 16 MiB a value is lent to nobody, and read in pieces. Writing so much down byte by byte is
  /// for builds that optimise.
  @Test(arguments: largeByteCounts)
  func `keeps the options of keyspaces, and large values`(byteCount: Int) throws {
    let world = BackupWorld()
    let database = try world.database()
    let options = KeyspaceOptions(leastWriteIsolation: .serializable)
    let keyspace = try database.keyspace("strict", options: options)
    let large = [UInt8](repeating: 7, count: byteCount)
    try database.write(isolation: .serializable) { (tx: borrowing Transaction) in
      try tx.set(Array("first".utf8), for: "a", in: keyspace)
      try tx.set(large, for: "b", in: keyspace)
      try tx.set(Array("last".utf8), for: "c", in: keyspace)
    }
    var dump: [UInt8] = []
    try database.dump { dump += $0 }
    var pieces = [dump]
    try Database.restore(
      dump: { pieces.popLast() }, to: "/loaded", configuration: world.configuration,
      effects: world.effects)
    let copy = try world.database(at: "/loaded")
    let found = try #require(try copy.existingKeyspace("strict"))
    #expect(found.options == options)
    let (count, piece, last) = try copy.read { snapshot in
      (
        try snapshot.byteCount(of: "b", in: found),
        try snapshot.read("b", in: found, offset: byteCount - 5, count: 9),
        try snapshot.value(for: "c", in: found, as: String.self)
      )
    }
    #expect(count == large.count && piece == [7, 7, 7, 7, 7] && last == "last")
    try copy.close()
  }

  @Test(arguments: [
    ("", "line 0"), ("hello\n", "line 1"), ("martlet-dump 2\n", "version 2"),
    ("martlet-dump 1\nkeyspace a\n k\n", "line 3"),
    ("martlet-dump 1\nkeyspace a\n k\tv\n k\tw\nend\nend-of-dump\n", "line 4"),
    ("martlet-dump 1\nkeyspace a\n k\t\\q\nend\nend-of-dump\n", "line 3"),
    ("martlet-dump 1\nkeyspace a\n k\t\\=A\nend\nend-of-dump\n", "line 3"),
    ("martlet-dump 1\nkeyspace a\n k\tv\nend 2\nend-of-dump\n", "line 4"),
    ("martlet-dump 1\nkeyspace a\nend\nend-of-dump\nmore\n", "line 5"),
    ("martlet-dump 1\nkeyspace a\noptions \\x09\\x01\\x01\nend\nend-of-dump\n", "option"),
    ("VERSION=9\nformat=print\nHEADER=END\nDATA=END\n", "line 1"),
    ("VERSION=3\nformat=odd\nHEADER=END\nDATA=END\n", "line 2"),
    ("VERSION=3\ntype=btree\nHEADER=END\nDATA=END\n", "line 3"),
    ("VERSION=3\nformat=print\ntype=recno\nHEADER=END\nDATA=END\n", "line 3"),
    ("VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6b\n 7\nDATA=END\n", "line 6"),
    ("VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6b\nDATA=END\n", "line 6"),
    ("VERSION=3\nformat=print\ntype=btree\nHEADER=END\n k\\\n v\nDATA=END\n", "line 5"),
    ("VERSION=3\nformat=print\ntype=btree\nduplicates=1\nHEADER=END\n k\n v\n k\n w\n", "line 8"),
    ("VERSION=3\nformat=print\ntype=btree\nHEADER=END\nk\nv\nDATA=END\n", "line 5"),
  ])
  func `that is wrong is refused, with the line`(dump: String, place: String) throws {
    let world = BackupWorld()
    var pieces = [Array(dump.utf8)]
    let error = #expect(throws: DatabaseError.self) {
      try Database.restore(
        dump: { pieces.popLast() }, to: "/wrong", configuration: world.configuration,
        effects: world.effects)
    }
    let message = error?.message ?? ""
    #expect(message.contains(place), "\(message)")
    #expect(try world.effects.files.kind(of: "/wrong") == .absent)
  }

  @Test func `is merged into a keyspace that is there`() throws {
    let world = BackupWorld()
    let database = try world.database()
    let keyspace = try database.keyspace("default")
    try database.write { (tx: borrowing Transaction) in
      try tx.set("old", for: "a", in: keyspace)
      try tx.set("old", for: "b", in: keyspace)
    }
    let text =
      "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n b\n new\n c\n new\nDATA=END\n"
    var pieces = [Array(text.utf8)]
    let error = #expect(throws: DatabaseError.self) {
      try database.load { pieces.popLast() }
    }
    #expect(error?.code == .keyspaceExists)
    pieces = [Array(text.utf8)]
    try database.load(merging: true) { pieces.popLast() }
    let contents = try world.contents(database)["default"] ?? [:]
    #expect(
      contents.map { String(decoding: $0.key + [61] + $0.value, as: UTF8.self) }.sorted()
        == ["a=old", "b=new", "c=new"])
  }

  @Test func `keeps when entries expire, those of large values too`() throws {
    let world = BackupWorld()
    let database = try world.database()
    let options = KeyspaceOptions(timeToLive: .seconds(3600))
    let keyspace = try database.keyspace("mortal", options: options)
    let plain = try database.keyspace("plain")
    let moments: [String: UInt64] = [
      "soon": 4_000_000_000_000_000_000, "late": .max, "large": 5_000_000_000_000_000_000,
      "huge": 4_100_000_000_000_000_000,
    ]
    try database.write { (tx: borrowing Transaction) in
      for (key, moment) in moments {
        let byteCount = ["large": 30_000, "huge": (1 << 20) + 9][key] ?? 5
        try tx.set(
          [UInt8](repeating: 7, count: byteCount), for: key, in: keyspace,
          expires: .at(WallTime(nanosecondsSince1970: moment)))
      }
      try tx.set("for good", for: "stays", in: keyspace, expires: .never)
      try tx.set("gone", for: "gone", in: keyspace, expires: .after(.zero))
      // What fits beside its key does not fit with an expiry.
      for byteCount in 1000..<1030 {
        try tx.set(
          [UInt8](repeating: 1, count: byteCount), for: "edge \(byteCount)", in: plain,
          expires: .at(WallTime(nanosecondsSince1970: 4_200_000_000_000_000_000)))
      }
    }
    let expected = try world.contents(database)
    var dump: [UInt8] = []
    try database.dump { dump += $0 }
    var pieces = [dump]
    try Database.restore(
      dump: { pieces.popLast() }, to: "/loaded", configuration: world.configuration,
      effects: world.effects)
    pieces = [dump]
    let merged = try world.database(at: "/merged")
    _ = try merged.keyspace("mortal", options: options)
    _ = try merged.keyspace("plain")
    try merged.load(merging: true) { pieces.popLast() }
    try merged.close()
    for path in ["/loaded", "/merged"] {
      for _ in 0..<2 {
        // Opened again as well: the checkpoint names the keyspaces in which entries expire.
        let copy = try world.database(at: path)
        #expect(try world.contents(copy) == expected)
        let found = try #require(try copy.existingKeyspace("mortal"))
        #expect(found.options == options)
        try copy.read { snapshot in
          for (key, moment) in moments {
            let expiry = try snapshot.expiry(of: key, in: found)?.moment
            #expect(expiry?.nanosecondsSince1970 == moment, "\(key) in \(path)")
          }
          #expect(try snapshot.expiry(of: "stays", in: found) == Expiry.never)
          #expect(try snapshot.expiry(of: "gone", in: found) == nil)
        }
        #expect(try copy.verify().findings.isEmpty)
        var again: [UInt8] = []
        try copy.dump { again += $0 }
        func withoutTime(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
          bytes.split(separator: 10).filter { $0.first != UInt8(ascii: "#") }
        }
        #expect(withoutTime(again) == withoutTime(dump))
        try copy.close()
      }
    }
    try database.close()
  }

  @Test(arguments: formats.dropFirst())
  func `of another store refuses entries that expire, unless expiry may be dropped`(
    format: DumpFormat
  ) throws {
    let world = BackupWorld()
    let database = try world.database()
    let keyspace = try database.keyspace("default")
    try database.write { (tx: borrowing Transaction) in
      try tx.set("1", for: "a", in: keyspace)
      try tx.set("2", for: "b", in: keyspace, expires: .after(.seconds(3600)))
    }
    let error = #expect(throws: DatabaseError.self) { try database.dump(format) { _ in } }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("\"b\" of keyspace \"default\" expires") == true)
    var dump: [UInt8] = []
    try database.dump(format, droppingExpiry: true) { dump += $0 }
    var pieces = [dump]
    // There is nothing about expiry in it: the keyspace that it comes to decides.
    let other = try world.database(at: "/other")
    let mortal = try other.keyspace(
      "default", options: KeyspaceOptions(timeToLive: .seconds(60)))
    try other.load(merging: true) { pieces.popLast() }
    try other.read { (snapshot: borrowing Snapshot) throws in
      for key in ["a", "b"] {
        let expiry = try snapshot.expiry(of: key, in: mortal)
        #expect(expiry?.moment != nil)
      }
    }
    try other.close()
    pieces = [dump]
    try Database.restore(
      dump: { pieces.popLast() }, to: "/loaded", configuration: world.configuration,
      effects: world.effects)
    let copy = try world.database(at: "/loaded")
    let loaded = try #require(try copy.existingKeyspace("default"))
    let expiry = try copy.read { try $0.expiry(of: "b", in: loaded) }
    #expect(expiry == Expiry.never)
    try copy.close()
    try database.close()
  }
}
