import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import SystemEnvironment
import Synchronization

extension FuzzTarget {
  /// A tree in memory whose pages the input changes, read in every way and perhaps written.
  package static let tree = FuzzTarget(
    "tree", summary: "changes to the pages of a tree, then cursors, look-ups, large values, verify",
    maximumByteCount: 1024, seeds: FolderSeeds.trees
  ) { input in
    treeBench.withLock { bench in
      var tape = ByteTape(input)
      let choices = tape.byte()
      bench.change(&tape)
      bench.read()
      if choices & 1 != 0 { bench.write() }
      bench.restore(rebuilding: choices & 1 != 0)
    }
  }
}

private let treeBench = Mutex(TreeBench())

/// A tree of three levels with a large value, made once; after each input its pages are put back.
private struct TreeBench {
  private var pager: Pager
  private var tree: Tree
  private var pages: [PageID] = []
  private var pristine: [[UInt8]] = []
  private var changed: Set<Int> = []
  /// Whether a page cannot be put back.
  private var mustRebuild = false

  private static let large = Array("key-large".utf8)

  init() {
    (pager, tree) = Self.make()
    notePages()
  }

  private static func make() -> (Pager, Tree) {
    let effects = Effects.memory()
    do {
      var root = PageID.none
      let pager = try Pager.create(
        path: "/pages",
        configuration: PagingConfiguration(
          pageSize: 4096, cacheByteCount: 256 * 4096, compression: .none),
        id: DatabaseID(high: 1, low: 1), ownerState: [], timestamp: .zero, effects: effects
      ) { (pager: Pager) throws(PagingError) -> [UInt8] in
        do throws(TreeError) {
          let tree = try Tree.create(in: pager)
          root = tree.root
          try fill(tree)
        } catch {
          violated("a tree cannot be made: \(error)")
        }
        return []
      }
      return (pager, Tree(pager: pager, root: root))
    } catch {
      violated("a pager cannot be made: \(error)")
    }
  }

  private static func fill(_ tree: Tree) throws(TreeError) {
    var writer = OverflowWriter(pager: tree.pager, byteCount: 9000)
    try [UInt8](repeating: 6, count: 9000).withByteView { (bytes) throws(TreeError) in
      try writer.append(bytes)
    }
    let reference = try writer.finish()
    try Overflow.publish(reference, pager: tree.pager)
    var cursor = tree.makeWriteCursor()
    // Keys this long make inner nodes of few children, and so three levels of few pages.
    for number in 0..<90 {
      let key = Array("key-\(100 + number)".utf8) + [UInt8](repeating: 0x2D, count: 400)
      try put(key, [UInt8](repeating: 1, count: 60), number % 9 == 0, &cursor)
    }
    let encoded = AlignedMemory(byteCount: OverflowReference.encodedByteCount)
    reference.encode(into: encoded.bytes)
    try large.withByteView { (key) throws(TreeError) in
      _ = try cursor.seek(key)
      try cursor.put(key, timestamp: Timestamp(9), flags: .overflow, value: encoded.bytes.view)
    }
    cursor.release()
  }

  private static func put(
    _ key: [UInt8], _ value: [UInt8], _ isTombstone: Bool, _ cursor: inout WriteCursor
  ) throws(TreeError) {
    try key.withByteView { (key) throws(TreeError) in
      try value.withByteView { (value) throws(TreeError) in
        _ = try cursor.seek(key)
        try cursor.put(
          key, timestamp: Timestamp(5), flags: isTombstone ? .tombstone : [],
          value: isTombstone ? .empty : value)
      }
    }
  }

  private mutating func notePages() {
    pages = []
    pristine = []
    do {
      var found: [PageID] = []
      try tree.verify(visit: { found.append($0) }) { violated("a tree that is not sound: \($0)") }
      pages = found.sorted()
      for id in pages {
        let page = try pager.shared(id)
        pristine.append(page.bytes.array)
      }
    } catch {
      violated("a tree cannot be read: \(error)")
    }
  }

  // MARK: One input

