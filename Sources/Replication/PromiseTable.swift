package import Consensus
package import Primitives
package import RawBytes

/// What a node has to know before it reads its log, small and rarely changed: what each of its
/// replicas promised, and where the log that it still needs begins.
package struct PromiseTable: Equatable, Sendable {
  package struct Row: Equatable, Sendable {
    /// Nil: lost, and with it the right to vote under the replica's number, for good.
    package var hardState: HardState?
    /// The group's state is being made: whatever is there of it is worth nothing.
    package var isFounding: Bool
    /// Slots whose content damage made unsure. It stays until the state has got past them.
    package var unknown: Range<Slot>?

    package init(
      hardState: HardState? = HardState(), isFounding: Bool = false, unknown: Range<Slot>? = nil
    ) {
      self.hardState = hardState
      self.isFounding = isFounding
      self.unknown = unknown
    }
  }

  package let identity: NodeIdentity
  /// Rises with every write: of two sound copies the one with the greater number counts.
  package var sequence: UInt64 = 0
  /// How often the node was opened.
  package var restartCount: UInt64 = 0
  /// Rises whenever `replayFrom` does. A log that knows of a greater one proves this an old copy.
  package var generation = Generation(0)
  /// Where recovery of the log begins.
  package var replayFrom = LogPosition.zero
  /// Durable when this was written: a log that ends before is damaged.
  package var durableThrough = LogPosition.zero
  package var rows: [GroupID: Row] = [:]

  package init(identity: NodeIdentity) { self.identity = identity }

  // Normative: `format-spec/promises.md`.

  /// The bytes `MARTPROM`.
  static let magic: UInt64 = 0x4D4F_5250_5452_414D
  static let version: UInt32 = 1
  static let headerByteCount = 96
  static let rowByteCount = 52
  static let blockByteCount = 4096

  /// The whole of it, in whole blocks.
  package var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: Self.blockByteCount)
    buffer.append(integer: Self.magic)
    buffer.append(integer: Self.version)
    buffer.append(integer: UInt32(0))
    buffer.append(integer: UInt32(Self.headerByteCount + rows.count * Self.rowByteCount))
    buffer.append(integer: UInt32(rows.count))
    buffer.append(integer: identity.cluster.high)
    buffer.append(integer: identity.cluster.low)
    buffer.append(integer: identity.node.high)
    buffer.append(integer: identity.node.low)
    buffer.append(integer: sequence)
    buffer.append(integer: restartCount)
    buffer.append(integer: generation.rawValue)
    buffer.append(integer: replayFrom.rawValue)
    buffer.append(integer: durableThrough.rawValue)
    for group in rows.keys.sorted() {
      guard let row = rows[group] else { continue }
      buffer.append(integer: group.rawValue)
      buffer.append(
        integer: UInt32(row.hardState == nil ? 0 : 1) | (row.isFounding ? 2 : 0)
          | (row.unknown == nil ? 0 : 4))
      let hardState = row.hardState ?? HardState()
      hardState.promised.encode(into: &buffer)
      buffer.append(integer: hardState.chosenHint.rawValue)
      buffer.append(integer: row.unknown?.lowerBound.rawValue ?? 0)
      buffer.append(integer: row.unknown?.upperBound.rawValue ?? 0)
      buffer.append(zeros: 8)
    }
    buffer.patch(CRC32C.checksum(buffer.view.dropFirst(16)), at: 12)
    let blocks = (buffer.count + Self.blockByteCount - 1) / Self.blockByteCount
    buffer.append(zeros: blocks * Self.blockByteCount - buffer.count)
    return buffer.view.array
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "promises of a node")
    guard try reader.integer(UInt64.self) == Self.magic else {
      throw reader.corrupt("the magic of promises", "other bytes")
    }
    let version = try reader.integer(UInt32.self)
    guard version == Self.version else {
      throw reader.corrupt("version \(Self.version)", "\(version)")
    }
    let stored = try reader.integer(UInt32.self)
    let byteCount = Int(try reader.integer(UInt32.self))
    guard byteCount >= Self.headerByteCount, byteCount <= bytes.count else {
      throw reader.corrupt("up to \(bytes.count) bytes", "\(byteCount)")
    }
    let computed = CRC32C.checksum(bytes[16..<byteCount])
    guard stored == computed else { throw reader.corrupt("checksum \(computed)", "\(stored)") }
    let rowCount = Int(try reader.integer(UInt32.self))
    guard byteCount == Self.headerByteCount + rowCount * Self.rowByteCount else {
      throw reader.corrupt("rows up to byte \(byteCount)", "\(rowCount) rows")
    }
    identity = NodeIdentity(
      cluster: DatabaseID(
        high: try reader.integer(UInt64.self), low: try reader.integer(UInt64.self)),
      node: NodeID(high: try reader.integer(UInt64.self), low: try reader.integer(UInt64.self)))
    sequence = try reader.integer(UInt64.self)
    restartCount = try reader.integer(UInt64.self)
    generation = Generation(try reader.integer(UInt64.self))
    replayFrom = LogPosition(try reader.integer(UInt64.self))
    durableThrough = LogPosition(try reader.integer(UInt64.self))
    var previous: GroupID?
    for _ in 0..<rowCount {
      let group = GroupID(try reader.integer(UInt32.self))
      if let previous, group <= previous { throw reader.corrupt("a group above", "\(group)") }
      rows[group] = try Self.row(&reader)
      previous = group
    }
  }

  private static func row(_ reader: inout FieldReader) throws(CorruptionError) -> Row {
    let flags = try reader.integer(UInt32.self)
    guard flags < 8 else { throw reader.corrupt("known flags", "\(flags)") }
    let hardState = HardState(
      promised: try .decode(&reader), chosenHint: try .decode(&reader))
    let lower = try Slot.decode(&reader)
    let upper = try Slot.decode(&reader)
    guard lower <= upper else { throw reader.corrupt("a slot from \(lower)", "\(upper)") }
    _ = try reader.take(8)
    return Row(
      hardState: flags & 1 != 0 ? hardState : nil, isFounding: flags & 2 != 0,
      unknown: flags & 4 != 0 ? lower..<upper : nil)
  }
}
