internal import Environment
internal import Primitives
internal import RawBytes

/// Reads the batches of one segment, ahead in steps that grow while they are used up.
struct SegmentReader: ~Copyable {
  let segment: LogSegment
  private var memory: AlignedMemory
  private var window = 0..<0
  /// Where the file was seen to end, if it ends before the segment does.
  private var fileEnd: Int?

  private var step = 16384

  static let largestStep = 1 << 20

  init(_ segment: LogSegment) {
    self.segment = segment
    memory = AlignedMemory(byteCount: step)
  }

  /// A batch as it lies in the segment. `payload` is valid until the next read.
  struct Found {
    let header: BatchHeader
    let payload: ByteView
  }

  /// The batch at an offset, checked by itself.
  mutating func batch(at offset: Int) throws(LogError) -> Result<Found, BatchFault> {
    let room = segment.byteCount - offset
    guard room >= BatchHeader.blockByteCount else { return .failure(.length) }
    let block = try view(offset, BatchHeader.blockByteCount)
    let header: BatchHeader
    do {
      header = try BatchReading.header(of: block, salt: segment.salt, room: room)
    } catch {
      return .failure(error)
    }
    let batch = try view(offset, header.storedByteCount)
    do {
      try BatchReading.check(batch, header)
    } catch {
      return .failure(error)
    }
    let end = BatchHeader.byteCount + Int(header.payloadByteCount)
    return .success(Found(header: header, payload: batch[BatchHeader.byteCount..<end]))
  }

  /// The position that the segment's first batch claims to have; nil when there is none.
  mutating func claimedStart() throws(LogError) -> LogPosition? {
    let offset = SegmentHeader.blockByteCount
    let block = try view(offset, BatchHeader.blockByteCount)
    let room = segment.byteCount - offset
    return try? BatchReading.header(of: block, salt: segment.salt, room: room).position
  }

  /// Whether the segment's first batch is sound by itself.
  mutating func hasSoundStart() throws(LogError) -> Bool {
    if case .success = try batch(at: SegmentHeader.blockByteCount) { true } else { false }
  }

  /// The first sound batch at or behind an offset that satisfies a condition, and where it is.
  mutating func firstBatch(
    from offset: Int, where condition: (BatchHeader) -> Bool
  ) throws(LogError) -> (offset: Int, header: BatchHeader)? {
    var offset = offset
    while offset + BatchHeader.blockByteCount <= segment.byteCount {
      // A header may claim any size: behind the end of its file there is nothing to find.
      if let fileEnd, offset >= fileEnd { return nil }
      if case .success(let found) = try batch(at: offset), condition(found.header) {
        return (offset, found.header)
      }
      offset += BatchHeader.blockByteCount
    }
    return nil
  }

  private mutating func view(_ offset: Int, _ byteCount: Int) throws(LogError) -> ByteView {
    if offset < window.lowerBound || offset + byteCount > window.upperBound {
      try fill(offset, byteCount)
    }
    return memory.bytes[offset - window.lowerBound..<offset - window.lowerBound + byteCount].view
  }

  private mutating func fill(_ offset: Int, _ byteCount: Int) throws(LogError) {
    window = 0..<0
    let wanted = Swift.min(Swift.max(byteCount, step), segment.byteCount - offset)
    step = Swift.min(4 * step, Self.largestStep)
    if memory.count < wanted { memory = AlignedMemory(byteCount: wanted) }
    let target = memory.bytes[0..<wanted]
    let file = segment.file
    let count = try fileCall(segment.path) { () throws(FileError) -> Int in
      var count = 0
      while count < wanted {
        let step = try file.read(into: target[count..<wanted], at: UInt64(offset + count))
        if step == 0 {
          fileEnd = offset + count
          break
        }
        // A short read that ends inside a block is asked for again from the block's beginning.
        let rounded = step / BatchHeader.blockByteCount * BatchHeader.blockByteCount
        if rounded == 0 { break }
        count += rounded
      }
      return count
    }
    target.zero(count..<wanted)
    window = offset..<offset + wanted
  }
}
