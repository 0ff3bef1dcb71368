package import Consensus
package import Primitives
package import RawBytes

/// One thing that a replica says to another, as it travels in a frame.
package struct Parcel: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    case consensus(Message)
    case image(ImageMessage)
    /// What the sender's state came to at a slot: who has another hash there has gone astray.
    case stateHash(Slot, StateHash)
  }

  package let group: GroupID
  package let from: ReplicaID
  package let to: ReplicaID
  package let content: Content

  package init(group: GroupID, from: ReplicaID, to: ReplicaID, content: Content) {
    self.group = group
    self.from = from
    self.to = to
    self.content = content
  }
}

/// Why bytes from the network are no frame for this node.
package enum FrameError: Error, Hashable, Sendable {
  case malformed(CorruptionError)
  case otherVersion(UInt8)
  /// From a node of another cluster (rule V2).
  case foreignCluster(DatabaseID)
}

/// What one node sends another at a time: parcels of all groups, under one checksum. So what the
/// groups of a node have to say in the same moment, signs of life above all, costs one frame.
/// Normative: `format-spec/frame.md`.
package enum Frame {
  /// The bytes `MFRM`.
  static let magic: UInt32 = 0x4D52_464D
  static let version: UInt8 = 1
  static let headerByteCount = 32
  /// Beyond this nothing more is added to a frame that holds anything.
  static let softByteLimit = 2 << 20

  /// Reads a frame.
  ///
  /// - Throws: for any bytes that are not exactly one frame of this cluster.
  package static func decode(
    _ bytes: ByteView, cluster: DatabaseID
  ) throws(FrameError) -> [Parcel] {
    do {
      return try parcels(bytes, cluster: cluster)
    } catch let error as FrameError {
      throw error
    } catch let error as CorruptionError {
      throw .malformed(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  private static func parcels(_ bytes: ByteView, cluster: DatabaseID) throws -> [Parcel] {
    var reader = FieldReader(bytes, "frame")
    guard try reader.integer(UInt32.self) == magic else {
      throw reader.corrupt("the magic of a frame", "other bytes")
    }
    let checksum = try reader.integer(UInt32.self)
    let computed = CRC32C.checksum(bytes.dropFirst(8))
    guard checksum == computed else { throw reader.corrupt("checksum \(computed)", "\(checksum)") }
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw FrameError.otherVersion(version) }
    for byte in try reader.take(3).array where byte != 0 {
      throw reader.corrupt("zeros", "\(byte)")
    }
    let sender = DatabaseID(
      high: try reader.integer(UInt64.self), low: try reader.integer(UInt64.self))
    guard sender == cluster else { throw FrameError.foreignCluster(sender) }
    let count = try reader.count(ofAtLeast: 17)
    var parcels: [Parcel] = []
    parcels.reserveCapacity(count)
    for _ in 0..<count {
      var inner = FieldReader(try reader.counted(), "parcel of a frame")
      parcels.append(try Parcel.decode(&inner))
      try inner.finish()
    }
    try reader.finish()
    return parcels
  }
}

/// Fills frames.
package struct FrameWriter: ~Copyable {
  private var buffer: ByteBuffer
  private let cluster: DatabaseID
  package private(set) var parcelCount: UInt32 = 0

  package init(cluster: DatabaseID) {
    self.cluster = cluster
    buffer = ByteBuffer(capacity: 512)
    begin()
  }

  package var byteCount: Int { buffer.count }

  private mutating func begin() {
    buffer.removeAll()
    buffer.append(integer: Frame.magic)
    buffer.append(integer: UInt32(0))
    buffer.append(integer: Frame.version)
    buffer.append(zeros: 3)
    buffer.append(integer: cluster.high)
    buffer.append(integer: cluster.low)
    buffer.append(integer: UInt32(0))
    parcelCount = 0
  }

  package mutating func append(_ parcel: borrowing Parcel) {
    let start = buffer.count
    buffer.append(integer: UInt32(0))
    parcel.encode(into: &buffer)
    buffer.patch(UInt32(buffer.count - start - 4), at: start)
    parcelCount += 1
  }

  /// The frame so far; the writer begins another.
  package mutating func finish() -> [UInt8] {
    buffer.patch(parcelCount, at: Frame.headerByteCount - 4)
    buffer.patch(CRC32C.checksum(buffer.view.dropFirst(8)), at: 4)
    let frame = buffer.view.array
    begin()
    return frame
  }
}

extension Parcel {
  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: group.rawValue)
    buffer.append(integer: from.rawValue)
    buffer.append(integer: to.rawValue)
    switch content {
    case .consensus(let message):
      buffer.append(integer: UInt8(1))
      message.encode(into: &buffer)
    case .image(let message):
      buffer.append(integer: UInt8(2))
      message.encode(into: &buffer)
    case .stateHash(let slot, let hash):
      buffer.append(integer: UInt8(3))
      buffer.append(integer: slot.rawValue)
      buffer.append(integer: hash.value)
    }
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> Parcel {
    let group = GroupID(try reader.integer(UInt32.self))
    let from = ReplicaID(try reader.integer(UInt32.self))
    let to = ReplicaID(try reader.integer(UInt32.self))
    let code = try reader.integer(UInt8.self)
    let content: Content
    switch code {
    case 1: content = .consensus(try Message.decode(&reader))
    case 2: content = .image(try ImageMessage.decode(&reader))
    case 3:
      content = .stateHash(
        try Slot.decode(&reader), StateHash(try reader.integer(UInt64.self)))
    default: throw reader.corrupt("a kind of parcel from 1 to 3", "\(code)")
    }
    return Parcel(group: group, from: from, to: to, content: content)
  }
}
