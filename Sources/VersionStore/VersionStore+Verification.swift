package import BTreeIndex
internal import Environment
internal import Paging
package import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// Checks everything: each stored image against its checksum, each tree against its order and
  /// fences, that every page is reached exactly once, and that nothing is newer than the newest
  /// commit. Commits wait while the trees are walked.
  ///
  /// - Parameter newest: the newest timestamp that was given to a commit; the published watermark
  ///   when nil. A commit may be in the trees and not published yet.
  /// - Parameter progress: told how many of how many pages are done.
  /// - Parameter report: told each finding.
  /// - Returns: what all trees hold together.
  /// - Throws: when a page cannot be had at all.
  package func verify(
    newest: () -> Timestamp? = { nil },
    progress: (_ done: Int, _ total: Int) -> Void, report: (CorruptionError) -> Void
  ) throws(StoreError) -> TreeCensus {
    do { try pager.verify(progress: progress, report: report) } catch { throw .paging(error) }
    closeGateWithWholeTrees()
    defer { gate.open() }
    let limit = newest() ?? registry.published
    var census = PageCensus()
    var total = TreeCensus()
    do throws(TreeError) {
      for root in keyspaceTable.allRoots {
        let tree = tree(at: root.page)
        total.add(
          try tree.verify {
            census.visit($0, report)
          } report: {
            report($0)
          })
        try verifyTimestamps(tree, root.keyspace, notAfter: limit, report)
      }
      var volatileCount = 0
      for reference in chains.overflowReferences() + deferred.overflowReferences {
        try Overflow.forEachPage(reference, pager: pager) { (id) throws(TreeError) in
          census.visit(id, report)
          volatileCount += 1
        }
      }
      // Large values on their way to a commit are volatile, and nothing refers to them.
      let privateCount = pager.statistics.volatilePageCount - volatileCount
      census.reportUnreached(
        among: pager.mappedPages, allowing: privateCount, report)
      return total
    } catch {
      throw .tree(error)
    }
  }

  /// Closes the gate at a moment when no tree is half destroyed.
  private func closeGateWithWholeTrees() {
    var attempt = 0
    while true {
      gate.close()
      if destroying.load(ordering: .acquiring) == 0 { return }
      gate.open()
      if maintenance() != .more { effects.waits.yield(attempt: attempt) }
      attempt += 1
    }
  }

  private func verifyTimestamps(
    _ tree: Tree, _ keyspace: KeyspaceID, notAfter limit: Timestamp,
    _ report: (CorruptionError) -> Void
  ) throws(TreeError) {
    var cursor = tree.makeReadCursor()
    var isThere = try cursor.seekFirst()
    while isThere {
      if cursor.entry.timestamp > limit {
        report(
          CorruptionError(
            location: "keyspace \(keyspace.rawValue), a key of \(cursor.key.count) bytes",
            expected: "a commit at or before \(limit)", found: "\(cursor.entry.timestamp)"))
      }
      isThere = try cursor.next()
    }
  }
}

extension TreeCensus {
  fileprivate mutating func add(_ other: TreeCensus) {
    entryCount += other.entryCount
    tombstoneCount += other.tombstoneCount
    leafCount += other.leafCount
    innerCount += other.innerCount
    overflowPageCount += other.overflowPageCount
    height = max(height, other.height)
  }
}

/// Which pages were reached.
private struct PageCensus {
  private var words: [UInt64] = []

  /// Notes a page.
  mutating func visit(_ id: PageID, _ report: (CorruptionError) -> Void) {
    let word = Int(id.rawValue >> 6)
    if word >= words.count {
      words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, words.count)))
    }
    let bit: UInt64 = 1 << UInt64(id.rawValue & 63)
    if words[word] & bit != 0 {
      report(
        CorruptionError(
          location: "page \(id.rawValue)", expected: "one reference", found: "another"))
    }
    words[word] |= bit
  }

  private func contains(_ id: PageID) -> Bool {
    let word = Int(id.rawValue >> 6)
    return word < words.count && words[word] & (1 << UInt64(id.rawValue & 63)) != 0
  }

  /// Reports mapped pages that nothing refers to, unless they are exactly the `allowing` private
  /// ones.
  func reportUnreached(
    among pages: MappedPages, allowing privateCount: Int, _ report: (CorruptionError) -> Void
  ) {
    let unreached = pages.filter { !contains($0) }
    guard unreached.count > privateCount else { return }
    for id in unreached {
      report(
        CorruptionError(
          location: "page \(id.rawValue)", expected: "a reference to it", found: "none"))
    }
  }
}
