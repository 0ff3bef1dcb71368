package import BTreeIndex
internal import Environment
internal import Paging
package import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// Checks everything: each stored image against its checksum, each tree against its order and
  /// fences, that every page is reached exactly once, and that nothing is newer than the newest
  /// commit. Commits wait while the trees are walked. Every finding says what it affects.
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
    var images: [(finding: CorruptionError, page: PageID?)] = []
    do throws(PagingError) {
      try pager.verify(
        progress: progress, reportOfPage: { finding, page in images.append((finding, page)) })
    } catch {
      throw .paging(error)
    }
    suspendWithWholeTrees()
    var walk = TreesWalk(
      store: self, suspects: Set(images.compactMap(\.page)),
      limit: newest() ?? registry.published)
    do throws(TreeError) {
      defer {
        gate.open()
        maintainer.resume()
      }
      for root in keyspaceTable.allRoots { try walk.visit(root) }
      try walk.visitOldValues()
      walk.findUnreached()
    } catch {
      throw .tree(error)
    }
    for (finding, page) in images {
      // What the walk has met as well, it has reported with what it affects.
      if walk.findings.contains(where: { $0.isOfSamePlace(as: finding) }) { continue }
      report(
        finding.affecting(page.flatMap { walk.holds[$0] } ?? "a page that nothing leads to"))
    }
    for finding in walk.findings { report(finding) }
    return walk.census
  }

  /// Stops commits and maintenance, if it can be at a moment when no tree is half destroyed.
  /// Maintenance frees large values outside the gate, and enters the gate in its rounds: so it is
  /// stopped, and first.
  private func suspendWithWholeTrees() {
    while true {
      maintainer.suspend()
      gate.close()
      if destroying.load(ordering: .acquiring) == 0 { return }
      gate.open()
      maintainer.resume()
      // A tree whose pages cannot be read is not destroyed any further: it is walked as it is.
      guard maintenance() == .more else { break }
    }
    maintainer.suspend()
    gate.close()
  }
}

/// One walk over all trees, with the gate closed.
private struct TreesWalk {
  private let store: VersionStore
  private let suspects: Set<PageID>
  private var pages: PageCensus
  /// No commit is newer.
  private let limit: Timestamp
  private(set) var findings: [CorruptionError] = []
  /// What the suspects hold.
  private(set) var holds: [PageID: String] = [:]
  private(set) var census = TreeCensus()

  init(store: VersionStore, suspects: Set<PageID>, limit: Timestamp) {
    self.store = store
    self.limit = limit
    self.suspects = suspects
    pages = PageCensus()
  }

  mutating func visit(_ root: RootTable.Root) throws(TreeError) {
    let info = store.keyspaceTable.info(root.keyspace)
    let name =
      root.keyspace == .catalog
      ? "the catalog" : "keyspace \(info.map { "\"\($0.name)\"" } ?? "\(root.keyspace.rawValue)")"
    let tree = store.tree(at: root.page)
    var walk = self
    census.add(
      try tree.verify(isBeingDestroyed: info?.state == .dropping, suspects: suspects) { id in
        walk.reach(id, name)
      } affected: { id, keys in
        walk.holds[id] = "\(keys) of \(name)"
      } noteTimestamp: { timestamp, id in
        guard timestamp > limit else { return }
        walk.findings.append(
          CorruptionError(
            location: "page \(id.rawValue)", expected: "commits at or before \(limit)",
            found: "one at \(timestamp)", affects: "keys of \(name)"))
      } report: { finding in
        walk.findings.append(finding.of(name))
      })
    walk.census = census
    self = walk
  }

  /// Large values that only old snapshots see.
  mutating func visitOldValues() throws(TreeError) {
    for reference in store.chains.overflowReferences() + store.deferred.overflowReferences {
      var reached: [PageID] = []
      do throws(TreeError) {
        try Overflow.forEachPage(reference, pager: store.pager) { (id) throws(TreeError) in
          reached.append(id)
        }
      } catch .corrupt(let finding) {
        findings.append(finding.affecting("a large value that only open snapshots see"))
      } catch .paging(.corrupt(let finding)) {
        findings.append(finding.affecting("a large value that only open snapshots see"))
      }
      for id in reached { reach(id, "open snapshots") }
    }
  }

  private mutating func reach(_ id: PageID, _ name: String) {
    if pages.visit(id) { return }
    findings.append(
      CorruptionError(
        location: "page \(id.rawValue)", expected: "one reference", found: "another",
        affects: name))
  }

  /// Reports mapped pages that nothing refers to. Large values on their way to a commit are
  /// volatile, and so not mapped.
  mutating func findUnreached() {
    for id in store.pager.mappedPages where !pages.contains(id) {
      // A page that was freed between two looks at it is none.
      guard store.pager.isMapped(id) else { continue }
      findings.append(
        CorruptionError(
          location: "page \(id.rawValue)", expected: "a reference to it", found: "none",
          affects: findings.isEmpty ? "space only" : "what a damaged page above led to"))
    }
  }
}

extension CorruptionError {
  /// The same, of a keyspace.
  fileprivate func of(_ keyspace: String) -> CorruptionError {
    CorruptionError(
      location: location, expected: expected, found: found,
      affects: affects.map { "\($0) of \(keyspace)" } ?? keyspace)
  }
}

extension TreeCensus {
  fileprivate mutating func add(_ other: TreeCensus) {
    entryCount += other.entryCount
    tombstoneCount += other.tombstoneCount
    leafCount += other.leafCount
    innerCount += other.innerCount
    overflowPageCount += other.overflowPageCount
    largeValueCount += other.largeValueCount
    contentByteCount += other.contentByteCount
    height = max(height, other.height)
  }
}

/// Which pages were reached: 2^16 ids at a time, so that an id that lies costs little.
private struct PageCensus {
  private var chunks: [UInt32: [UInt64]] = [:]

  /// Notes a page; false when it was noted before.
  mutating func visit(_ id: PageID) -> Bool {
    let (chunk, word, bit) = Self.place(id)
    let isNew = !contains(id)
    chunks[chunk, default: [UInt64](repeating: 0, count: 1 << 10)][word] |= bit
    return isNew
  }

  func contains(_ id: PageID) -> Bool {
    let (chunk, word, bit) = Self.place(id)
    return (chunks[chunk]?[word] ?? 0) & bit != 0
  }

  private static func place(_ id: PageID) -> (chunk: UInt32, word: Int, bit: UInt64) {
    (id.rawValue >> 16, Int(id.rawValue & 0xFFFF) >> 6, 1 << UInt64(id.rawValue & 63))
  }
}
