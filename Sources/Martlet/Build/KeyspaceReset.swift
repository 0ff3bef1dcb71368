package import Primitives
package import RawBytes

/// What the log says of a bulk build, whose records it does not hold: `format-spec/keyspace-reset.md`.
///
/// The keyspace is durable by its checkpoint and seen by others a moment later, and a crash may come
/// between. So there are two records: one announces the keyspace, immediately behind the state that
/// the checkpoint captures, and is durable before it; the other is the moment from which it is seen.
/// Recovery that begins at that checkpoint meets the announcement first; where the second record is
/// missing it is written then.
///
/// - Invariant KR1: of every keyspace that a build made there is, in the order of commits, exactly one
///   record that it is there, before the first commit into it.
package struct KeyspaceReset: Sendable, Hashable {
  package let keyspace: KeyspaceID
  package let name: String

  package init(keyspace: KeyspaceID, name: String) {
    self.keyspace = keyspace
    self.name = name
  }

  private static let headerByteCount = 8

  package var byteCount: Int { Self.headerByteCount + name.utf8.count }

  package func encoded(isBuilt: Bool) -> [UInt8] {
    var buffer = ByteBuffer(capacity: byteCount)
    buffer.append(integer: UInt8(isBuilt ? 1 : 0))
    buffer.append(zeros: 3)
    buffer.append(integer: keyspace.rawValue)
    return buffer.view.array + Array(name.utf8)
  }

  /// Reads the payload of a record.
  package static func decode(
    _ bytes: ByteView
  ) throws(CorruptionError) -> (record: KeyspaceReset, isBuilt: Bool) {
    var reader = ByteReader(bytes)
    guard let phase = reader.integer(UInt8.self), phase <= 1, let padding = reader.take(3),
      padding.array.allSatisfy({ $0 == 0 }), let id = reader.integer(UInt32.self), id > 0,
      (1...255).contains(reader.remaining), let rest = reader.take(reader.remaining),
      let name = String(validating: rest.array, as: UTF8.self)
    else {
      throw CorruptionError(
        location: "keyspace reset", expected: "a phase, a keyspace and its name",
        found: "\(bytes.count) bytes that are none")
    }
    return (KeyspaceReset(keyspace: KeyspaceID(id), name: name), phase == 1)
  }
}
