package import Consensus
package import Primitives
package import RawBytes

/// What one write of one replica adds to the node's log: entries that it accepted, each of which
/// replaces what its slot held. The payload of a record of kind `replicated`, whose batch carries
/// the checksum. Normative: `format-spec/group-record.md`.
package struct GroupRecord: Equatable, Sendable {
  package let group: GroupID
  package let replica: ReplicaID
  /// Everything up to here was chosen, and was in the log, when this was written. Zero: not told.
  package let chosenHint: Slot
  package let entries: [Entry]

  static let version: UInt8 = 1
  package init(
    group: GroupID, replica: ReplicaID, chosenHint: Slot = .zero, entries: [Entry]
  ) {
    self.group = group
    self.replica = replica
    self.chosenHint = chosenHint
    self.entries = entries
  }

  package func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: Self.version)
    buffer.append(zeros: 3)
    buffer.append(integer: group.rawValue)
    buffer.append(integer: replica.rawValue)
    buffer.append(integer: chosenHint.rawValue)
    Entry.encode(entries, into: &buffer)
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = FieldReader(bytes, "group record of the log")
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else {
      throw reader.corrupt("version \(Self.version)", "\(version)")
    }
    for _ in 0..<3 {
      guard try reader.integer(UInt8.self) == 0 else { throw reader.corrupt("zeros", "others") }
    }
    group = GroupID(try reader.integer(UInt32.self))
    replica = ReplicaID(try reader.integer(UInt32.self))
    chosenHint = try Slot.decode(&reader)
    entries = try Entry.decodeAll(&reader)
    try reader.finish()
  }
}
