package import Paging
import Primitives
package import RawBytes

/// Writes a large value into pages of its own as its bytes arrive, in bounded memory: one page of
/// bytes, and one page of ids a level.
///
/// The pages are volatile: no checkpoint holds them until `Overflow.publish`. No latch is held
/// between calls. Pages of a writer that goes unfinished are freed.
///
/// - Invariant V2: every page made so far is in exactly one place: in `pending` of the level
///   above it, or in an index page that is.
package struct OverflowWriter: ~Copyable {
  private let pager: Pager
  private let layout: OverflowLayout
  private let byteCount: UInt64
  private let levels: Int
  private var written: UInt64 = 0
  private var buffer: ByteBuffer
  private var ordinal: UInt32 = 0
  /// Per level, from 0: ids of finished pages that no index page holds yet.
  private var pending: [[PageID]]
  private var isFinished = false

  /// Begins a value of at least one byte.
  package init(pager: Pager, byteCount: UInt64) {
    precondition(byteCount > 0, "an empty value is not large")
    self.pager = pager
    self.byteCount = byteCount
    layout = OverflowLayout(pageSize: pager.pageSize)
    levels = layout.indexLevels(dataPageCount: layout.dataPageCount(byteCount))
    buffer = ByteBuffer(capacity: layout.dataByteCount)
    pending = Array(repeating: [], count: levels + 1)
  }

  deinit {
    guard !isFinished else { return }
    // What an index page that cannot be read leads to stays: volatile, it dies with the process.
    for (level, ids) in pending.enumerated() {
      for id in ids { Self.freeSubtree(id, level: level, pager, layout) }
    }
  }

  /// Adds bytes.
  ///
  /// - Throws: `TreeError.lengthMismatch` when that were more than announced; then nothing is
  ///   added. After another error the writer can only be dropped.
  package mutating func append(_ bytes: ByteView) throws(TreeError) {
    guard UInt64(bytes.count) <= byteCount - written else {
      throw .lengthMismatch(announced: byteCount, given: written + UInt64(bytes.count))
    }
    var rest = bytes
    while !rest.isEmpty {
      if buffer.count == 0, rest.count >= layout.dataByteCount {
        try writeDataPage(rest.prefix(layout.dataByteCount))
        rest = rest.dropFirst(layout.dataByteCount)
        continue
      }
      let count = min(layout.dataByteCount - buffer.count, rest.count)
      buffer.append(rest.prefix(count))
      rest = rest.dropFirst(count)
      if buffer.count == layout.dataByteCount { try flushBuffer() }
    }
    written += UInt64(bytes.count)
  }

  /// Ends the value.
  ///
  /// - Throws: `TreeError.lengthMismatch` when bytes are missing; the pages are freed.
  package consuming func finish() throws(TreeError) -> OverflowReference {
    guard written == byteCount else {
      throw .lengthMismatch(announced: byteCount, given: written)
    }
    if buffer.count > 0 { try flushBuffer() }
    for level in 0..<levels where !pending[level].isEmpty { try writeIndexPage(above: level) }
    isFinished = true
    return OverflowReference(byteCount: byteCount, root: pending[levels][0])
  }

  private mutating func flushBuffer() throws(TreeError) {
    try writeDataPage(buffer.view)
    buffer.removeAll()
  }

  private mutating func writeDataPage(_ bytes: ByteView) throws(TreeError) {
    var frames = try pager.reserveFrames(1)
    let page = pager.allocate(from: &frames, volatile: true)
    OverflowPages.format(
      page.bytes, kind: .overflowData, count: bytes.count, ordinalOrLevel: ordinal)
    page.bytes.copy(bytes, at: OverflowLayout.headerByteCount)
    ordinal += 1
    try add(page.id, level: 0)
  }

  private mutating func writeIndexPage(above level: Int) throws(TreeError) {
    var frames = try pager.reserveFrames(1)
    let page = pager.allocate(from: &frames, volatile: true)
    let ids = pending[level]
    OverflowPages.format(
      page.bytes, kind: .overflowIndex, count: ids.count, ordinalOrLevel: UInt32(level + 1))
    for (index, id) in ids.enumerated() {
      page.bytes.store(id.rawValue, at: OverflowLayout.headerByteCount + 4 * index)
    }
    pending[level].removeAll(keepingCapacity: true)
    try add(page.id, level: level + 1)
  }

  private mutating func add(_ id: PageID, level: Int) throws(TreeError) {
    pending[level].append(id)
    if level < levels, pending[level].count == layout.fanout { try writeIndexPage(above: level) }
  }

  private static func freeSubtree(
    _ id: PageID, level: Int, _ pager: Pager, _ layout: OverflowLayout
  ) {
    if level > 0 {
      let children = try? OverflowPages.children(of: id, pager)
      for child in children ?? [] { freeSubtree(child, level: level - 1, pager, layout) }
    }
    pager.free(id)
  }
}

/// Making and taking apart single overflow pages.
enum OverflowPages {
  static func format(
    _ bytes: MutableByteView, kind: PageKind, count: Int, ordinalOrLevel: UInt32
  ) {
    bytes[NodeLayout.kind] = kind.rawValue
    bytes.store(UInt32(count), at: OverflowLayout.count)
    bytes.store(ordinalOrLevel, at: OverflowLayout.ordinalOrLevel)
  }

  static func children(of id: PageID, _ pager: Pager) throws(TreeError) -> [PageID] {
    let layout = OverflowLayout(pageSize: pager.pageSize)
    do throws(PagingError) {
      let page = try pager.shared(id)
      guard page.bytes[NodeLayout.kind] == PageKind.overflowIndex.rawValue else { return [] }
      let count = min(
        Int(page.bytes.load(UInt32.self, at: OverflowLayout.count)), layout.fanout)
      return (0..<count).map {
        PageID(page.bytes.load(UInt32.self, at: OverflowLayout.headerByteCount + 4 * $0))
      }
    } catch {
      throw TreeError.paging(error)
    }
  }
}
