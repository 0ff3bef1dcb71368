package import Paging
package import Primitives
package import RawBytes

/// An ordered map from keys to entries in pages, used by any number of threads.
///
/// A B+tree whose nodes carry fence keys. Readers take no latch: they read a node, follow a child
/// and validate the node's version before they trust what they saw; when it changed they begin
/// again at the root (optimistic lock coupling: Leis et al., DaMoN 2016). The naive way, latching
/// each node on the path, makes every core write the root's cache line; keeping no fence keys
/// would need a parent's word for where a leaf ends, when merging, scanning or inserting in order.
///
/// What holds whenever no latch is held, and at every checkpoint:
///
/// - Invariant T1: the root's page id never changes. A full root moves its content into a new
///   child; an only child's content moves back up.
/// - Invariant T2: a child's fences are the separators around it in its parent, and its level is
///   one less. All leaves are at level 0.
/// - Invariant T3: separators and keys lie inside their node's fences, lower inclusive, upper
///   exclusive; the leftmost lower fence is empty, the rightmost upper fence is absent.
/// - Invariant T4: every page is referred to once, by one parent or one overflow reference.
///
/// How threads stay out of each other's way:
///
/// - Invariant T5: latches are taken parent before child and left before right. Where a thread
///   holds one, it takes another only if it need not wait for I/O, a frame or a lock.
/// - Invariant T6: frames for new pages are reserved while no latch is held.
/// - Invariant T7: a page is changed only after `Pager.willModify` under the same latch; whoever
///   captures a checkpoint keeps changes out meanwhile.
///
/// The versions of an entry are somebody else's: a tree holds the newest committed state of each
/// key, and tombstones for keys whose absence has a date.
package struct Tree: Sendable {
  package let pager: Pager
  package let root: PageID
  /// Where this tree counts its splits and merges.
  package let statistics: TreeStatistics?

  /// The tree that was created with this root.
  package init(pager: Pager, root: PageID, statistics: TreeStatistics? = nil) {
    self.pager = pager
    self.root = root
    self.statistics = statistics
  }

  /// Makes an empty tree of one page.
  package static func create(
    in pager: Pager, statistics: TreeStatistics? = nil
  ) throws(TreeError) -> Tree {
    var frames = try pager.reserveFrames(1)
    let page = pager.allocate(from: &frames)
    MutableNode(page.bytes).format(level: 0, lowerFence: .empty, upperFence: nil)
    return Tree(pager: pager, root: page.id, statistics: statistics)
  }

  /// Longer keys are refused.
  package static func maximumKeyByteCount(pageSize: Int) -> Int {
    NodeLayout.maximumKeyByteCount(pageSize: pageSize)
  }

  /// The most bytes of key and value together that an entry holds inline. A longer value goes to
  /// overflow pages, and the entry holds an `OverflowReference`.
  package static func maximumInlineByteCount(pageSize: Int) -> Int {
    NodeLayout.maximumInlineByteCount(pageSize: pageSize)
  }

  package func makeWriteCursor() -> WriteCursor { WriteCursor(tree: self) }

  /// - Parameter memory: `memory` of a cursor that is used no more; its allocation is a good part of a
  ///   short walk.
  package func makeReadCursor(reusing memory: AlignedMemory? = nil) -> ReadCursor {
    ReadCursor(tree: self, reusing: memory)
  }

  func checkLength(of key: ByteView) throws(TreeError) {
    let limit = NodeLayout.maximumKeyByteCount(pageSize: pager.pageSize)
    guard key.count <= limit else {
      throw TreeError.keyTooLong(byteCount: key.count, limit: limit)
    }
  }
}

extension Pager {
  func reserveFrames(_ count: Int) throws(TreeError) -> FrameReservation {
    do { return try reserve(frames: count) } catch { throw TreeError.paging(error) }
  }

  @inline(__always)
  func read(_ id: PageID) throws(TreeError) -> OptimisticPage {
    do throws(PagingError) { return try optimistic(id) } catch { throw TreeError.paging(error) }
  }
}
