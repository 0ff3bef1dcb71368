import Foundation
import Martlet
import Testing

@Suite struct `Keys that are tuples` {
  typealias Key = KeyTuple<String, Int?, String>

  private static let names = ["", "a", "a\0", "a\0b", "ab", "b", "\u{ff}"]

  /// A database with every combination of a few awkward elements, and its keys in order.
  private func filled() throws -> (Database, Keyspace, [Key]) {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("tuples")
    let keys = Self.names.flatMap { first in
      [nil, -300, -1, 0, 1, 255, 256].flatMap { second in
        ["", "\0", "x"].map { Key(first, second, $0) }
      }
    }
    try database.write { tx in
      for key in keys.shuffled() { try tx.set(1, for: key, in: keyspace) }
    }
    return (database, keyspace, keys.sorted { $0.keyBytes.lexicographicallyPrecedes($1.keyBytes) })
  }

  private func keys(
    _ database: Database, _ keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool = false
  ) throws -> [Key] {
    try database.read { snapshot in
      var keys: [Key] = []
      try snapshot.forEach(in: keyspace, bounds, reverse: reverse, limit: nil) { key, _ in
        keys.append(try Key(keyBytes: key))
        return .continue
      }
      return keys
    }
  }

  @Test func `are scanned under a prefix, forwards and backwards`() throws {
    let (database, keyspace, all) = try filled()
    for name in Self.names {
      let under = all.filter { $0.elements.0 == name }
      let bounds = try KeyBounds.prefix(KeyTuple(name))
      #expect(try keys(database, keyspace, bounds) == under)
      #expect(try keys(database, keyspace, bounds, reverse: true) == under.reversed())
      for number in [nil, -1, 255] as [Int?] {
        let deeper = under.filter { $0.elements.1 == number }
        #expect(try keys(database, keyspace, .prefix(KeyTuple(name, number))) == deeper)
      }
    }
    #expect(try keys(database, keyspace, .prefix(KeyTuple())) == all)
    try database.close()
  }

  @Test func `are scanned in ranges of tuples`() throws {
    let (database, keyspace, all) = try filled()
    let from = KeyTuple("a", Int?.some(-1))
    let through = KeyTuple("a\0b", Int?.some(0))
    let start = try #require(all.firstIndex { $0.elements.0 == "a" && $0.elements.1 == -1 })
    let first = try #require(all.firstIndex { $0.elements.0 == "a\0b" && $0.elements.1 == 0 })
    let last = try #require(all.lastIndex { $0.elements.0 == "a\0b" && $0.elements.1 == 0 })
    #expect(
      try keys(database, keyspace, .range(from: from, to: through)) == Array(all[start..<first]))
    #expect(
      try keys(database, keyspace, .range(from: from, through: through)) == Array(all[start...last])
    )
    #expect(try keys(database, keyspace, .after(through)) == Array(all[(last + 1)...]))
    #expect(try keys(database, keyspace, .from(from)) == Array(all[start...]))
    #expect(try keys(database, keyspace, .upTo(from)) == Array(all[..<start]))
    try database.close()
  }

  @Test func `are scanned by how a text begins`() throws {
    let (database, keyspace, all) = try filled()
    for beginning in Self.names {
      let found = all.filter { Array($0.elements.0.utf8).starts(with: Array(beginning.utf8)) }
      #expect(
        try keys(database, keyspace, .prefix(KeyTuple(), beginningOf: beginning)) == found)
    }
    let found = all.filter { $0.elements.0 == "a" && $0.elements.1 == 1 }
    #expect(
      try keys(database, keyspace, .prefix(KeyTuple("a", Int?.some(1)), beginningOf: "")) == found)
    try database.close()
  }

  @Test func `of one element are numbers, dates and identifiers themselves`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("numbers")
    let numbers = [-1_000_000, -256, -1, 0, 1, 255, 256, .max]
    let uuid = UUID()
    try database.write { tx in
      for number in numbers.shuffled() { try tx.set("\(number)", for: number, in: keyspace) }
      try tx.set("date", for: Date(timeIntervalSinceReferenceDate: 1), in: keyspace)
      try tx.set("uuid", for: uuid, in: keyspace)
      try tx.set(Data([1, 2]), for: Data([0xFF]), in: keyspace)
    }
    try database.read { snapshot in
      var found: [Int] = []
      try snapshot.forEach(
        in: keyspace, try .range(from: Int.min, to: Int.max), reverse: false, limit: nil
      ) { key, _ in
        found.append(try KeyTuple<Int>(keyBytes: key).elements)
        return .continue
      }
      #expect(found == numbers.dropLast())
      let same = KeyTuple(UInt8(255))
      #expect(try snapshot.value(for: same, in: keyspace, as: String.self) == "255")
      let date = KeyTuple(Date(timeIntervalSinceReferenceDate: 1))
      #expect(try snapshot.value(for: date, in: keyspace, as: String.self) == "date")
      #expect(try snapshot.value(for: KeyTuple(uuid), in: keyspace, as: String.self) == "uuid")
      #expect(
        try snapshot.value(for: [0xFF] as [UInt8], in: keyspace, as: Data.self) == Data([1, 2]))
    }
    try database.close()
  }
}
