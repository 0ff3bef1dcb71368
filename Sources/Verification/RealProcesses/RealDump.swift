package import Martlet
internal import RawBytes

/// Everything in a database, its values by length and hash, with the first bytes of each.
package struct RealDump: Sendable, Equatable {
  package struct Value: Sendable, Equatable {
    package let byteCount: Int
    package let hash: UInt64
    package let head: [UInt8]

    fileprivate init(byteCount: Int, hash: UInt64, head: [UInt8]) {
      self.byteCount = byteCount
      self.hash = hash
      self.head = head
    }

    /// What a dump shows of a value.
    package init(_ value: RealValue) { self = value.bytes.withByteView { Value(viewing: $0) } }

    fileprivate init(viewing bytes: ByteView) {
      self.init(
        byteCount: bytes.count, hash: Hash64.hash(bytes, seed: 0x7061_7274),
        head: bytes.prefix(min(16, bytes.count)).array)
    }

    /// The little-endian numbers at the beginning of the value.
    func number(at index: Int) -> UInt64? {
      guard head.count >= 8 * index + 8 else { return nil }
      return head.withByteView { $0.load(UInt64.self, at: 8 * index) }
    }
  }

  package var keyspaces: [String: [[UInt8]: Value]] = [:]

  package init() {}
}

extension RealDump {
  /// Reads everything in one snapshot.
  package init(reading database: Database) throws {
    let names = database.keyspaceNames
    try database.read { snapshot in
      for name in names {
        guard let keyspace = try database.existingKeyspace(name) else { continue }
        var entries: [[UInt8]: Value] = [:]
        var previous: [UInt8]?
        try snapshot.forEach(in: keyspace) { key, value in
          let key = key.withByteView { $0.array }
          if let previous, !previous.lexicographicallyPrecedes(key) {
            throw CrashSession.Violation(description: "a scan of \(name) gives keys out of order")
          }
          previous = key
          entries[key] = value.withByteView { Value(viewing: $0) }
          return .continue
        }
        keyspaces[name] = entries
      }
    }
  }

  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt32(keyspaces.count))
    for (name, entries) in keyspaces {
      bytes.append(UInt16(name.utf8.count))
      bytes += name.utf8
      bytes.append(UInt32(entries.count))
      for (key, value) in entries {
        bytes.append(UInt16(key.count))
        bytes += key
        bytes.append(UInt64(value.byteCount))
        bytes.append(value.hash)
        bytes += value.head
      }
    }
    return bytes
  }

  /// What `encoded` made. The child that sent it is trusted as far as this process is.
  package init(decoding bytes: [UInt8]) {
    keyspaces = bytes.withByteView { view in
      var offset = 0
      func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ type: Integer.Type) -> Int {
        defer { offset += MemoryLayout<Integer>.size }
        return Int(truncatingIfNeeded: view.load(type, at: offset))
      }
      func piece(_ count: Int) -> [UInt8] {
        defer { offset += count }
        return view[offset..<offset + count].array
      }
      var keyspaces: [String: [[UInt8]: Value]] = [:]
      for _ in 0..<integer(UInt32.self) {
        let name = String(decoding: piece(integer(UInt16.self)), as: UTF8.self)
        var entries: [[UInt8]: Value] = [:]
        for _ in 0..<integer(UInt32.self) {
          let key = piece(integer(UInt16.self))
          let byteCount = integer(UInt64.self)
          let hash = UInt64(bitPattern: Int64(integer(UInt64.self)))
          entries[key] = Value(byteCount: byteCount, hash: hash, head: piece(min(16, byteCount)))
        }
        keyspaces[name] = entries
      }
      return keyspaces
    }
  }
}
