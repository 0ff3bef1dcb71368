internal import RawBytes

/// One change that a power cut may keep or lose, as `DiskImage.pendingChanges` lists them.
///
/// Recorded where `SimulatedDisk.recordsPendingChanges` asks for it: the image itself knows which
/// sectors are dirty, and not by which write.
package struct PendingChange: Sendable {
  enum Action: Sendable {
    /// Bytes at an offset; the file grows as far as they reach.
    case write(offset: UInt64, bytes: [UInt8])
    /// The file gets a size.
    case resize(UInt64)
    /// The file grows at least to a size: an allocation, or a write that was dropped.
    case extend(UInt64)
    /// Zeros, within the size.
    case clear(Range<UInt64>)
    case name(NameChange)
  }

  /// What survives of a change.
  package enum Fate: Sendable, Hashable, CaseIterable {
    case absent, whole
    /// Of a write of several sectors: the first half, the second half, every other sector
    /// beginning with the first or with the second, all but the first, all but the last; or the
    /// growth of the file alone.
    case head, tail, even, odd, withoutFirst, withoutLast, sizeOnly
  }

  let file: Int?
  var action: Action

  /// The fates besides `absent` and `whole` that make a difference.
  package func tornFates(sizeBefore: UInt64) -> [Fate] {
    guard case .write(let offset, let bytes) = action else { return [] }
    let sectors = Self.sectors(offset, bytes.count)
    var fates: [Fate] = []
    if sectors.count > 1 { fates += [.head, .tail] }
    if sectors.count > 2 { fates += [.even, .odd, .withoutFirst, .withoutLast] }
    if offset + UInt64(bytes.count) > sizeBefore { fates.append(.sizeOnly) }
    return fates
  }

  package var isWrite: Bool { if case .write = action { true } else { false } }

  package var isName: Bool { if case .name = action { true } else { false } }

  static func sectors(_ offset: UInt64, _ count: Int) -> Range<Int> {
    let unit = FileContent.sectorByteCount
    return Int(offset) / unit..<(Int(offset) + count + unit - 1) / unit
  }
}

extension PendingChange.Fate {
  /// Whether the sector with this index among so many survives.
  fileprivate func keeps(_ index: Int, of count: Int) -> Bool {
    switch self {
    case .absent, .sizeOnly: false
    case .whole: true
    case .head: index < count / 2
    case .tail: index >= count / 2
    case .even: index % 2 == 0
    case .odd: index % 2 == 1
    case .withoutFirst: index > 0
    case .withoutLast: index < count - 1
    }
  }
}

extension FileContent {
  /// Makes a change of a surviving file, as far as its fate lets it.
  mutating func undergo(_ action: PendingChange.Action, _ fate: PendingChange.Fate) {
    var chance = SeededGenerator(seed: 0)
    switch action {
    case .write(let offset, let bytes) where fate == .whole:
      bytes.withByteView { write($0, at: offset, &chance) }
    case .write(let offset, let bytes):
      let sectors = PendingChange.sectors(offset, bytes.count)
      let unit = FileContent.sectorByteCount
      for sector in sectors where fate.keeps(sector - sectors.lowerBound, of: sectors.count) {
        let part = (sector * unit..<(sector + 1) * unit)
          .clamped(to: Int(offset)..<Int(offset) + bytes.count)
        bytes.withByteView { view in
          write(
            view[part.lowerBound - Int(offset)..<part.upperBound - Int(offset)],
            at: UInt64(part.lowerBound), &chance)
        }
      }
      extend(to: offset + UInt64(bytes.count))
    case .resize(let size): truncate(to: size)
    case .extend(let size): extend(to: size)
    case .clear(let range): punchHole(range)
    case .name: break
    }
  }
}

extension PendingChange {
  /// What is left to lose of these changes when a range of a file has become durable.
  static func remaining(
    _ changes: [PendingChange], after file: Int, _ range: Range<UInt64>
  ) -> [PendingChange] {
    changes.flatMap { change -> [PendingChange] in
      guard change.file == file else { return [change] }
      switch change.action {
      case .write(let offset, let bytes):
        let end = offset + UInt64(bytes.count)
        guard range.overlaps(offset..<end) else { return [change] }
        return [offset..<max(offset, range.lowerBound), min(end, range.upperBound)..<end]
          .filter { !$0.isEmpty }
          .map { part in
            let kept = bytes[Int(part.lowerBound - offset)..<Int(part.upperBound - offset)]
            return PendingChange(
              file: file, action: .write(offset: part.lowerBound, bytes: Array(kept)))
          }
      case .resize, .extend: return []
      case .clear(let hole):
        guard range.overlaps(hole) else { return [change] }
        return [
          hole.lowerBound..<max(hole.lowerBound, range.lowerBound),
          min(hole.upperBound, range.upperBound)..<hole.upperBound,
        ]
        .filter { !$0.isEmpty }.map { PendingChange(file: file, action: .clear($0)) }
      case .name: return [change]
      }
    }
  }
}
