import BTreeIndex
import Primitives
import RawBytes
import Seeds
import Testing

@Suite struct NodeTests {
  /// A node in memory of its own, and what it should hold.
  final class Page {
    let memory: AlignedMemory
    let node: MutableNode
    let scratch: AlignedMemory

    init(size: Int, level: Int = 0, lower: [UInt8] = [], upper: [UInt8]? = nil) {
      memory = AlignedMemory(byteCount: size)
      scratch = AlignedMemory(byteCount: size)
      node = MutableNode(memory.bytes)
      memory.bytes.store(UInt32(7), at: NodeLayout.pageID)
      lower.withByteView { lower in
        if let upper {
          upper.withByteView {
            node.format(level: level, lowerFence: lower, upperFence: $0)
          }
        } else {
          node.format(level: level, lowerFence: lower, upperFence: nil)
        }
      }
      if level > 0 { node.setFirstChild(PageID(1000)) }
    }

    var view: NodeView { node.view }

    func search(_ key: [UInt8]) -> UnvalidatedNode.Position {
      key.withByteView {
        UnvalidatedNode(memory.bytes.view).search(
          $0, entryHeaderByteCount: view.entryHeaderByteCount)
      }
    }

    /// False when it does not fit.
    func put(_ key: [UInt8], _ value: [UInt8], timestamp: UInt64 = 1, flags: EntryFlags = [])
      -> Bool
    {
      let position = search(key)
      let suffix = Array(key.dropFirst(view.prefixCount))
      return suffix.withByteView { suffix in
        value.withByteView { value in
          if position.finding == .found {
            if view.entry(position.index).value.count >= value.count {
              node.overwrite(
                at: position.index, timestamp: Timestamp(timestamp), flags: flags, value: value)
              return true
            }
            node.remove(at: position.index)
          }
          let needed =
            NodeLayout.slotByteCount
            + MutableNode.leafEntryByteCount(suffixCount: suffix.count, valueCount: value.count)
          if view.contiguousFreeByteCount < needed {
            guard view.freeByteCount >= needed else { return false }
            node.compact(scratch: scratch.bytes)
          }
          node.insert(
            at: search(key).index, suffix: suffix, timestamp: Timestamp(timestamp), flags: flags,
            value: value)
          return true
        }
      }
    }

    func keys() -> [[UInt8]] {
      (0..<view.slotCount).map { view.prefix.array + view.suffix($0).array }
    }
  }

