internal import Primitives

/// The pages that a long scan read in last, in the order of their use.
///
/// A scan of more data than the cache holds would put every page out that others use, and uses each
/// of its own once. So it takes its frames back from itself: a page that it read in stays marked
/// `cooling`, and when frames are scarce the oldest page of the window that nobody else touched
/// makes room for the next (Stonebraker 1981 names the case; PostgreSQL's ring of buffers is the
/// same way out).
///
/// - Invariant SW1: an id in the window is a hint. Its page may have been freed, evicted, read in
///   again or become somebody else's meanwhile; whoever takes it back looks at its word.
package struct ScanWindow: ~Copyable {
  private var ids: [UInt32] = []
  private var first = 0

  /// Pages beyond these are left to the eviction clock: 512 KiB of the usual size.
  private static let limit = 32
  /// The last ones may still be in use by the scan itself.
  private static let kept = 4

  package init() {}

  package var count: Int { ids.count - first }

  mutating func append(_ id: PageID) {
    if count >= Self.limit { first += 1 }
    if first >= Self.limit {
      ids.removeFirst(first)
      first = 0
    }
    ids.append(id.rawValue)
  }

  /// The page that was read in first, which leaves the window.
  mutating func takeOldest() -> UInt32? {
    guard count > Self.kept else { return nil }
    defer { first += 1 }
    return ids[first]
  }
}