  /// Changes bytes of pages: page, offset from its head or its tail, what to put there.
  mutating func change(_ tape: inout ByteTape) {
    let (pages, pristine) = (self.pages, self.pristine)
    var budget = 24
    while !tape.isAtEnd, budget > 0 {
      budget -= 1
      let kind = tape.byte()
      let index = tape.number(below: pages.count)
      let width = [1, 2, 4, 8][Int(kind >> 3 & 3)]
      modify(index) { bytes in
        if kind & 7 == 7 {
          // The bytes of another page, with their own id or this one's.
          let other = pristine[tape.number(below: pages.count)]
          other.withByteView { bytes.copy($0) }
          if kind & 8 != 0 { bytes.store(pages[index].rawValue, at: NodeLayout.pageID) }
          return
        }
        let offset =
          switch kind & 3 {
          // The header, the first slots, or anywhere.
          case 0: tape.number(below: NodeLayout.headerByteCount)
          case 1: NodeLayout.headerByteCount + tape.number(below: 256)
          default: tape.number(below: bytes.count)
          }
        let number = kind & 4 == 0 ? tape.integer(UInt64.self) : tape.boundary()
        for byte in 0..<min(width, bytes.count - offset) {
          bytes[offset + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte))
        }
      }
    }
  }

  private mutating func modify(_ index: Int, _ body: (MutableByteView) -> Void) {
    defer { changed.insert(index) }
    do {
      let page = try pager.exclusive(pages[index])
      pager.willModify(page)
      body(page.bytes)
    } catch .corrupt where changed.contains(index) {
      // It was written with what the input made of it, and came back.
      mustRebuild = true
    } catch {
      violated("a page cannot be latched: \(error)")
    }
  }

  /// Everything that reads, with typed errors only.
  func read() {
    var isClean = true
    do {
      try tree.verify(visit: { _ in }) { _ in isClean = false }
    } catch {
      isClean = false
    }
    let forwards = walk { cursor, isFirst throws(TreeError) in
      isFirst ? try cursor.seekFirst() : try cursor.next()
    }
    let backwards = walk { cursor, isFirst throws(TreeError) in
      isFirst ? try cursor.seekLast() : try cursor.previous()
    }
    if isClean {
      guard let forwards, let backwards else { violated("a sound tree that cannot be walked") }
      require(forwards == backwards.reversed(), "a sound tree with two orders")
      require(
        zip(forwards, forwards.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) },
        "a sound tree with keys out of order")
    }
    for key in (forwards ?? []).prefix(12) + [Self.large, [], [255]] { find(key, isClean) }
  }

  private func walk(
    _ step: (inout ReadCursor, Bool) throws(TreeError) -> Bool
  ) -> [[UInt8]]? {
    var cursor = tree.makeReadCursor()
    var keys: [[UInt8]] = []
    do {
      var isThere = try step(&cursor, true)
      while isThere {
        keys.append(cursor.key.array)
        let entry = cursor.entry
        if entry.flags.contains(.overflow), let value = OverflowReference(decoding: entry.value) {
          readLarge(value)
        }
        isThere = try step(&cursor, false)
        require(keys.count < 200_000, "a walk without end (S3)")
      }
      return keys
    } catch {
      return nil
    }
  }

  private func readLarge(_ reference: OverflowReference) {
    let memory = AlignedMemory(byteCount: 5000)
    defer { withExtendedLifetime(memory) {} }
    for offset in [0, 4000, reference.byteCount / 2, reference.byteCount - 1] {
      _ = try? Overflow.read(reference, at: offset, into: memory.bytes, pager: pager)
    }
  }

  private func find(_ key: [UInt8], _ isClean: Bool) {
    var scratch = ByteBuffer()
    key.withByteView { key in
      do {
        if let found = try tree.find(key, appendingValueTo: &scratch) {
          require(found.valueEnd <= scratch.count, "a value beyond its buffer")
        }
        _ = try tree.newestTimestamp(of: key)
      } catch {
        require(!isClean, "a sound tree that cannot be searched: \(error)")
      }
    }
  }

  /// Inserts, replaces and removes until nodes split, or until an error says why not.
  mutating func write() {
    var cursor = tree.makeWriteCursor()
    do {
      for number in 0..<40 {
        let key = Array("key-\(100 + 3 * number)+".utf8) + [UInt8](repeating: 0x2B, count: 300)
        try Self.put(key, [UInt8](repeating: 2, count: 100), number % 5 == 0, &cursor)
      }
      cursor.release()
      for key in [Self.large, []] {
        _ = try key.withByteView { (key) throws(TreeError) in
          try tree.purgeTombstones(around: key, olderThan: .max)
        }
      }
    } catch {
      cursor.release()
    }
  }

  mutating func restore(rebuilding: Bool) {
    if !rebuilding {
      for index in changed {
        let old = pristine[index]
        modify(index) { bytes in old.withByteView { bytes.copy($0) } }
      }
    }
    if rebuilding || mustRebuild {
      pager.close()
      (pager, tree) = Self.make()
      notePages()
      mustRebuild = false
    }
    changed = []
  }
}
