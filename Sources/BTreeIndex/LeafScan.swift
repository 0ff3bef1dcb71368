import Paging
internal import Primitives
internal import RawBytes

/// What a cursor that walks on from leaf to leaf asks of the pager before it reads.
///
/// A short walk asks nothing. One that goes on looks at the inner node above its leaf, which names the
/// next ones: those that are not in memory are fetched ahead, more of them each time, and are
/// read in as pages that may leave first. While all of them are in memory it looks again only
/// after it has walked past them, so that a scan in memory pays for one descent in many leaves.
struct LeafScan: ~Copyable {
  private var isForward = true
  /// Leaves to load before the next look.
  private var restCount = LeafScan.patience
  /// Leaves to look ahead.
  private var width = LeafScan.firstWidth
  /// Leaves ahead of the cursor that have been asked for.
  private var aheadCount = 0
  private var window = ScanWindow()
  /// The leaf that is about to be loaded, if nobody but scans uses it.
  private var coldLeaf: PageID?

  private static let patience = 3
  private static let firstWidth = 4
  private static let greatestWidth = 32

  /// The cursor goes somewhere else.
  mutating func restart() {
    restCount = Self.patience
    width = Self.firstWidth
    aheadCount = 0
    coldLeaf = nil
  }

  /// Before the leaf for a key is loaded, which the cursor reached by walking. Hold no latch.
  @inline(__always)
  mutating func willLoad(_ key: ByteView, isForward: Bool, _ tree: Tree) throws(TreeError) {
    if isForward != self.isForward {
      restart()
      self.isForward = isForward
    }
    restCount -= 1
    if restCount <= 0 { try look(from: key, tree) }
  }

  /// After it was loaded.
  @inline(__always)
  mutating func didLoad(_ tree: Tree) {
    guard let coldLeaf else { return }
    tree.pager.cool(coldLeaf)
    self.coldLeaf = nil
  }

  @inline(never)
  private mutating func look(from key: ByteView, _ tree: Tree) throws(TreeError) {
    restCount = 1
    let leaves = try tree.pager.leaves(
      from: tree.root, at: key, isForward ? .covering : .before, isForward: isForward,
      limit: width + 1)
    guard let leaf = leaves.first else { return }
    aheadCount = max(aheadCount - 1, 0)
    var isAllInMemory = false
    if aheadCount <= width / 2 {
      isAllInMemory = tree.pager.readAhead(leaves.dropFirst(1 + aheadCount)) == 0
      aheadCount = leaves.count - 1
      width = min(2 * width, Self.greatestWidth)
    }
    let isCold: Bool
    do throws(PagingError) {
      isCold = try tree.pager.enter(leaf, &window)
    } catch {
      throw TreeError.paging(error)
    }
    if isCold {
      coldLeaf = leaf
    } else if isAllInMemory {
      restCount = leaves.count
      aheadCount = 0
    }
  }
}
