package import Primitives
package import RawBytes

/// What is special about a batch.
package struct BatchFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The first batch after the log was made or recovered: only here may positions skip ahead.
  package static let opening = BatchFlags(rawValue: 1)
  /// The log was closed in order: everything that was ever appended is before here.
  package static let closing = BatchFlags(rawValue: 2)

  static let known: BatchFlags = [.opening, .closing]
}

/// The beginning of a batch: one flush of the log. Normative: `format-spec/log-batch.md`.
///
/// Salt, number, position and the checksum of the batch before tie a batch to its segment, its
/// place and its predecessor, so that old bytes in reused space cannot pass for it (rule W1).
package struct BatchHeader: Equatable, Sendable {
  /// The bytes `MBAT`.
  package static let magic: UInt32 = 0x5441_424D
  package static let byteCount = 72
  /// Batches begin at multiples of this, and a block belongs to one batch.
  package static let blockByteCount = 4096

  package var flags: BatchFlags
  package var salt: UInt64
  package var number: UInt64
  /// Of the batch's first byte.
  package var position: LogPosition
  /// The end of the newest record that was durable when this was written.
  package var durablePosition: LogPosition
  /// The newest checkpoint that was durable when this was written.
  package var generation: Generation
  /// No commit that was acknowledged before the next batch is durable has a timestamp above it.
  package var ceiling: Timestamp
  package var payloadByteCount: UInt32
  package var recordCount: UInt32
  package var previousChecksum: UInt32
  package var checksum: UInt32

  package init(
    flags: BatchFlags = [], salt: UInt64, number: UInt64, position: LogPosition,
    durablePosition: LogPosition, generation: Generation, ceiling: Timestamp,
    payloadByteCount: UInt32, recordCount: UInt32, previousChecksum: UInt32, checksum: UInt32 = 0
  ) {
    self.flags = flags
    self.salt = salt
    self.number = number
    self.position = position
    self.durablePosition = durablePosition
    self.generation = generation
    self.ceiling = ceiling
    self.payloadByteCount = payloadByteCount
    self.recordCount = recordCount
    self.previousChecksum = previousChecksum
    self.checksum = checksum
  }

  /// Bytes in whole blocks of a batch with a payload of so many bytes.
  package static func storedByteCount(payload: Int) -> Int {
    (byteCount + payload + blockByteCount - 1) / blockByteCount * blockByteCount
  }

  /// Where numbers end that a log can reach. Bytes that lie may claim more, and whoever goes on from
  /// there would run over the end of 64 bits.
  package static let positionLimit = LogPosition(1 << 62)
  package static let numberLimit: UInt64 = 1 << 62
  /// Nanoseconds since 1970: in the year 2262.
  package static let timestampLimit = Timestamp((1 << 63) - (1 << 32))

  /// Whether a log that goes on from here stays inside 64 bits.
  var isPossible: Bool {
    position < Self.positionLimit && durablePosition < Self.positionLimit
      && number < Self.numberLimit && ceiling < Self.timestampLimit
  }

  package var storedByteCount: Int { Self.storedByteCount(payload: Int(payloadByteCount)) }

  /// Where the next batch begins, unless it skips ahead.
  package var endPosition: LogPosition {
    LogPosition(position.rawValue &+ UInt64(storedByteCount))
  }

  /// The end of the last record.
  package var recordsEnd: LogPosition {
    LogPosition(position.rawValue &+ UInt64(Self.byteCount) &+ UInt64(payloadByteCount))
  }

  /// Writes the header before a payload that stands in place already, and the zeros behind it.
  /// `batch` is the whole batch in whole blocks. Returns the checksum.
  package func seal(_ batch: MutableByteView) -> UInt32 {
    let end = Self.byteCount + Int(payloadByteCount)
    batch.store(Self.magic, at: 0)
    batch.store(flags.rawValue, at: 4)
    batch.store(UInt16(0), at: 6)
    batch.store(salt, at: 8)
    batch.store(number, at: 16)
    batch.store(position.rawValue, at: 24)
    batch.store(durablePosition.rawValue, at: 32)
    batch.store(generation.rawValue, at: 40)
    batch.store(ceiling.rawValue, at: 48)
    batch.store(payloadByteCount, at: 56)
    batch.store(recordCount, at: 60)
    batch.store(previousChecksum, at: 64)
    let checksum = Self.checksum(of: batch.view, payloadByteCount: Int(payloadByteCount))
    batch.store(checksum, at: 68)
    batch.zero(end..<batch.count)
    return checksum
  }

  /// Over everything before the checksum and the payload behind it.
  package static func checksum(of batch: ByteView, payloadByteCount: Int) -> UInt32 {
    CRC32C.checksum(
      batch[byteCount..<byteCount + payloadByteCount],
      continuing: CRC32C.checksum(batch.prefix(68)))
  }

  /// The fields of what looks like a batch; nil when it does not. Proves nothing: see
  /// `BatchReading`.
  package init?(peeking block: ByteView) {
    guard block.count >= Self.byteCount, block.load(UInt32.self, at: 0) == Self.magic else {
      return nil
    }
    flags = BatchFlags(rawValue: block.load(UInt16.self, at: 4))
    salt = block.load(UInt64.self, at: 8)
    number = block.load(UInt64.self, at: 16)
    position = LogPosition(block.load(UInt64.self, at: 24))
    durablePosition = LogPosition(block.load(UInt64.self, at: 32))
    generation = Generation(block.load(UInt64.self, at: 40))
    ceiling = Timestamp(block.load(UInt64.self, at: 48))
    payloadByteCount = block.load(UInt32.self, at: 56)
    recordCount = block.load(UInt32.self, at: 60)
    previousChecksum = block.load(UInt32.self, at: 64)
    checksum = block.load(UInt32.self, at: 68)
  }
}
