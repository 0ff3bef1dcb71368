internal import RawBytes

/// What reaches the medium, and what a power cut leaves of the rest.
extension FileContent {
  var hasUnsynced: Bool { !pending.isEmpty || size != durableSize }

  /// Makes everything dirty durable.
  mutating func settleAll() {
    for index in pending {
      chunks[index].isPending = false
      settle(index, .max)
    }
    pending.removeAll(keepingCapacity: true)
    passing.removeAll()
    durableSize = size
  }

  /// Makes one range durable, and the size: what a data-synchronous write does.
  mutating func settle(_ range: Range<UInt64>) {
    FileContent.pieces(range) { index, range, _ in
      let mask = FileContent.mask(range, unit: FileContent.sectorByteCount)
      settle(index, mask)
      forgetPassing(index, mask)
      if chunks[index].dirty == 0, chunks[index].isPending {
        chunks[index].isPending = false
        if pending.last == index {
          pending.removeLast()
        } else {
          pending.removeAll { $0 == index }
        }
      }
    }
    durableSize = size
  }

  /// Makes the size durable, and no bytes.
  mutating func settleSize() { durableSize = size }

  /// A sync failed: what was dirty counts as clean from now on and is not on the medium (F1).
  mutating func loseDirty() {
    for index in pending {
      chunks[index].isPending = false
      chunks[index].lost |= chunks[index].dirty
      chunks[index].dirty = 0
    }
    pending.removeAll(keepingCapacity: true)
    passing.removeAll()
  }

  /// A data-synchronous write failed: the same for its range.
  mutating func loseDirty(_ range: Range<UInt64>) {
    FileContent.pieces(range) { index, range, _ in
      guard index < chunks.count else { return }
      let mask = FileContent.mask(range, unit: FileContent.sectorByteCount)
      chunks[index].lost |= chunks[index].dirty & mask
      chunks[index].dirty &= ~mask
      forgetPassing(index, mask)
    }
  }

  /// The file after a power cut: whole again, nothing pending.
  func afterPowerCut(_ model: LossModel, _ generator: inout SeededGenerator) -> FileContent {
    var survivor = self
    survivor.handleCount = 0
    let survivalShare = [32, 128, 224][generator.below(3)]
    for index in chunks.indices where chunks[index].isPending || chunks[index].lost != 0 {
      let chunk = chunks[index]
      var kept: UInt32 = 0
      var surfaced: [Int] = []
      switch model {
      case .keepAll: kept = chunk.dirty
      case .loseAll: break
      case .random:
        for bit in 0..<FileContent.sectorsPerChunk where chunk.dirty & (1 << UInt32(bit)) != 0 {
          let sector = index * FileContent.sectorsPerChunk + bit
          if generator.chance(outOf256: survivalShare) {
            kept |= 1 << UInt32(bit)
          } else if passing[sector] != nil, generator.oneIn(2) {
            surfaced.append(sector)
          }
        }
      }
      survivor.merge(index, kept, surfaced, passing)
      survivor.chunks[index].memory = survivor.durable[index].memory
      let blocks = blocksAfterPowerCut(index, model)
      survivor.allocatedBlockCount +=
        blocks.nonzeroBitCount - survivor.chunks[index].blocks.nonzeroBitCount
      survivor.chunks[index].blocks = blocks
      survivor.durable[index].blocks = blocks
      survivor.chunks[index].dirty = 0
      survivor.chunks[index].lost = 0
      survivor.chunks[index].isPending = false
    }
    survivor.pending = []
    survivor.passing = [:]
    survivor.size = max(size, durableSize)
    survivor.truncate(to: sizeAfterPowerCut(model, &generator))
    survivor.settleAll()
    return survivor
  }

  private func blocksAfterPowerCut(_ index: Int, _ model: LossModel) -> UInt8 {
    switch model {
    case .keepAll: chunks[index].blocks
    case .loseAll: durable[index].blocks
    case .random: chunks[index].blocks | durable[index].blocks
    }
  }

  private func sizeAfterPowerCut(
    _ model: LossModel, _ generator: inout SeededGenerator
  ) -> UInt64 {
    guard size != durableSize else { return size }
    switch model {
    case .keepAll: return size
    case .loseAll: return durableSize
    case .random:
      switch generator.below(3) {
      case 0: return size
      case 1: return durableSize
      default:
        let unit = UInt64(FileContent.sectorByteCount)
        let low = min(size, durableSize)
        let sectors = (max(size, durableSize) - low) / unit
        return low / unit * unit + UInt64(generator.below(Int(sectors) + 1)) * unit
      }
    }
  }

  private mutating func settle(_ index: Int, _ mask: UInt32) {
    merge(index, chunks[index].dirty & mask, [], [:])
    chunks[index].dirty &= ~mask
    durable[index].blocks = chunks[index].blocks
  }

  /// Takes sectors of the current chunk, and contents in passing, over into the durable one.
  private mutating func merge(
    _ index: Int, _ sectors: UInt32, _ surfaced: [Int], _ passing: [Int: [UInt8]]
  ) {
    guard sectors != 0 || !surfaced.isEmpty else { return }
    let old = durable[index].memory
    if chunks[index].dirty & ~sectors == 0, chunks[index].lost == 0, surfaced.isEmpty {
      durable[index].memory = chunks[index].memory
    } else {
      let unit = FileContent.sectorByteCount
      let merged = FileContent.copy(of: old)
      for bit in 0..<FileContent.sectorsPerChunk where sectors & (1 << UInt32(bit)) != 0 {
        let range = bit * unit..<(bit + 1) * unit
        merged.bytes[range].fill(chunks[index].memory, from: range)
      }
      for sector in surfaced {
        let start = sector % FileContent.sectorsPerChunk * unit
        passing[sector]?.withByteView { merged.bytes.copy($0, at: start) }
      }
      durable[index].memory = merged
    }
    if old !== durable[index].memory { previous[index] = old }
  }

  private mutating func forgetPassing(_ index: Int, _ mask: UInt32) {
    guard !passing.isEmpty else { return }
    for bit in 0..<FileContent.sectorsPerChunk where mask & (1 << UInt32(bit)) != 0 {
      passing[index * FileContent.sectorsPerChunk + bit] = nil
    }
  }
}
