package import Consensus
package import Primitives
package import RawBytes

/// Where a state stands: written in the same commit as what the entries up to there changed, so that
/// neither is ever there without the other (rule G4).
package struct StateRow: Hashable, Sendable {
  package var base: LogBase
  package var hash: StateHash

  static let version: UInt8 = 1

  package init(base: LogBase, hash: StateHash) {
    self.base = base
    self.hash = hash
  }

  /// Of a new group.
  package init(founding configuration: Configuration) {
    self.init(base: LogBase(founding: configuration), hash: .founding)
  }

  package func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: Self.version)
    buffer.append(integer: hash.value)
    base.encode(into: &buffer)
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "state row of a replica")
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else {
      throw reader.corrupt("version \(Self.version)", "\(version)")
    }
    hash = StateHash(try reader.integer(UInt64.self))
    base = try LogBase.decode(&reader)
    try reader.finish()
  }
}
