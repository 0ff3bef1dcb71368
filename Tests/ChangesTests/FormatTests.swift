import Foundation
import Martlet
import Primitives
import RawBytes
import Testing
import VersionStore

/// The worked examples of the specification.
@Suite struct `Format vectors of changes` {
  private func vector(_ name: String) throws -> [UInt8] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: root.appending(path: "format-spec/vectors/\(name).bin")))
  }

  @Test func `keyspace reset`() throws {
    let bytes = try vector("keyspace-reset")
    let (reset, isBuilt) = try bytes.withByteView { bytes throws(CorruptionError) in
      try KeyspaceReset.decode(bytes)
    }
    #expect(reset == KeyspaceReset(keyspace: KeyspaceID(7), name: "cities") && isBuilt)
    #expect(reset.encoded(isBuilt: true) == bytes)
    #expect(reset.byteCount == bytes.count)
    for count in 0..<9 {
      #expect(throws: CorruptionError.self, "\(count) bytes") {
        try Array(bytes.prefix(count)).withByteView { bytes throws(CorruptionError) in
          try KeyspaceReset.decode(bytes)
        }
      }
    }
  }

  @Test func `previous values`() throws {
    let bytes = try vector("previous-values")
    try bytes.withByteView { view in
      let batch = try WriteBatch(validating: view)
      var entries = batch.makeIterator()
      var found: [String] = []
      while let entry = entries.next() {
        found.append(
          "\(entry.operation) \(entry.keyspace.rawValue) "
            + String(decoding: entry.key.array, as: UTF8.self)
            + " \(String(decoding: entry.value.array, as: UTF8.self)) \(entry.byteCount)")
      }
      #expect(found == ["set 5 a old 0", "remove 5 b  0", "large 5 c  2000000"])
    }
  }
}
