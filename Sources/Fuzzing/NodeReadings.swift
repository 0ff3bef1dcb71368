import BTreeIndex
import Primitives
import RawBytes

/// Reads a page as a tree node in every way that a node is read.
enum NodeReadings {
  /// Looks everything up in a page that may be anything: the reader without a latch never trusts
  /// it, and whoever found its structure sound may follow its offsets.
  static func check(_ page: ByteView, id: PageID) {
    let unvalidated = UnvalidatedNode(page)
    let keys: [[UInt8]] = [[], [0], Array("key-00000012".utf8), [255, 255, 255, 255, 255]]
    let copy = AlignedMemory(byteCount: page.count)
    defer { withExtendedLifetime(copy) {} }
    for key in keys {
      key.withByteView { key in
        for byteCount in [
          NodeLayout.leafEntryHeaderByteCount, NodeLayout.innerEntryHeaderByteCount,
        ] {
          let position = unvalidated.search(key, entryHeaderByteCount: byteCount)
          // A position without its finding is followed by nobody.
          if position.finding == .found { _ = unvalidated.entry(at: position.index) }
        }
        for target in [UnvalidatedNode.Target.covering, .before, .last] {
          _ = unvalidated.child(for: key, target)
          for isForward in [true, false] {
            let children = unvalidated.children(
              for: key, target, isForward: isForward, limit: 40)
            require(children.count <= 40, "more children than were asked for")
          }
        }
        _ = unvalidated.isBelow(key)
      }
    }
    _ = unvalidated.copyUsed(into: copy.bytes)
    let node = NodeView(page)
    let fault = node.fault(pageID: id)
    if node.structuralFault() == nil {
      walk(node, isWhole: fault == nil)
    } else {
      require(fault != nil, "a whole check that misses a broken structure")
    }
  }

  /// A node whose structure is sound is read to its end.
  private static func walk(_ node: NodeView, isWhole: Bool) {
    var key = ByteBuffer()
    var previous: [UInt8]?
    for index in 0..<node.slotCount {
      key.removeAll()
      node.appendKey(index, to: &key)
      let bytes = key.view.array
      if isWhole, let previous {
        require(previous.lexicographicallyPrecedes(bytes), "N6: keys that do not ascend")
      }
      if isWhole { require(node.covers(key.view), "N6: a key outside the fences") }
      previous = bytes
      if node.isLeaf {
        let entry = node.entry(index)
        if entry.flags.contains(.overflow) { _ = OverflowReference(decoding: entry.value) }
        if isWhole {
          let position = UnvalidatedNode(node.bytes).search(
            key.view, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
          require(position.finding == .found && position.index == index, "a key that is not found")
        }
      } else {
        _ = node.child(index + 1)
      }
    }
  }
}
