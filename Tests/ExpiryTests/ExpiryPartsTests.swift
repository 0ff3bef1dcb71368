import Environment
import Primitives
import RawBytes
import Synchronization
import Seeds
import Testing
import VersionStore

/// Where it is worth looking.
@Suite struct `The map of expiry` {
  private let keyspace = KeyspaceID(7)

  private func key(_ number: Int) -> [UInt8] { [UInt8(number / 256), UInt8(number % 256)] }

  /// EM2 against a dictionary: whatever is noted and visited in whatever pieces, each entry is found
  /// by a visit that comes when it is due.
  @Test func `leads to every entry when it is due`() throws {
    let seed = Seed.take()
    print("seed \(seed)")
    var generator = SplitMix(seed)
    var map = ExpiryMap()
    var entries: [Int: UInt64] = [:]
    var now: UInt64 = 0
    for _ in 0..<5000 {
      switch generator.next() % 3 {
      case 0:
        let number = Int(generator.next() % 1000)
        entries[number] = now + 1 + generator.next() % 1000
        key(number).withByteView { map.note(entries[number] ?? 0, of: $0, in: keyspace) }
      case 1:
        now += generator.next() % 50
      default:
        guard let stretch = map.take(dueAt: now) else {
          #expect(entries.values.allSatisfy { $0 > now }, "EM2")
          continue
        }
        var end: [UInt8]?
        var due: UInt64?
        var looked = 0
        for number in entries.keys.sorted() {
          let own = key(number)
          if own.lexicographicallyPrecedes(stretch.lower) { continue }
          if let upper = stretch.upper, !own.lexicographicallyPrecedes(upper) { break }
          if looked == 20 {
            end = own
            break
          }
          looked += 1
          guard let expiry = entries[number] else { continue }
          if expiry <= now { entries[number] = nil } else { due = min(due ?? .max, expiry) }
        }
        // Somebody writes while the stretch is visited.
        if generator.next() % 4 == 0 {
          let number = Int(generator.next() % 1000)
          entries[number] = now + 1 + generator.next() % 100
          key(number).withByteView { map.note(entries[number] ?? 0, of: $0, in: keyspace) }
        }
        map.visited(stretch, upTo: end, due: due, restDue: 0)
      }
      let least = entries.values.min()
      #expect((map.nextDue ?? .max) <= (least ?? .max), "EM2")
    }
    #expect(map.count < 200, "stretches do not pile up")
  }

  @Test func `knows nothing of a keyspace after opening, and is to look through it once`() {
    var map = ExpiryMap()
    map.addUnknown(keyspace)
    #expect(map.nextDue == 0)
    guard let all = map.take(dueAt: 1) else { return #expect(Bool(false)) }
    #expect(all.keyspace == keyspace && all.lower.isEmpty && all.upper == nil)
    map.visited(all, upTo: [5], due: nil, restDue: 0)
    guard let rest = map.take(dueAt: 1) else { return #expect(Bool(false)) }
    #expect(rest.lower == [5])
    map.visited(rest, upTo: nil, due: nil, restDue: nil)
    #expect(map.nextDue == nil)
    #expect(map.count == 1, "neighbours without anything to expire are one")
    map.forget(keyspace)
    #expect(map.keyspaces == [])
  }
}

/// The bytes of what expires.
@Suite struct `A batch with entries that expire` {
  private func bytes(_ build: (inout WriteBatchBuilder) -> Void) -> [UInt8] {
    var builder = WriteBatchBuilder()
    build(&builder)
    return builder.finish().bytes.array
  }

  @Test func `is read as it was written, and in one form only`() throws {
    let encoded = [UInt8]("key".utf8).withByteView { key in
      [UInt8]("value".utf8).withByteView { value in
        bytes { builder in
          builder.append(.set(key, to: value, in: KeyspaceID(1)).expiring(at: 0x0102))
          builder.append(
            .large(key, ordinal: 3, byteCount: 70_000, in: KeyspaceID(2)).expiring(at: .max))
        }
      }
    }
    #expect(
      encoded == [2, 0, 0, 0, 0]
        + [4, 1, 3] + Array("key".utf8) + [2, 1, 0, 0, 0, 0, 0, 0] + [5] + Array("value".utf8)
        + [5, 2, 3] + Array("key".utf8) + [UInt8](repeating: 255, count: 8) + [3, 0xF0, 0xA2, 4])
    try encoded.withByteView { view in
      var entries = try WriteBatch(validating: view).makeIterator()
      let first = entries.next()
      #expect(first?.operation == .set && first?.expiry == 0x0102)
      #expect(first?.value.array == Array("value".utf8))
      let second = entries.next()
      #expect(second?.operation == .large && second?.expiry == .max && second?.ordinal == 3)
      #expect(entries.next() == nil)
    }
  }

  @Test(
    arguments: [
      ("no moment", [1, 0, 0, 0, 0, 4, 1, 1, 65, 0, 0, 0, 0, 0, 0, 0, 0, 1, 66]),
      ("in the catalog", [1, 0, 0, 0, 0, 4, 0, 1, 65, 1, 0, 0, 0, 0, 0, 0, 0, 1, 66]),
      ("cut off", [1, 0, 0, 0, 0, 4, 1, 1, 65, 1, 0, 0]),
      (
        "an operation that does not exist",
        [1, 0, 0, 0, 0, 6, 1, 1, 65, 1, 0, 0, 0, 0, 0, 0, 0, 1, 66]
      ),
    ] as [(String, [UInt8])])
  func `that lies is refused`(_ name: String, _ bytes: [UInt8]) {
    #expect(throws: CorruptionError.self, "\(name)") {
      try bytes.withByteView { (view) throws(CorruptionError) in
        _ = try WriteBatch(validating: view)
      }
    }
  }

  @Test func `goes to a root table that names its keyspaces`() throws {
    let table = RootTable(
      nextKeyspaceID: KeyspaceID(9),
      roots: [.init(keyspace: .catalog, page: PageID(1))], expiring: [KeyspaceID(3), KeyspaceID(8)])
    try table.encoded.withByteView { (view) throws(CorruptionError) in
      #expect(try RootTable(decoding: view) == table)
    }
  }
}
