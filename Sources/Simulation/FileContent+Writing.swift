internal import RawBytes

/// Writing: changes what programs see, and leaves to syncs what the medium holds.
extension FileContent {
  /// How many blocks a range still lacks.
  func blocksMissing(in range: Range<UInt64>) -> Int {
    var missing = 0
    FileContent.pieces(range) { index, range, _ in
      let wanted = FileContent.mask(range, unit: FileContent.blockByteCount)
      let present = index < chunks.count ? UInt32(chunks[index].blocks) : 0
      missing += (wanted & ~present).nonzeroBitCount
    }
    return missing
  }

  /// Writes and extends. `generator` picks which contents of rewritten sectors may surface.
  mutating func write(
    _ bytes: ByteView, at offset: UInt64, _ generator: inout SeededGenerator
  ) {
    guard !bytes.isEmpty else { return }
    let range = offset..<offset + UInt64(bytes.count)
    makeRoom(range.upperBound)
    FileContent.pieces(range) { index, range, place in
      keepPassing(index, range, &generator)
      occupy(index, range)
      memoryToChange(index, wholly: range.count == FileContent.chunkByteCount)
        .copy(bytes[place..<place + range.count], at: range.lowerBound)
      markDirty(index, range)
    }
    size = max(size, range.upperBound)
  }

  /// Gets blocks for a range and extends the file over it.
  mutating func allocate(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    makeRoom(range.upperBound)
    FileContent.pieces(range) { index, range, _ in
      occupy(index, range)
      markPending(index)
    }
    size = max(size, range.upperBound)
  }

  /// Extends the file without getting blocks.
  mutating func extend(to newSize: UInt64) {
    guard newSize > size else { return }
    makeRoom(newSize)
    size = newSize
  }

  /// Zeroes a range inside the file and gives its whole blocks back.
  mutating func punchHole(_ range: Range<UInt64>) { clear(range.clamped(to: 0..<size)) }

  mutating func truncate(to newSize: UInt64) {
    let end = UInt64(chunks.count * FileContent.chunkByteCount)
    if newSize < min(size, end) { clear(newSize..<end) }
    size = newSize
  }

  private mutating func clear(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    FileContent.pieces(range) { index, range, _ in
      guard index < chunks.count else { return }
      let chunk = chunks[index]
      guard chunk.memory != nil || chunk.blocks != 0 || durable[index].memory != nil else {
        return
      }
      if range.count == FileContent.chunkByteCount {
        chunks[index].memory = nil
      } else if chunk.memory != nil {
        memoryToChange(index, wholly: false).zero(range)
      }
      let unit = FileContent.blockByteCount
      let first = (range.lowerBound + unit - 1) / unit
      let last = range.upperBound / unit
      if first < last {
        let mask = UInt8(truncatingIfNeeded: FileContent.mask(first..<last, unit: 1))
        allocatedBlockCount -= (chunk.blocks & mask).nonzeroBitCount
        chunks[index].blocks &= ~mask
      }
      markDirty(index, range)
    }
  }

  /// Grows the tables so that they reach an offset.
  private mutating func makeRoom(_ end: UInt64) {
    let unit = FileContent.chunkByteCount
    let count = (Int(end) + unit - 1) / unit
    precondition(count < 1 << 24, "a simulated file of more than 256 GiB")
    guard count > chunks.count else { return }
    let added = count - chunks.count
    chunks.append(contentsOf: repeatElement(Chunk(), count: added))
    durable.append(contentsOf: repeatElement(DurableChunk(), count: added))
    previous.append(contentsOf: repeatElement(nil, count: added))
  }

  private mutating func occupy(_ index: Int, _ range: Range<Int>) {
    let wanted = UInt8(
      truncatingIfNeeded: FileContent.mask(range, unit: FileContent.blockByteCount))
    allocatedBlockCount += (wanted & ~chunks[index].blocks).nonzeroBitCount
    chunks[index].blocks |= wanted
  }

  /// The chunk's memory, alone in having it. Its old content is kept unless all is overwritten.
  private mutating func memoryToChange(_ index: Int, wholly: Bool) -> MutableByteView {
    if let memory = chunks[index].memory {
      if isKnownUniquelyReferenced(&chunks[index].memory) { return memory.bytes }
      chunks[index].memory = wholly ? FileContent.zeros() : FileContent.copy(of: memory)
    } else {
      chunks[index].memory = FileContent.zeros()
    }
    guard let memory = chunks[index].memory else { preconditionFailure() }
    return memory.bytes
  }

  static func zeros() -> AlignedMemory { AlignedMemory(byteCount: chunkByteCount, alignment: 64) }

  static func copy(of memory: AlignedMemory?) -> AlignedMemory {
    let copy = zeros()
    if let memory { copy.bytes.copy(memory.bytes.view) }
    return copy
  }

  private mutating func markDirty(_ index: Int, _ range: Range<Int>) {
    let mask = FileContent.mask(range, unit: FileContent.sectorByteCount)
    chunks[index].dirty |= mask
    chunks[index].lost &= ~mask
    markPending(index)
  }

  private mutating func markPending(_ index: Int) {
    guard !chunks[index].isPending else { return }
    chunks[index].isPending = true
    pending.append(index)
  }

  /// Before dirty sectors are overwritten, keeps one of their contents, with equal chances.
  private mutating func keepPassing(
    _ index: Int, _ range: Range<Int>, _ generator: inout SeededGenerator
  ) {
    let mask = FileContent.mask(range, unit: FileContent.sectorByteCount) & chunks[index].dirty
    guard mask != 0 else { return }
    for bit in 0..<FileContent.sectorsPerChunk where mask & (1 << UInt32(bit)) != 0 {
      let sector = index * FileContent.sectorsPerChunk + bit
      if passing[sector] == nil || generator.oneIn(2) {
        passing[sector] = currentSector(sector)
      }
    }
  }
}
