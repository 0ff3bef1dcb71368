import BTreeIndex
import Primitives
import RawBytes
import Testing

@Suite struct SplitPlanTests {
  private func leaf(_ keys: [[UInt8]], valueCount: (Int) -> Int = { _ in 20 }) -> NodeTests.Page {
    let page = NodeTests.Page(size: 4096)
    for (index, key) in keys.enumerated() {
      #expect(page.put(key, [UInt8](repeating: 1, count: valueCount(index))))
    }
    return page
  }

  private func cut(_ page: NodeTests.Page, key: [UInt8], _ pattern: SplitPlan.Pattern)
    -> SplitPlan?
  {
    key.withByteView { SplitPlan(leaf: page.view, key: $0, pattern: pattern) }
  }

  private func separator(_ plan: SplitPlan, _ page: NodeTests.Page, key: [UInt8]) -> [UInt8] {
    let target = AlignedMemory(byteCount: 4096)
    return key.withByteView {
      plan.writeSeparator(of: page.view, newKey: $0, into: target.bytes).array
    }
  }

  @Test func `a leaf is cut in the middle of its bytes, not of its entries`() throws {
    let page = leaf((0..<20).map { key($0) }, valueCount: { $0 < 4 ? 400 : 10 })
    let plan = try #require(cut(page, key: key(5), .anywhere))
    #expect(plan.position == 3)
  }

  @Test func `the shortest separator near the middle wins`() throws {
    let page = leaf((0..<80).map { key($0 < 41 ? $0 : $0 + 256 - 41) })
    let plan = try #require(cut(page, key: key(5), .anywhere))
    #expect(plan.position == 41)
    #expect(separator(plan, page, key: key(5)) == [0, 0, 0, 0, 0, 0, 1])
  }

  @Test func `a separator is above the left side and not above the right`() throws {
    let page = leaf([[1], [1, 0], [1, 0, 0], [1, 0, 0, 0, 0, 0]])
    let plan = try #require(cut(page, key: [1, 0, 0, 0, 1], .anywhere))
    let separator = self.separator(plan, page, key: [])
    let keys = page.keys()
    #expect(precedes(keys[plan.position - 1], separator))
    #expect(!precedes(keys[plan.position], separator))
  }

  @Test func `keys in order leave the left leaf full`() throws {
    let page = leaf((0..<20).map { textKey($0) })
    let next = textKey(20)
    let plan = try #require(cut(page, key: next, .ascending(position: 20)))
    #expect(plan.position == 20)
    #expect(separator(plan, page, key: next) == Array("user/000000002".utf8))
  }

  @Test func `keys in order before others take those along`() throws {
    let page = leaf((0..<10).map { textKey($0) } + (50..<60).map { textKey($0) })
    let next = textKey(10)
    let plan = try #require(cut(page, key: next, .ascending(position: 10)))
    #expect(plan.position == 10)
    let separator = self.separator(plan, page, key: next)
    #expect(precedes(next, separator))
    #expect(!precedes(textKey(50), separator))
  }

  @Test func `one entry cannot be divided`() {
    #expect(cut(leaf([[1]]), key: [2], .anywhere) == nil)
  }

  @Test func `an inner node gives up its shortest separator near the middle`() throws {
    let page = NodeTests.Page(size: 4096, level: 1)
    for number in 0..<100 {
      let separator: [UInt8] = number == 51 ? [51] : [UInt8(number), 1, 2, 3]
      separator.withByteView {
        page.node.insert(at: number, separatorSuffix: $0, child: PageID(UInt32(number + 1)))
      }
    }
    let plan = try #require(SplitPlan(inner: page.view))
    #expect(plan.position == 51)
    #expect(separator(plan, page, key: []) == [51])
  }
}
