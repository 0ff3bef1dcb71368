import Martlet
import Paging
import Primitives
import RawBytes
import RedoLog
import VersionStore

extension FuzzTarget {
  /// The small structures, each by itself; the first byte says which.
  package static let codec = FuzzTarget(
    "codec",
    summary:
      "a log record, batch, write batch, continuation, catalog entry, root table, owner state, "
      + "superblock, map entry, key tuple or record",
    maximumByteCount: 4352, seeds: CodecSeeds.all
  ) { input in
    guard let choice = input.isEmpty ? nil : input[0] else { return }
    let bytes = input.dropFirst(1)
    switch Codec(rawValue: choice % UInt8(Codec.allCases.count)) {
    case .record: tryRecords(bytes)
    case .batch: tryBatch(bytes)
    case .writeBatch: tryWriteBatch(bytes)
    case .continuation: tryContinuation(bytes)
    case .catalogEntry: tryCatalogEntry(bytes)
    case .rootTable: tryRootTable(bytes)
    case .ownerState: tryOwnerState(bytes)
    case .superblock: trySuperblock(bytes)
    case .mapEntry: tryMapEntry(bytes)
    case .segmentHeader: trySegmentHeader(bytes)
    case .keyTuple: tryKeyTuple(bytes)
    case .codedRecord: tryCodedRecord(bytes)
    case nil: return
    }
  }
}

/// Which structure the first byte of an input names.
enum Codec: UInt8, CaseIterable {
  case record, batch, writeBatch, continuation, catalogEntry, rootTable, ownerState, superblock
  case mapEntry, segmentHeader, keyTuple, codedRecord
}

private func tryRecords(_ bytes: ByteView) {
  // Count and position of the header, then the payload.
  guard bytes.count >= 12 else { return }
  let payload = bytes.dropFirst(12)
  let header = BatchHeader(
    salt: 1, number: 1, position: LogPosition(bytes.load(UInt64.self, at: 4)),
    durablePosition: .zero, generation: Generation(1), ceiling: .zero,
    payloadByteCount: UInt32(payload.count), recordCount: bytes.load(UInt32.self, at: 0),
    previousChecksum: 0)
  var total = 0
  var copy = AlignedMemory(byteCount: payload.count + LogRecord.headerByteCount)
  do {
    try LogRecord.forEach(in: payload, of: header, location: "fuzz") { record in
      // What was decoded encodes to the bytes it came from.
      let end = total + LogRecord.headerByteCount + record.payload.count
      require(end <= payload.count, "records longer than their batch")
      LogRecord.encode(
        record.kind, transaction: record.transaction, timestamp: record.timestamp,
        entryCount: record.entryCount, payload: record.payload, into: copy.bytes, at: total)
      require(
        copy.bytes.view[total..<end] == payload[total..<end], "a record that encodes otherwise")
      total = end
    }
    require(total == payload.count, "a batch whose records do not fill it")
  } catch is LogError {
  } catch {
    violated("an untyped error of records: \(error)")
  }
  copy = AlignedMemory(byteCount: 1)
}

private func tryBatch(_ bytes: ByteView) {
  let stored = (bytes.count + 4095) / 4096 * 4096
  let memory = AlignedMemory(byteCount: max(stored, 4096))
  defer { withExtendedLifetime(memory) {} }
  memory.bytes.copy(bytes)
  guard let peeked = BatchHeader(peeking: memory.bytes.view) else { return }
  for salt in [peeked.salt, 0] {
    do {
      let header = try BatchReading.header(
        of: memory.bytes.view, salt: salt, room: memory.bytes.count)
      let batch = memory.bytes[0..<header.storedByteCount]
      do { try BatchReading.check(batch.view, header) } catch {
        // Sealed anew it is sound, unless its flags are not.
        let checksum = header.seal(batch)
        guard var again = BatchHeader(peeking: batch.view) else { violated("a seal without magic") }
        require(again.checksum == checksum, "a seal with another checksum")
        again.checksum = header.checksum
        require(again == header, "a header that encodes otherwise")
        guard let sealed = BatchHeader(peeking: batch.view) else { continue }
        do { try BatchReading.check(batch.view, sealed) } catch {
          require(error == .form, "a sealed batch that is not sound: \(error)")
        }
      }
    } catch {
      require(error != .checksum, "a header judged by a checksum")
    }
  }
}

private func tryWriteBatch(_ bytes: ByteView) {
  do {
    let batch = try WriteBatch(validating: bytes)
    var builder = WriteBatchBuilder()
    var entries = batch.makeIterator()
    while let entry = entries.next() { builder.append(entry) }
    let again = builder.finish()
    require(again.entryCount == batch.entryCount && again.bytes == bytes, "WB2: another encoding")
  } catch {
    require(!error.location.isEmpty, "corruption without a place")
  }
}

