import Martlet
import Testing

@Suite struct `A database` {
  @Test func `gives back what was written`() throws {
    let db = try Database.inMemory()
    let people = try db.keyspace("people")
    try db.write { tx in
      try tx.set("Ada Lovelace", for: "ada", in: people)
      try tx.set(1815, for: "born", in: people)
      let inside = try tx.value(for: "ada", in: people, as: String.self)
      #expect(inside == "Ada Lovelace")
    }
    try db.read { snapshot in
      let name = try snapshot.value(for: "ada", in: people, as: String.self)
      #expect(name == "Ada Lovelace")
      let year = try snapshot.value(for: "born", in: people, as: Int.self)
      #expect(year == 1815)
      let nobody = try snapshot.get("nobody", in: people)
      #expect(nobody == nil)
      let has = try snapshot.contains("ada", in: people)
      #expect(has)
      let byteCount = try snapshot.byteCount(of: "ada", in: people)
      #expect(byteCount == 12)
    }
    try db.close()
  }

  @Test func `rolls back when the closure throws`() throws {
    struct Stop: Error {}
    let db = try Database.inMemory()
    let keys = try db.keyspace("keys")
    #expect(throws: Stop.self) {
      try db.write { tx in
        try tx.set("x", for: "a", in: keys)
        throw Stop()
      }
    }
    #expect(try db.read { try $0.contains("a", in: keys) } == false)
  }

  @Test func `scans both ways with bounds and limits`() throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("keys")
    try db.write { tx in
      for name in ["a", "b", "ba", "c", "d"] { try tx.set(name, for: name, in: keys) }
    }
    func scan(_ bounds: KeyBounds, reverse: Bool = false, limit: Int? = nil) throws -> [String] {
      var names: [String] = []
      try db.read { snapshot in
        try snapshot.forEach(in: keys, bounds, reverse: reverse, limit: limit) { key, value in
          names.append(String(valueBytes: key) ?? "?")
          #expect(String(valueBytes: value) == names.last)
          return .continue
        }
      }
      return names
    }
    #expect(try scan(.all) == ["a", "b", "ba", "c", "d"])
    #expect(try scan(.all, reverse: true) == ["d", "c", "ba", "b", "a"])
    #expect(try scan(.range(from: "b", to: "d")) == ["b", "ba", "c"])
    #expect(try scan(.range(from: "b", to: "d"), reverse: true) == ["c", "ba", "b"])
    #expect(try scan(.prefix("b")) == ["b", "ba"])
    #expect(try scan(.from("c")) == ["c", "d"])
    #expect(try scan(.upTo("b"), reverse: true) == ["a"])
    #expect(try scan(.all, limit: 2) == ["a", "b"])
    #expect(try scan(.all, reverse: true, limit: 1) == ["d"])
    #expect(try scan(.all, limit: 0) == [])
    #expect(try scan(.range(from: "x", to: "z")) == [])
  }

  @Test func `shows a transaction its own writes in a scan`() throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("keys")
    try db.write { tx in for name in ["a", "c", "e"] { try tx.set("old", for: name, in: keys) } }
    try db.write { tx in
      try tx.set("new", for: "b", in: keys)
      try tx.set("new", for: "c", in: keys)
      try tx.remove("e", in: keys)
      try tx.set("new", for: "f", in: keys)
      for reverse in [false, true] {
        var seen: [String] = []
        try tx.forEach(in: keys, .all, reverse: reverse, limit: nil) { key, value in
          seen.append((String(valueBytes: key) ?? "?") + (String(valueBytes: value) ?? "?"))
          return .continue
        }
        let expected = ["aold", "bnew", "cnew", "fnew"]
        #expect(seen == (reverse ? expected.reversed() : expected))
      }
      var limited: [String] = []
      try tx.forEach(in: keys, .from("c"), reverse: false, limit: 1) { key, _ in
        limited.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      #expect(limited == ["c"])
    }
  }

  @Test func `keeps large values and reads them in pieces`() throws {
    let db = try Database.inMemory()
    let blobs = try db.keyspace("blobs")
    let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    try db.write { tx in
      try tx.set(bytes, for: "large", in: blobs)
      let byteCount = try tx.byteCount(of: "large", in: blobs)
      #expect(byteCount == bytes.count)
      let tail = try tx.read("large", in: blobs, offset: 999_990, count: 100)
      #expect(tail == Array(bytes[999_990...]))
    }
    try db.read { snapshot in
      let whole = try snapshot.get("large", in: blobs)
      #expect(whole == bytes)
      let middle = try snapshot.read("large", in: blobs, offset: 16_000, count: 40_000)
      #expect(middle == Array(bytes[16_000..<56_000]))
      let past = try snapshot.read("large", in: blobs, offset: 2_000_000, count: 1)
      #expect(past == [])
    }
    try db.write { tx in
      try tx.setLarge(byteCount: 300_000, for: "large", in: blobs) { writer in
        for _ in 0..<3 { try writer.append(Array(repeating: 7, count: 100_000)) }
      }
    }
    #expect(try db.read { try $0.get("large", in: blobs) } == Array(repeating: 7, count: 300_000))
    #expect(throws: DatabaseError.self) {
      try db.write { tx in
        try tx.setLarge(byteCount: 300_000, for: "large", in: blobs) { try $0.append([1]) }
      }
    }
    #expect(try db.read { try $0.byteCount(of: "large", in: blobs) } == 300_000)
    #expect(try db.verify().findings == [])
  }

  @Test func `visits keys without reading values, however large they are`() throws {
    let db = try Database.inMemory()
    let blobs = try db.keyspace("blobs")
    let piece = [UInt8](repeating: 5, count: 1 << 20)
    try db.write { tx in
      try tx.set("small", for: "a", in: blobs)
      try tx.setLarge(byteCount: 17 << 20, for: "b", in: blobs) { writer in
        for _ in 0..<17 { try writer.append(piece) }
      }
      var seen: [String: Int] = [:]
      try tx.forEachKey(in: blobs, .all, reverse: true, limit: nil) { key, byteCount in
        seen[String(valueBytes: key) ?? "?"] = byteCount
        return .continue
      }
      #expect(seen == ["a": 5, "b": 17 << 20])
    }
    let code = #expect(throws: DatabaseError.self) {
      try db.read { try $0.forEach(in: blobs) { _, _ in .continue } }
    }?.code
    #expect(code == .valueTooLarge, "whole values end at 16 MiB")
    let end = try db.read { try $0.read("b", in: blobs, offset: (17 << 20) - 2, count: 9) }
    #expect(end == [5, 5])
  }

  @Test func `drops a keyspace and takes its name again`() throws {
    let db = try Database.inMemory()
    let first = try db.keyspace("k")
    try db.write { try $0.set("v", for: "a", in: first) }
    try db.dropKeyspace("k")
    #expect(db.keyspaceNames == [])
    #expect(throws: DatabaseError.self) { try db.read { _ = try $0.get("a", in: first) } }
    #expect(throws: DatabaseError.self) { try db.write { try $0.set("v", for: "a", in: first) } }
    let second = try db.keyspace("k")
    #expect(second.id != first.id)
    #expect(try db.read { try $0.get("a", in: second) } == nil)
    #expect(throws: DatabaseError.self) { try db.dropKeyspace("other") }
  }

  @Test func `refuses handles of another database`() throws {
    let db = try Database.inMemory()
    let other = try Database.inMemory()
    let foreign = try other.keyspace("k")
    #expect(throws: DatabaseError.self) { try db.write { try $0.set("v", for: "a", in: foreign) } }
  }

  @Test func `works from tasks`() async throws {
    let db = try Database.inMemory()
    let counters = try db.keyspace("counters")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<100 {
        group.addTask {
          try await db.write { tx in
            let count = try tx.value(for: "n", in: counters, as: Int.self) ?? 0
            try tx.set(count + 1, for: "n", in: counters)
          }
        }
      }
      try await group.waitForAll()
    }
    let count = try await db.read { try $0.value(for: "n", in: counters, as: Int.self) }
    #expect(count == 100)
  }
}