  @Test(arguments: [4096, 16384, 65536])
  func `a leaf holds what a dictionary holds after random puts and removals`(pageSize: Int) {
    var random = SplitMix(Seed.take(for: #function))
    for lengthLimit in [1, 3, 9, 40] {
      let page = Page(size: pageSize)
      var model: [[UInt8]: Expected] = [:]
      for turn in 0..<operationCount(debug: 2_000, release: 20_000) {
        // Few bytes, so that keys begin alike; 0x00 and 0xFF among them.
        let bytes: [UInt8] = [0x00, 0x01, 0x7F, 0xFE, 0xFF]
        let key = (0..<Int.random(in: 0...lengthLimit, using: &random)).map { _ in
          bytes.randomElement(using: &random)!
        }
        if Int.random(in: 0..<3, using: &random) > 0 {
          let isTombstone = Int.random(in: 0..<4, using: &random) == 0
          let value = (0..<(isTombstone ? 0 : Int.random(in: 0...60, using: &random))).map { _ in
            UInt8.random(in: 0...255, using: &random)
          }
          let flags: EntryFlags = isTombstone ? .tombstone : []
          if page.put(key, value, timestamp: UInt64(turn), flags: flags) {
            model[key] = Expected(timestamp: UInt64(turn), flags: flags, value: value)
          } else {
            // A put that found no room has removed the old entry.
            model[key] = nil
          }
        } else {
          let position = page.search(key)
          #expect((position.finding == .found) == (model[key] != nil))
          if position.finding == .found { page.node.remove(at: position.index) }
          model[key] = nil
        }
        if turn % 97 == 0 { #expect(page.view.fault(pageID: PageID(7)) == nil) }
      }
      #expect(page.view.fault(pageID: PageID(7)) == nil)
      #expect(page.keys() == model.keys.sorted(by: precedes))
      for (key, expected) in model {
        let position = page.search(key)
        #expect(position.finding == .found)
        #expect(Expected(page.view.entry(position.index)) == expected)
      }
      #expect(
        page.view.tombstoneCount == model.values.count { $0.flags.contains(.tombstone) })
    }
  }

  @Test func `a search finds the place of absent keys among keys with equal heads`() {
    let page = Page(size: 4096)
    let keys: [[UInt8]] = [
      [], [0], [0, 0], [0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 2, 3],
      [1, 2, 3, 0], [1, 2, 3, 0, 0], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9], [255],
      [255, 255, 255, 255], [255, 255, 255, 255, 255],
    ]
    for key in keys.shuffled() { #expect(page.put(key, key)) }
    #expect(page.keys() == keys)
    for (index, key) in keys.enumerated() {
      #expect(page.search(key).finding == .found)
      #expect(page.search(key).index == index)
      // Right behind: the key with one more byte, unless that is there itself.
      let behind = key + [0]
      let place = keys.firstIndex { !precedes($0, behind) } ?? keys.count
      #expect(page.search(behind).index == place)
      #expect((page.search(behind).finding == .found) == keys.contains(behind))
    }
  }

  @Test func `fences decide the prefix, and keys are stored without it`() {
    let page = Page(size: 4096, lower: Array("apple".utf8), upper: Array("apricot".utf8))
    #expect(page.view.prefix.array == Array("ap".utf8))
    #expect(page.put(Array("apple".utf8), [1]))
    #expect(page.put(Array("apq".utf8), [2]))
    #expect(page.view.suffix(0).array == Array("ple".utf8))
    #expect(page.view.suffix(1).array == Array("q".utf8))
    #expect(page.view.fault(pageID: PageID(7)) == nil)
    #expect(Array("apple".utf8).withByteView { page.view.covers($0) })
    #expect(!Array("apricot".utf8).withByteView { page.view.covers($0) })
    #expect(!Array("appl".utf8).withByteView { page.view.covers($0) })
  }

  @Test func `a fence that is a prefix of the other is the whole prefix`() {
    let page = Page(size: 4096, lower: [5, 5], upper: [5, 5, 0, 0])
    #expect(page.view.prefixCount == 2)
    #expect(page.put([5, 5], []))
    #expect(page.put([5, 5, 0], [1]))
    #expect(page.keys() == [[5, 5], [5, 5, 0]])
    #expect(page.view.fault(pageID: PageID(7)) == nil)
  }

  @Test(arguments: [4096, 16384, 65536])
  func `two greatest entries fit beside the greatest fences`(pageSize: Int) {
    let limit = NodeLayout.maximumKeyByteCount(pageSize: pageSize)
    let inline = NodeLayout.maximumInlineByteCount(pageSize: pageSize)
    func longKey(_ first: UInt8) -> [UInt8] {
      [first] + [UInt8](repeating: 9, count: limit - 1)
    }
    let page = Page(size: pageSize, lower: longKey(1), upper: longKey(4))
    #expect(page.put(longKey(2), [UInt8](repeating: 3, count: inline - limit)))
    #expect(page.put(longKey(3), [UInt8](repeating: 3, count: inline - limit)))
    #expect(page.view.fault(pageID: PageID(7)) == nil)
  }

  @Test func `entries move to nodes with longer and shorter prefixes and back`() {
    let wide = Page(size: 4096)
    let names = (0..<40).map { textKey($0, prefix: "table/row/") }
    for name in names { #expect(wide.put(name, name)) }
    wide.node.remove(at: 20)
    let narrow = Page(
      size: 4096, lower: Array("table/row/0".utf8), upper: Array("table/row/1".utf8))
    narrow.node.append(0..<39, of: wide.view)
    #expect(narrow.keys() == wide.keys())
    #expect(narrow.view.fault(pageID: PageID(7)) == nil)
    #expect(
      MutableNode.byteCount(of: wide.view, prefixCount: narrow.view.prefixCount)
        == narrow.view.usedByteCount)
    let again = Page(size: 4096)
    again.node.append(0..<39, of: narrow.view)
    #expect(again.keys() == wide.keys())
    #expect(again.view.fault(pageID: PageID(7)) == nil)
  }

  @Test func `removed bytes are zero and compaction gives them back`() {
    let page = Page(size: 4096)
    for number in 0..<20 {
      #expect(page.put(key(number), [UInt8](repeating: 0xAA, count: 50)))
    }
    for _ in 0..<10 { page.node.remove(at: 3) }
    #expect(page.view.garbageByteCount == 10 * (11 + 8 + 50))
    let garbage = page.memory.bytes.view.array.count { $0 == 0xAA }
    #expect(garbage == 10 * 50)
    let free = page.view.freeByteCount
    page.node.compact(scratch: page.scratch.bytes)
    #expect(page.view.garbageByteCount == 0)
    #expect(page.view.contiguousFreeByteCount == free)
    #expect(page.view.fault(pageID: PageID(7)) == nil)
  }

  @Test func `an inner node leads each key to the child between its separators`() {
    let page = Page(size: 4096, level: 1)
    for number in stride(from: 10, through: 90, by: 10).shuffled() {
      let separator: [UInt8] = [UInt8(number)]
      separator.withByteView {
        page.node.insert(
          at: page.search(separator).index, separatorSuffix: $0, child: PageID(UInt32(number)))
      }
    }
    #expect(page.view.fault(pageID: PageID(7)) == nil)
    func child(_ key: [UInt8], _ target: UnvalidatedNode.Target) -> UInt32 {
      key.withByteView {
        UnvalidatedNode(page.memory.bytes.view).child(for: $0, target).rawValue
      }
    }
    #expect(child([], .covering) == 1000)
    #expect(child([9, 255], .covering) == 1000)
    #expect(child([10], .covering) == 10)
    #expect(child([10], .before) == 1000)
    #expect(child([10, 0], .before) == 10)
    #expect(child([55], .covering) == 50)
    #expect(child([255], .covering) == 90)
    #expect(child([], .last) == 90)
  }

  @Test func `torn bytes never trap and never lead out of the page`() {
    var random = SplitMix(Seed.take(for: #function))
    for turn in 0..<operationCount(debug: 3_000, release: 100_000) {
      let level = turn % 2
      let page = Page(size: 4096, level: level)
      for number in 0..<10 where level == 0 { _ = page.put(key(number), key(number)) }
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        // Mostly the header and the slots, where offsets and counts are.
        let offset =
          Bool.random(using: &random)
          ? Int.random(in: 0..<64, using: &random) : Int.random(in: 0..<4096, using: &random)
        page.memory.bytes[offset] = UInt8.random(in: 0...255, using: &random)
      }
      let node = UnvalidatedNode(page.memory.bytes.view)
      let wanted = key(Int.random(in: 0..<12, using: &random))
      let position = wanted.withByteView {
        node.search($0, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
      }
      if position.finding == .found, let entry = node.entry(at: position.index) {
        #expect(entry.value.array.count <= 4096)
      }
      wanted.withByteView {
        _ = node.child(for: $0, .covering)
        _ = node.child(for: $0, .before)
        _ = node.child(for: $0, .last)
      }
      // What the check lets pass can be rebuilt without a trap.
      if page.view.structuralFault() == nil { page.node.compact(scratch: page.scratch.bytes) }
      _ = page.view.fault(pageID: PageID(7))
    }
  }
}
