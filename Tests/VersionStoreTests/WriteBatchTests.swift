import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

/// An entry that owns its bytes.
struct OwnedEntry: Equatable {
  var keyspace: UInt32
  var key: [UInt8]
  var change: Change

  enum Change: Equatable {
    case set([UInt8])
    case remove
    case large(ordinal: Int, byteCount: UInt64)
  }

  init(_ keyspace: UInt32, _ key: [UInt8], _ change: Change) {
    self.keyspace = keyspace
    self.key = key
    self.change = change
  }

  init(_ entry: WriteBatchEntry) {
    keyspace = entry.keyspace.rawValue
    key = entry.key.array
    switch entry.operation {
    case .set: change = .set(entry.value.array)
    case .remove: change = .remove
    case .large: change = .large(ordinal: entry.ordinal, byteCount: entry.byteCount)
    }
  }

  static func < (left: OwnedEntry, right: OwnedEntry) -> Bool {
    left.keyspace != right.keyspace
      ? left.keyspace < right.keyspace : left.key.lexicographicallyPrecedes(right.key)
  }
}

func encode(_ entries: [OwnedEntry]) -> [UInt8] {
  var builder = WriteBatchBuilder()
  for entry in entries {
    let keyspace = KeyspaceID(entry.keyspace)
    entry.key.withByteView { key in
      switch entry.change {
      case .set(let value): value.withByteView { builder.set(key, to: $0, in: keyspace) }
      case .remove: builder.remove(key, in: keyspace)
      case .large(let ordinal, let byteCount):
        builder.setLarge(key, ordinal: ordinal, byteCount: byteCount, in: keyspace)
      }
    }
  }
  return builder.finish().bytes.array
}

func decode(_ bytes: [UInt8]) throws -> [OwnedEntry] {
  try bytes.withByteView { view in
    var entries: [OwnedEntry] = []
    var iterator = try WriteBatch(validating: view).makeIterator()
    while let entry = iterator.next() { entries.append(OwnedEntry(entry)) }
    return entries
  }
}

func randomEntries(_ random: inout SplitMix, count: Int) -> [OwnedEntry] {
  var entries: [OwnedEntry] = []
  for _ in 0..<count {
    let change: OwnedEntry.Change =
      switch random.below(4) {
      case 0: .remove
      case 1:
        .large(ordinal: random.below(300), byteCount: random.next() >> UInt64(random.below(64)))
      default: .set(random.bytes(random.below(300)))
      }
    let keyspace = UInt32(truncatingIfNeeded: random.next() >> UInt64(32 + random.below(32)))
    let entry = OwnedEntry(keyspace, random.bytes(random.below(20)), change)
    if !entries.contains(where: { $0.keyspace == keyspace && $0.key == entry.key }) {
      entries.append(entry)
    }
  }
  return entries.sorted(by: <)
}

@Suite struct WriteBatchTests {
  @Test func `what is built is what is read, and building it again gives the same bytes`() throws {
    var random = SplitMix(Seed.take(for: "write batch round trip"))
    for _ in 0..<300 {
      let entries = randomEntries(&random, count: random.below(40))
      let bytes = encode(entries)
      #expect(try decode(bytes) == entries)
      #expect(encode(try decode(bytes)) == bytes)
    }
  }

  @Test func `damaged bytes are refused or read as another batch in its only encoding`() throws {
    var random = SplitMix(Seed.take(for: "write batch damage"))
    var refused = 0
    for _ in 0..<2000 {
      var bytes = encode(randomEntries(&random, count: 1 + random.below(6)))
      switch random.below(3) {
      case 0: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
      case 1: bytes.removeLast(1 + random.below(bytes.count))
      default: bytes.append(UInt8(random.below(256)))
      }
      do {
        #expect(encode(try decode(bytes)) == bytes, "WB2")
      } catch is CorruptionError {
        refused += 1
      }
    }
    #expect(refused > 500)
  }

  @Test func `keys that do not ascend are refused`() {
    let one = encode([OwnedEntry(1, [5], .remove)])
    let entry = Array(one[5...])
    #expect(throws: CorruptionError.self) { try decode([2, 0, 0, 0, 0] + entry + entry) }
    #expect(throws: CorruptionError.self) {
      try decode([2, 0, 0, 0, 0] + entry + [2, 1, 1, 4])
    }
  }

  @Test func `integers longer than they need be are refused`() {
    #expect(throws: CorruptionError.self) { try decode([1, 0, 0, 0, 0, 2, 0x81, 0, 1, 5]) }
    #expect(throws: CorruptionError.self) { try decode([1, 0, 0, 0, 0, 2, 1, 0x81, 0, 5]) }
  }

  @Test func `a newer format and an unknown operation are refused`() {
    #expect(throws: CorruptionError.self) { try decode([0, 0, 0, 0, 1]) }
    #expect(throws: CorruptionError.self) { try decode([1, 0, 0, 0, 0, 4, 1, 1, 5]) }
    #expect(throws: CorruptionError.self) { try decode([1, 0, 0, 0, 0, 0, 1, 1, 5]) }
  }

  @Test func `a batch without entries is a batch`() throws {
    #expect(try decode([0, 0, 0, 0, 0]).isEmpty)
  }

  #if os(Linux) || os(macOS)
    @Test func `building out of order traps`() async {
      await #expect(processExitsWith: .failure) {
        _ = encode([OwnedEntry(2, [5], .remove), OwnedEntry(1, [6], .remove)])
      }
    }
  #endif
}
