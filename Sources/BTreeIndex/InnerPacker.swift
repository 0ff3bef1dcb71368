import Paging
import Primitives
import RawBytes

/// An inner node being packed with the children that the level below hands up, in order.
///
/// A node is made when its successor is certain: a separator that no longer fits behind the others
/// shows that the node can end before the last one, which then moves up as the fence between the
/// two.
///
/// - Invariant IP1: without its last separator, and with that as its upper fence, what is here fits
///   in a node.
final class InnerPacker {
  private struct Item {
    /// Where the separator ends in `bytes`; it begins where the one before ends.
    let end: Int
    let child: PageID
  }

  /// What a finished node is: which keys it begins at, and where it lies.
  struct Finished {
    let lowerFence: [UInt8]
    let id: PageID
  }

  private let level: Int
  private let pages: PageBuild
  private var lowerFence: [UInt8] = []
  private var firstChild: PageID
  private var bytes: [UInt8] = []
  private var items: [Item] = []

  init(level: Int, firstChild: PageID, pages: PageBuild) {
    self.level = level
    self.firstChild = firstChild
    self.pages = pages
  }

  /// Adds a child and the separator left of it.
  ///
  /// - Returns: the node that this child no longer fitted in, if that is so.
  func append(_ separator: [UInt8], _ child: PageID) throws(TreeError) -> Finished? {
    var finished: Finished?
    if !fits(0..<items.count, before: separator) { finished = try split(at: items.count - 1) }
    bytes += separator
    items.append(Item(end: bytes.count, child: child))
    return finished
  }

  /// The node before the last of the level, when what is left is too much for one node without an
  /// upper fence, and so without a prefix.
  func finishExcess() throws(TreeError) -> Finished? {
    if fits(0..<items.count, before: nil) { return nil }
    let lowest = items.indices.first { index in
      size(index + 1..<items.count, lowerCount: separator(index).count, before: nil)
        <= pages.pageSize
    }
    guard let lowest else { preconditionFailure("a node has room for a separator") }
    return try split(at: lowest)
  }

  /// The last node of the level.
  func finish() throws(TreeError) -> Finished { try write(0..<items.count, before: nil) }

  /// Makes a node of what is before a separator, which becomes the fence.
  private func split(at index: Int) throws(TreeError) -> Finished {
    let fence = separator(index)
    let finished = try write(0..<index, before: fence)
    lowerFence = fence
    firstChild = items[index].child
    let end = items[index].end
    bytes.removeFirst(end)
    items = items[(index + 1)...].map { Item(end: $0.end - end, child: $0.child) }
    return finished
  }

  private func separator(_ index: Int) -> [UInt8] {
    Array(bytes[(index == 0 ? 0 : items[index - 1].end)..<items[index].end])
  }

  private func fits(_ range: Range<Int>, before upper: [UInt8]?) -> Bool {
    size(range, lowerCount: lowerFence.count, before: upper) <= pages.pageSize
  }

  private func size(_ range: Range<Int>, lowerCount: Int, before upper: [UInt8]?) -> Int {
    let fixed = NodeLayout.slotByteCount + NodeLayout.innerEntryHeaderByteCount - prefixCount(upper)
    let start = range.lowerBound == 0 ? 0 : items[range.lowerBound - 1].end
    let end = range.isEmpty ? start : items[range.upperBound - 1].end
    return NodeLayout.headerByteCount + lowerCount + (upper?.count ?? 0) + end - start
      + fixed * range.count
  }

  private func prefixCount(_ upper: [UInt8]?) -> Int {
    guard let upper else { return 0 }
    return lowerFence.withByteView { lower in upper.withByteView { lower.commonPrefixCount($0) } }
  }

  private func write(
    _ range: Range<Int>, before upper: [UInt8]?
  ) throws(TreeError) -> Finished {
    let page = try pages.newPage()
    let node = MutableNode(page.bytes)
    lowerFence.withByteView { lower in
      if let upper {
        upper.withByteView { node.format(level: level, lowerFence: lower, upperFence: $0) }
      } else {
        node.format(level: level, lowerFence: lower, upperFence: nil)
      }
    }
    node.setFirstChild(firstChild)
    let prefixCount = node.view.prefixCount
    for index in range {
      separator(index).withByteView { separator in
        node.insert(
          at: index, separatorSuffix: separator.dropFirst(prefixCount), child: items[index].child)
      }
    }
    return Finished(lowerFence: lowerFence, id: page.id)
  }
}

extension PageBuild {
  func newPage() throws(TreeError) -> (id: PageID, bytes: MutableByteView) {
    do { return try addPage() } catch { throw .paging(error) }
  }
}
