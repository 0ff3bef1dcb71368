internal import RawBytes

/// The bytes of one simulated file, as programs see them and as the medium holds them.
///
/// ```text
///   current   what reads through the page cache see
///   durable   what the medium holds for certain
///   previous  what the medium held before the last sync that changed it: for stale reads
///
///   a sector of 512 bytes is     dirty   written, not durable: a power cut decides its fate
///                                lost    written, and a failed sync marked it clean (rule F1)
///                                clean   the same in current and durable
/// ```
///
/// The three share chunks of 16 KiB and copy one when it is first written after it became shared.
/// So a sync costs what was written, and a copy of the file, as of a whole disk, costs almost
/// nothing.
///
/// - Invariant C1: a sector differs between current and durable only if it is dirty or lost.
/// - Invariant C2: a chunk is listed in `pending` exactly when it says `isPending`, and every
///   chunk with a dirty sector does.
/// - Invariant C3: bytes beyond the size are zero.
struct FileContent {
  static let sectorByteCount = 512
  static let chunkByteCount = 16384
  static let blockByteCount = 4096
  static let sectorsPerChunk = chunkByteCount / sectorByteCount

  struct Chunk {
    /// Nil: zeros.
    var memory: AlignedMemory?
    /// A bit for each of four blocks that has space on the disk.
    var blocks: UInt8 = 0
    var dirty: UInt32 = 0
    var lost: UInt32 = 0
    var isPending = false
  }

  struct DurableChunk {
    var memory: AlignedMemory?
    var blocks: UInt8 = 0
  }

  var size: UInt64 = 0
  var durableSize: UInt64 = 0
  var chunks: [Chunk] = []
  var durable: [DurableChunk] = []
  var previous: [AlignedMemory?] = []
  var pending: [Int] = []
  /// Of dirty sectors written more than once: one of the contents in between, which the system
  /// may have written back in passing.
  var passing: [Int: [UInt8]] = [:]
  var allocatedBlockCount = 0
  /// Open handles and names: who keeps the space in use.
  var handleCount = 0
  var linkCount = 0

  /// The parts of a byte range, chunk by chunk: index, range inside the chunk, place in the whole.
  static func pieces(
    _ range: Range<UInt64>, _ body: (_ index: Int, _ range: Range<Int>, _ place: Int) -> Void
  ) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let index = Int(offset) / chunkByteCount
      let start = UInt64(index * chunkByteCount)
      let end = min(range.upperBound, start + UInt64(chunkByteCount))
      body(index, Int(offset - start)..<Int(end - start), Int(offset - range.lowerBound))
      offset = end
    }
  }

  /// The bits of the units that a range inside a chunk touches.
  static func mask(_ range: Range<Int>, unit: Int) -> UInt32 {
    guard !range.isEmpty else { return 0 }
    let first = range.lowerBound / unit
    let last = (range.upperBound - 1) / unit
    return UInt32.max >> UInt32(31 - last) & UInt32.max << UInt32(first)
  }
}

/// Reading.
extension FileContent {
  /// Reads past the page cache where `isDirect`: lost sectors then show what the medium holds.
  func read(into bytes: MutableByteView, at offset: UInt64, isDirect: Bool) -> Int {
    guard offset < size else { return 0 }
    let count = Int(min(UInt64(bytes.count), size - offset))
    FileContent.pieces(offset..<offset + UInt64(count)) { index, range, place in
      let target = bytes[place..<place + range.count]
      guard index < chunks.count, let memory = chunks[index].memory else {
        return target.zero(0..<target.count)
      }
      target.copy(memory.bytes[range].view)
    }
    if isDirect { showLostSectors(in: bytes[0..<count], at: offset) }
    return count
  }

  private func showLostSectors(in bytes: MutableByteView, at offset: UInt64) {
    let unit = FileContent.sectorByteCount
    FileContent.pieces(offset..<offset + UInt64(bytes.count)) { index, range, place in
      guard index < chunks.count, chunks[index].lost != 0 else { return }
      for sector in 0..<FileContent.sectorsPerChunk
      where chunks[index].lost & (1 << UInt32(sector)) != 0 {
        let part = (sector * unit..<(sector + 1) * unit).clamped(to: range)
        guard !part.isEmpty else { continue }
        let start = place + part.lowerBound - range.lowerBound
        bytes[start..<start + part.count].fill(durable[index].memory, from: part)
      }
    }
  }

  /// Whether a range holds something else than these bytes; beyond the end there are zeros.
  func differs(from bytes: ByteView, at offset: UInt64) -> Bool {
    let present = AlignedMemory(byteCount: max(bytes.count, 1))
    _ = read(into: present.bytes[0..<bytes.count], at: offset, isDirect: false)
    return present.bytes[0..<bytes.count].view.array != bytes.array
  }

  /// A sector as it once was on the medium, if that differs from what it is now.
  func staleSector(_ sector: Int) -> [UInt8]? {
    let index = sector / FileContent.sectorsPerChunk
    guard index < previous.count else { return nil }
    let old = FileContent.sector(sector, of: previous[index])
    return old == currentSector(sector) ? nil : old
  }

  func currentSector(_ sector: Int) -> [UInt8] {
    let index = sector / FileContent.sectorsPerChunk
    return FileContent.sector(sector, of: index < chunks.count ? chunks[index].memory : nil)
  }

  private static func sector(_ sector: Int, of memory: AlignedMemory?) -> [UInt8] {
    let start = sector % sectorsPerChunk * sectorByteCount
    return memory?.bytes[start..<start + sectorByteCount].view.array
      ?? [UInt8](repeating: 0, count: sectorByteCount)
  }
}

extension MutableByteView {
  /// Fills the view with a range of a chunk.
  func fill(_ memory: AlignedMemory?, from range: Range<Int>) {
    if let memory { copy(memory.bytes[range].view) } else { zero(0..<count) }
  }
}