private func tryContinuation(_ bytes: ByteView) {
  guard let piece = try? Continuation(decoding: bytes) else { return }
  require(
    piece.offset + UInt64(piece.piece.count) <= piece.byteCount, "a piece beyond its value's end")
  var buffer = ByteBuffer()
  Continuation.encode(
    ordinal: piece.ordinal, byteCount: piece.byteCount, offset: piece.offset, piece: piece.piece,
    into: &buffer)
  guard let again = try? Continuation(decoding: buffer.view) else {
    violated("a continuation that does not decode again")
  }
  require(
    again.ordinal == piece.ordinal && again.byteCount == piece.byteCount
      && again.offset == piece.offset && again.piece == piece.piece,
    "a continuation that encodes otherwise")
}

private func tryCatalogEntry(_ bytes: ByteView) {
  if let id = CatalogEntry.id(fromKey: bytes) {
    require(CatalogEntry.key(of: id) == bytes.array, "a catalog key that encodes otherwise")
  }
  guard let entry = try? CatalogEntry(decoding: bytes) else { return }
  let again = try? entry.encoded.withByteView { (view) throws(CorruptionError) in
    try CatalogEntry(decoding: view)
  }
  require(again == entry, "a catalog entry that encodes otherwise")
}

private func tryRootTable(_ bytes: ByteView) {
  guard let table = try? RootTable(decoding: bytes) else { return }
  require(table.roots.first?.keyspace == .catalog, "RT2: no catalog")
  require(
    zip(table.roots, table.roots.dropFirst()).allSatisfy { $0.keyspace < $1.keyspace },
    "RT1: roots that do not ascend")
  let again = try? table.encoded.withByteView { (view) throws(CorruptionError) in
    try RootTable(decoding: view)
  }
  require(again == table, "a root table that encodes otherwise")
}

private func tryOwnerState(_ bytes: ByteView) {
  guard let state = try? OwnerState(decoding: bytes.array) else { return }
  require(state.replayFrom <= state.applied, "replay that begins behind what is applied")
  require(
    bytes.array.prefix(OwnerState.byteCount).elementsEqual(state.encoded),
    "an owner state that encodes otherwise")
}

private func trySuperblock(_ bytes: ByteView) {
  let memory = AlignedMemory(byteCount: Superblock.byteCount)
  defer { withExtendedLifetime(memory) {} }
  memory.bytes.copy(bytes.prefix(min(bytes.count, Superblock.byteCount)))
  Checksums.sealSuperblock(memory.bytes)
  let reading = Superblock.read(memory.bytes.view)
  if case .valid(let superblock) = reading {
    let again = AlignedMemory(byteCount: Superblock.byteCount)
    superblock.encode(into: again.bytes)
    require(
      Superblock.read(again.bytes.view) == .valid(superblock), "a superblock that encodes otherwise"
    )
    withExtendedLifetime(again) {}
  }
  let choice = Superblock.choose([.foreign, reading, .damaged("torn"), reading])
  if case .valid(let superblock) = reading {
    require(choice == .inForce(superblock, slot: 1), "a valid superblock that is not chosen")
  }
}

private func tryMapEntry(_ bytes: ByteView) {
  guard bytes.count >= 32 else { return }
  let entry = PageMapEntry(bytes, at: 0)
  let blockCount = Int(bytes.load(UInt32.self, at: 16))
  let generation = Generation(UInt64(bytes.load(UInt32.self, at: 20)))
  guard !entry.isAbsent, entry.problem(blockCount: blockCount, generation: generation) == nil
  else { return }
  require(entry.place.blocks.upperBound <= blockCount, "a place beyond the file")
  let again = PageMapEntry(
    place: entry.place, flags: entry.flags, checksum: entry.checksum, birth: entry.birth)
  require(again == entry, "a map entry that encodes otherwise")
}

private func trySegmentHeader(_ bytes: ByteView) {
  let block = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
  defer { withExtendedLifetime(block) {} }
  block.bytes.copy(bytes.prefix(min(bytes.count, SegmentHeader.byteCount)))
  Checksums.sealSegmentHeader(block.bytes)
  guard let header = try? SegmentHeader(decoding: block.bytes.view, path: "fuzz") else { return }
  let again = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
  header.encode(into: again.bytes)
  require(
    (try? SegmentHeader(decoding: again.bytes.view, path: "fuzz")) == header,
    "a segment header that encodes otherwise")
  withExtendedLifetime(again) {}
}
