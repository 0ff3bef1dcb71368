package import Environment
package import Primitives
internal import RawBytes

/// What an examination of a page file that may not open has found out.
package struct PageFileExamination: Sendable {
  /// The superblock in force; nil when no copy is valid.
  package var superblock: Superblock?
  /// Images that were looked at.
  package var pageCount = 0
}

extension Pager {
  /// Reads a page file without opening it, and changes nothing: every copy of the superblocks, the
  /// map block by block, the root table and every image that is led to. Goes on behind each damage.
  ///
  /// - Parameter report: told each finding.
  /// - Throws: `.file` when the file cannot be read at all.
  package static func examine(
    path: String, effects: Effects, report: (CorruptionError) -> Void
  ) throws(PagingError) -> PageFileExamination {
    let file = try DataFile(path: path, creation: .never, files: effects.files)
    var examination = PageFileExamination()
    examination.superblock = try examineSuperblocks(file, report)
    guard let superblock = examination.superblock else { return examination }
    let reader = MapReader(
      file: file, superblock: superblock,
      blockCount: Place.blocks(for: Int(clamping: try file.size())))
    do throws(PagingError) { _ = try reader.readRootTable() } catch .corrupt(let finding) {
      report(finding.affecting("the whole database: where its trees begin"))
    }
    let buffer = AlignedMemory(byteCount: PageMapEntry.largestByteCount)
    let page = AlignedMemory(byteCount: superblock.pageSize)
    defer { withExtendedLifetime((buffer, page)) {} }
    try reader.forEachPage(report: report) { (id, entry) throws(PagingError) in
      examination.pageCount += 1
      do throws(PagingError) {
        let stored = buffer.bytes[0..<entry.place.byteCount]
        try file.read(into: stored, at: entry.place.byteOffset, "page \(id.rawValue)")
        do throws(CorruptionError) {
          try PageImage.decode(stored.view, entry: entry, id: id, into: page.bytes)
        } catch {
          throw .corrupt(error)
        }
      } catch .corrupt(let finding) {
        report(finding.affecting("what page \(id.rawValue) holds"))
      }
    }
    return examination
  }

  /// Judges all four copies; the newest valid one is in force.
  private static func examineSuperblocks(
    _ file: DataFile, _ report: (CorruptionError) -> Void
  ) throws(PagingError) -> Superblock? {
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    var readings: [Superblock.Reading] = []
    for number in 0..<FreeSpace.reservedBlockCount {
      do throws(PagingError) {
        let offset = UInt64(number * Place.blockByteCount)
        try file.read(into: block.bytes, at: offset, isDirect: true, "superblock")
        readings.append(Superblock.read(block.bytes.view))
      } catch .corrupt {
        readings.append(.damaged("the end of the file"))
      }
    }
    guard case .inForce(let superblock, let slot) = Superblock.choose(readings) else {
      for (number, reading) in readings.enumerated() {
        report(
          CorruptionError(
            location: "superblock in block \(number)", expected: "a valid one",
            found: reading.summary, affects: "the whole database"))
      }
      return nil
    }
    for (number, reading) in readings.enumerated() {
      let isOfSlotInForce = number % 2 == slot
      if case .valid = reading { continue }
      if case .foreign = reading, !isOfSlotInForce { continue }
      report(
        CorruptionError(
          location: "superblock in block \(number)", expected: "a valid one",
          found: reading.summary,
          affects: isOfSlotInForce
            ? "no data while the other copy is whole" : "maybe the newest checkpoint"))
    }
    return superblock
  }
}

extension MapReader {
  /// Visits every page entry that can be reached, and goes on behind damaged blocks.
  func forEachPage(
    report: (CorruptionError) -> Void,
    _ body: (PageID, PageMapEntry) throws(PagingError) -> Void
  ) throws(PagingError) {
    var blocks = rootEntry.map { [(index: 0, entry: $0)] } ?? []
    for level in (0..<depth).reversed() {
      var below: [(index: Int, entry: PageMapEntry)] = []
      for (index, block) in blocks {
        do throws(PagingError) {
          try checkBlock(block, index: index, level: level)
        } catch .corrupt(let finding) {
          report(finding.affecting(PageMap.pageRange(ofBlock: index, level: level)))
          continue
        }
        for slot in 0..<PageMap.entriesPerBlock {
          let entry = checkedEntry(slot)
          if entry.isAbsent { continue }
          let target = index * PageMap.entriesPerBlock + slot
          do throws(PagingError) {
            try judge(entry, "entry \(target) of level \(level)", isInner: level > 0)
            guard level > 0 || target > 0 && target <= UInt32.max else {
              throw .corrupt(
                CorruptionError(
                  location: "page map, block \(index)", expected: "page ids from 1",
                  found: "page \(target)"))
            }
            below.append((target, entry))
          } catch .corrupt(let finding) {
            report(finding.affecting(PageMap.pageRange(ofBlock: target, level: level - 1)))
          }
        }
      }
      blocks = below
    }
    for (index, entry) in blocks { try body(PageID(UInt32(index)), entry) }
  }
}
