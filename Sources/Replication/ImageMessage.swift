package import Consensus
internal import Primitives
internal import RawBytes

/// What two nodes say to each other to bring a replica an image of the state (rule S1). The
/// receiver asks for one chunk after the other, so it sets the pace, and after a loss it asks again.
package enum ImageMessage: Hashable, Sendable {
  /// "Here is what you lack": sent by whoever the log no longer suffices for.
  case offer(ImageOffer)
  case request(id: UInt64, chunk: Int)
  case chunk(id: UInt64, chunk: Int, bytes: [UInt8])
  /// The sender has that image no more; another offer may come.
  case gone(id: UInt64)
  /// It is installed, or not wanted: the sender may let go of it.
  case done(id: UInt64)
}

/// What an image is: its place in the log, and the hashes of its chunks.
package struct ImageOffer: Hashable, Sendable {
  /// Random, so that chunks of two images are never mixed up.
  package let id: UInt64
  /// The image holds what everything up to `base.slot` led to.
  package let base: LogBase
  package let stateHash: StateHash
  package let chunkHashes: [StateHash]

  package init(id: UInt64, base: LogBase, stateHash: StateHash, chunkHashes: [StateHash]) {
    self.id = id
    self.base = base
    self.stateHash = stateHash
    self.chunkHashes = chunkHashes
  }

  /// Bytes of a chunk, at most, one row more left aside (rule S1).
  package static let chunkByteCount = 1 << 20
}

extension ImageMessage {
  func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .offer(let offer):
      buffer.append(integer: UInt8(1))
      offer.encode(into: &buffer)
    case .request(let id, let chunk):
      buffer.append(integer: UInt8(2))
      buffer.append(integer: id)
      buffer.append(integer: UInt32(chunk))
    case .chunk(let id, let chunk, let bytes):
      buffer.append(integer: UInt8(3))
      buffer.append(integer: id)
      buffer.append(integer: UInt32(chunk))
      bytes.withByteView { buffer.append(counted32: $0) }
    case .gone(let id):
      buffer.append(integer: UInt8(4))
      buffer.append(integer: id)
    case .done(let id):
      buffer.append(integer: UInt8(5))
      buffer.append(integer: id)
    }
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> ImageMessage {
    let code = try reader.integer(UInt8.self)
    switch code {
    case 1: return .offer(try ImageOffer.decode(&reader))
    case 2:
      return .request(
        id: try reader.integer(UInt64.self), chunk: Int(try reader.integer(UInt32.self)))
    case 3:
      return .chunk(
        id: try reader.integer(UInt64.self), chunk: Int(try reader.integer(UInt32.self)),
        bytes: try reader.counted().array)
    case 4: return .gone(id: try reader.integer(UInt64.self))
    case 5: return .done(id: try reader.integer(UInt64.self))
    default: throw reader.corrupt("a kind of image message from 1 to 5", "\(code)")
    }
  }
}

extension ImageOffer {
  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: id)
    base.encode(into: &buffer)
    buffer.append(integer: stateHash.value)
    buffer.append(integer: UInt32(chunkHashes.count))
    for hash in chunkHashes { buffer.append(integer: hash.value) }
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> ImageOffer {
    let id = try reader.integer(UInt64.self)
    let base = try LogBase.decode(&reader)
    let stateHash = StateHash(try reader.integer(UInt64.self))
    let count = try reader.count(ofAtLeast: 8)
    var hashes: [StateHash] = []
    hashes.reserveCapacity(count)
    for _ in 0..<count { hashes.append(StateHash(try reader.integer(UInt64.self))) }
    return ImageOffer(id: id, base: base, stateHash: stateHash, chunkHashes: hashes)
  }
}

extension LogBase {
  func encode(into buffer: inout ByteBuffer) {
    buffer.append(integer: slot.rawValue)
    buffer.append(integer: configurationSlot.rawValue)
    configuration.encode(into: &buffer)
  }

  static func decode(_ reader: inout FieldReader) throws(CorruptionError) -> LogBase {
    let slot = try Slot.decode(&reader)
    let configurationSlot = try Slot.decode(&reader)
    guard configurationSlot <= slot else {
      throw reader.corrupt("a configuration from \(slot) or before", "\(configurationSlot)")
    }
    return LogBase(
      slot: slot, configuration: try .decode(&reader), configurationSlot: configurationSlot)
  }
}
