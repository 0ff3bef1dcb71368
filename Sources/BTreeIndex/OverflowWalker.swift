import Paging
import Primitives
import RawBytes

/// Finds the data pages of a large value through its index pages, of which it keeps a copy of the
/// last one on each level: reading in order looks each index page up once.
///
/// The depth is what the root page says, not what the length says: a value that is being freed
/// from its end keeps its root.
struct OverflowWalker {
  private let reference: OverflowReference
  private let pager: Pager
  private let layout: OverflowLayout
  /// Per level, from 1: the page copied last and its children.
  private var copies: [(id: PageID, children: [UInt32])] = []
  /// Unknown before the root was looked at.
  private var rootLevel = -1

  init(_ reference: OverflowReference, pager: Pager) {
    self.reference = reference
    self.pager = pager
    layout = OverflowLayout(pageSize: pager.pageSize)
  }

  var dataPageCount: Int { layout.dataPageCount(reference.byteCount) }

  func byteCount(ofDataPage ordinal: Int) -> Int {
    Int(
      min(
        UInt64(layout.dataByteCount),
        reference.byteCount - UInt64(ordinal) * UInt64(layout.dataByteCount)))
  }

  /// The id of a data page.
  mutating func dataPage(_ ordinal: Int) throws(TreeError) -> PageID {
    let levels = try knownRootLevel()
    var id = reference.root
    var level = levels
    while level > 0 {
      try load(id, level: level)
      let span = layout.span(ofChildAt: level)
      id = try child(ordinal / span % layout.fanout, level: level)
      level -= 1
    }
    return id
  }

  /// Names the pages that only data pages from `first` on need: data pages in order with their
  /// ordinal, each index page after its children, with ordinal -1.
  mutating func forEachPage(
    from first: Int, _ body: (PageID, Int) throws(TreeError) -> Void
  ) throws(TreeError) {
    let levels = try knownRootLevel()
    try visit(reference.root, level: levels, start: 0, from: first, body)
  }

  private mutating func visit(
    _ id: PageID, level: Int, start: Int, from first: Int,
    _ body: (PageID, Int) throws(TreeError) -> Void
  ) throws(TreeError) {
    if level == 0 {
      try body(id, start)
      return
    }
    let span = layout.span(ofChildAt: level)
    let end = min(dataPageCount, start + span * layout.fanout)
    var index = max(0, (first - start) / span)
    while start + index * span < end {
      // Loaded again after each child: a level's copy is of one page at a time.
      try load(id, level: level)
      let childID = try child(index, level: level)
      try visit(childID, level: level - 1, start: start + index * span, from: first, body)
      index += 1
    }
    if start >= first { try body(id, -1) }
  }

  private func child(_ index: Int, level: Int) throws(TreeError) -> PageID {
    let copy = copies[level - 1]
    guard index < copy.children.count, copy.children[index] != 0 else {
      throw .corrupt(
        OverflowLayout.corruption(
          copy.id, "more than \(index) page ids", "\(copy.children.count)"))
    }
    return PageID(copy.children[index])
  }

  private mutating func knownRootLevel() throws(TreeError) -> Int {
    if rootLevel >= 0 { return rootLevel }
    while true {
      let page = try pager.read(reference.root)
      guard let reading = try NodeReading(page, pager) else { continue }
      let bytes = reading.bytes
      let kind = bytes[0]
      let level = bytes.load(UInt32.self, at: OverflowLayout.ordinalOrLevel)
      guard pager.isValid(page) else { continue }
      if kind == PageKind.overflowData.rawValue, dataPageCount == 1 {
        rootLevel = 0
      } else if kind == PageKind.overflowIndex.rawValue, level >= 1,
        level <= OverflowLayout.maximumLevel,
        layout.indexLevels(dataPageCount: dataPageCount) <= Int(level)
      {
        rootLevel = Int(level)
      } else {
        throw .corrupt(
          OverflowLayout.corruption(
            reference.root, "the root of a value of \(reference.byteCount) bytes",
            "kind \(kind), level \(level)"))
      }
      while copies.count < rootLevel { copies.append((.none, [])) }
      return rootLevel
    }
  }

  /// Makes `copies[level - 1]` a copy of an index page.
  private mutating func load(_ id: PageID, level: Int) throws(TreeError) {
    if copies[level - 1].id == id { return }
    copies[level - 1].id = .none
    while true {
      let page = try pager.read(id)
      guard let reading = try NodeReading(page, pager) else { continue }
      let bytes = reading.bytes
      let isRight =
        bytes[0] == PageKind.overflowIndex.rawValue
        && bytes.load(UInt32.self, at: OverflowLayout.ordinalOrLevel) == UInt32(level)
      let count = min(Int(bytes.load(UInt32.self, at: OverflowLayout.count)), layout.fanout)
      copies[level - 1].children.removeAll(keepingCapacity: true)
      for index in 0..<count {
        copies[level - 1].children.append(
          bytes.load(UInt32.self, at: OverflowLayout.headerByteCount + 4 * index))
      }
      guard pager.isValid(page) else { continue }
      guard isRight else {
        throw .corrupt(
          OverflowLayout.corruption(id, "an index page at level \(level)", "something else"))
      }
      copies[level - 1].id = id
      return
    }
  }
}
