import Paging
package import Primitives
import RawBytes

/// Looking at everything.
extension Tree {
  /// Reads every node and every page of every large value, and reports what is not as T1 to T4,
  /// N1 to N9 and V1 say. Writers may go on meanwhile: what is reported was so at one moment. The
  /// page ids visited are all of the tree's, each once, only while its structure rests.
  ///
  /// Findings say which keys they affect.
  ///
  /// - Parameters:
  ///   - isBeingDestroyed: `destroySome` has begun: nodes on the way to the last leaf may end
  ///     before their parents do.
  ///   - suspects: pages of which it is known that something is wrong with them.
  ///   - affected: told what each suspect holds, when the walk comes by it.
  ///   - noteTimestamp: told the newest timestamp of each leaf's entries and the page.
  /// - Throws: when a page cannot be read at all.
  @discardableResult
  package func verify(
    isBeingDestroyed: Bool = false, suspects: Set<PageID> = [],
    visit: (PageID) -> Void, affected: (PageID, String) -> Void = { _, _ in },
    noteTimestamp: (Timestamp, PageID) -> Void = { _, _ in },
    report: (CorruptionError) -> Void
  ) throws(TreeError) -> TreeCensus {
    var walk = VerificationWalk(
      tree: self, isBeingDestroyed: isBeingDestroyed, suspects: suspects)
    while true {
      let isMore = try walk.step()
      let seen = walk.takeSeen()
      for id in seen.visits { visit(id) }
      for suspect in seen.suspects { affected(suspect.id, suspect.holds) }
      for leaf in seen.leaves { noteTimestamp(leaf.newest, leaf.id) }
      for finding in seen.findings { report(finding) }
      if !isMore { return walk.census }
    }
  }
}

/// A walk over the leaves of a tree in key order, which sees each node with the parent it had at
/// that moment.
///
/// - Invariant X1: `path` holds copies of the nodes from the root to the last leaf seen. A copy is
///   used again as long as its page has not changed.
/// - Invariant X2: `nextKey` rises from step to step, whatever the pages hold, so the walk ends.
private struct VerificationWalk {
  /// A node as it was seen.
  private struct Seen {
    var page: OptimisticPage
    var copy: AlignedMemory
    var view: NodeView { NodeView(copy.bytes.view) }
  }

  /// What one step has come by.
  struct Report {
    var visits: [PageID] = []
    var suspects: [(id: PageID, holds: String)] = []
    var leaves: [(newest: Timestamp, id: PageID)] = []
    var findings: [CorruptionError] = []

    mutating func append(_ other: Report) {
      visits += other.visits
      suspects += other.suspects
      leaves += other.leaves
      findings += other.findings
    }
  }

  private let tree: Tree
  private let isBeingDestroyed: Bool
  private let suspects: Set<PageID>
  private var path: [Seen] = []
  /// The ids of the last whole path: a node met again is not counted again.
  private var pathIDs: [PageID] = []
  private var nextKey: [UInt8] = []
  private var report = Report()
  private(set) var census = TreeCensus()

  init(tree: Tree, isBeingDestroyed: Bool, suspects: Set<PageID>) {
    self.tree = tree
    self.isBeingDestroyed = isBeingDestroyed
    self.suspects = suspects
  }

  mutating func takeSeen() -> Report {
    defer { report = Report() }
    return report
  }

  /// Looks at the leaf for `nextKey` and at the nodes on the way that were not seen yet. False
  /// when that was the last one.
  mutating func step() throws(TreeError) -> Bool {
    while true {
      if let isMore = try attempt() { return isMore }
      path.removeAll()
    }
  }

  /// Nil when something changed meanwhile. Nothing is counted then.
  private mutating func attempt() throws(TreeError) -> Bool? {
    var fresh = path.count
    for (depth, seen) in path.enumerated() where !tree.pager.isValid(seen.page) {
      fresh = depth
      break
    }
    // From where the kept path leads elsewhere than to the next key, it is not of use.
    for depth in 0..<fresh where depth > 0 {
      if !nextKey.withByteView({ path[depth].view.covers($0) }) {
        fresh = depth
        break
      }
    }
    let known = pathIDs
    path.removeSubrange(fresh...)

    var new = Report()
    var newCensus = census
    while true {
      if let last = path.last, last.view.isLeaf { break }
      guard let seen = try look(into: &new) else { return nil }
      guard let seen = seen.node else {
        report.append(new)
        return finishDamaged()
      }
      path.append(seen)
      if !known.contains(seen.page.id) { new.visits.append(seen.page.id) }
      if seen.view.isLeaf {
        guard try inspectLeaf(seen, &newCensus, &new) else { return nil }
      } else if !known.contains(seen.page.id) {
        newCensus.innerCount += 1
      }
    }
    newCensus.height = max(newCensus.height, path.count)
    pathIDs = path.map { $0.page.id }
    census = newCensus
    report.append(new)
    guard let leaf = path.last, let upper = leaf.view.upperFence,
      nextKey.withByteView({ $0 < upper })
    else { return false }
    nextKey = upper.array
    return true
  }

