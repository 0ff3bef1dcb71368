package import Primitives
package import RawBytes

/// Who a node is: written once, when its directory is made, and never changed. A directory that was
/// wiped has none, and becomes another node: it must not answer for what the old one promised
/// (rule "a node that lost data").
package struct NodeIdentity: Hashable, Sendable {
  package let cluster: DatabaseID
  package let node: NodeID

  package init(cluster: DatabaseID, node: NodeID) {
    self.cluster = cluster
    self.node = node
  }

  // Normative: `format-spec/node-identity.md`.

  /// The bytes `MARTNODE`.
  static let magic: UInt64 = 0x4544_4F4E_5452_414D
  static let version: UInt32 = 1
  static let byteCount = 48

  package var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: Self.byteCount)
    buffer.append(integer: Self.magic)
    buffer.append(integer: Self.version)
    buffer.append(integer: cluster.high)
    buffer.append(integer: cluster.low)
    buffer.append(integer: node.high)
    buffer.append(integer: node.low)
    buffer.append(integer: CRC32C.checksum(buffer.view))
    return buffer.view.array
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "node identity")
    guard bytes.count == Self.byteCount else {
      throw reader.corrupt("\(Self.byteCount) bytes", "\(bytes.count)")
    }
    guard try reader.integer(UInt64.self) == Self.magic else {
      throw reader.corrupt("the magic of a node identity", "other bytes")
    }
    let computed = CRC32C.checksum(bytes.prefix(Self.byteCount - 4))
    let stored = bytes.load(UInt32.self, at: Self.byteCount - 4)
    guard stored == computed else { throw reader.corrupt("checksum \(computed)", "\(stored)") }
    let version = try reader.integer(UInt32.self)
    guard version == Self.version else {
      throw reader.corrupt("version \(Self.version)", "\(version)")
    }
    cluster = DatabaseID(
      high: try reader.integer(UInt64.self), low: try reader.integer(UInt64.self))
    node = NodeID(high: try reader.integer(UInt64.self), low: try reader.integer(UInt64.self))
  }
}