  /// A damaged node hides what is below it: the walk goes on behind it, if its parent knows where.
  private mutating func finishDamaged() -> Bool {
    guard let parent = path.last?.view else { return false }
    let position = nextKey.withByteView {
      UnvalidatedNode(parent.bytes).search(
        $0, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
    }
    let index = position.finding == .found ? position.index + 1 : position.index
    let behind =
      index < parent.slotCount
      ? parent.prefix.array + parent.suffix(index).array : parent.upperFence?.array
    guard let behind, nextKey.withByteView({ key in behind.withByteView { key < $0 } }) else {
      return false
    }
    nextKey = behind
    return true
  }

  /// Copies the next node down the path and checks it by itself and against its parent.
  ///
  /// - Returns: nil when something changed meanwhile; no node when it is damaged.
  private mutating func look(
    into new: inout Report
  ) throws(TreeError) -> (node: Seen?, Void)? {
    let pager = tree.pager
    var expected: (lower: [UInt8], upper: [UInt8]?, level: Int)?
    var id = tree.root
    if let parent = path.last {
      let view = parent.view
      let position = nextKey.withByteView {
        UnvalidatedNode(view.bytes).search(
          $0, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
      }
      let index = position.finding == .found ? position.index + 1 : position.index
      id = view.child(index)
      let prefix = view.prefix.array
      expected = (
        index == 0 ? view.lowerFence.array : prefix + view.suffix(index - 1).array,
        index == view.slotCount
          ? view.upperFence?.array : prefix + view.suffix(index).array,
        view.level - 1
      )
    }
    let keys = expected.map { KeyText.range(from: $0.lower, to: $0.upper) } ?? "all keys"
    if suspects.contains(id) { new.suspects.append((id, keys)) }
    let page: OptimisticPage
    do throws(TreeError) {
      page = try pager.read(id)
    } catch {
      // A page that was freed meanwhile has no image; that is no finding.
      guard path.last.map({ pager.isValid($0.page) }) ?? true else { return nil }
      guard case .paging(.corrupt(let finding)) = error else { throw error }
      new.findings.append(finding.affecting(keys))
      return (nil, ())
    }
    let copy = AlignedMemory(byteCount: pager.pageSize)
    guard let reading = try NodeReading(page, pager) else { return nil }
    copy.bytes.copy(reading.bytes)
    guard pager.isValid(page), path.last.map({ pager.isValid($0.page) }) ?? true else {
      return nil
    }
    let seen = Seen(page: page, copy: copy)
    let view = seen.view
    if let fault = view.fault(pageID: id) {
      new.findings.append(TreeError.corruption(of: id, fault).affecting(keys))
      // An unsound structure cannot be walked.
      if view.structuralFault() != nil { return (nil, ()) }
    }
    let isAsExpected =
      if let expected {
        view.level == expected.level && view.lowerFence.array == expected.lower
          && (view.upperFence?.array == expected.upper
            || isBeingDestroyed && expected.upper == nil)
      } else {
        view.lowerFence.isEmpty && !view.hasUpperFence
      }
    guard isAsExpected else {
      let fault = "fences or level unlike what its parent says"
      new.findings.append(TreeError.corruption(of: id, fault).affecting(keys))
      return (nil, ())
    }
    return (seen, ())
  }

  /// Counts a leaf's entries and looks at its large values. False when it changed meanwhile.
  private func inspectLeaf(
    _ leaf: Seen, _ census: inout TreeCensus, _ new: inout Report
  ) throws(TreeError) -> Bool {
    let view = leaf.view
    census.leafCount += 1
    var newest = Timestamp.zero
    for index in 0..<view.slotCount {
      let entry = view.entry(index)
      newest = max(newest, entry.timestamp)
      census.entryCount += 1
      if entry.flags.contains(.tombstone) {
        census.tombstoneCount += 1
      } else {
        census.contentByteCount += UInt64(view.prefix.count + view.suffix(index).count)
        if !entry.flags.contains(.overflow) {
          census.contentByteCount += UInt64(entry.value.count - entry.flags.trailingByteCount)
        }
      }
      guard let reference = entry.overflowReference else { continue }
      let (pages, damage) = try inspect(reference)
      // Damage counts only if the leaf referred to the value all the time.
      if damage != nil, try !isUnchanged(leaf) { return false }
      func value() -> String {
        "the value of key " + KeyText.quoted(view.prefix.array + view.suffix(index).array)
      }
      for id in pages where suspects.contains(id) { new.suspects.append((id, value())) }
      if let damage { new.findings.append(damage.affecting(value())) }
      census.overflowPageCount += pages.count
      census.largeValueCount += 1
      census.contentByteCount += reference.byteCount
      new.visits += pages
    }
    new.leaves.append((newest, leaf.page.id))
    return true
  }

  /// Whether a node is still as it was copied. It may have left memory and come back meanwhile: a
  /// large value beside which the cache has no room for its leaf would else be looked at for ever.
  private func isUnchanged(_ seen: Seen) throws(TreeError) -> Bool {
    let pager = tree.pager
    do throws(TreeError) {
      while !pager.isValid(seen.page) {
        let page = try pager.read(seen.page.id)
        guard let reading = try NodeReading(page, pager) else { continue }
        let isSame = reading.bytes == seen.view.bytes
        if pager.isValid(page) { return isSame }
      }
      return true
    } catch .paging(.corrupt) {
      return false
    }
  }

  /// Looks at every page of a large value, up to the first that is damaged.
  private func inspect(
    _ reference: OverflowReference
  ) throws(TreeError) -> (pages: [PageID], damage: CorruptionError?) {
    var pages: [PageID] = []
    var walker = OverflowWalker(reference, pager: tree.pager)
    let lengths = walker
    do throws(TreeError) {
      try walker.forEachPage(from: 0) { (id, ordinal) throws(TreeError) in
        pages.append(id)
        try Overflow.check(
          id, ordinal: ordinal, expected: ordinal < 0 ? 0 : lengths.byteCount(ofDataPage: ordinal),
          pager: tree.pager)
      }
      return (pages, nil)
    } catch .corrupt(let finding) {
      return (pages, finding)
    } catch .paging(.corrupt(let finding)) {
      return (pages, finding)
    }
  }
}
