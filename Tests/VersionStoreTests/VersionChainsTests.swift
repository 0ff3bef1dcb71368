import BTreeIndex
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

@Suite struct VersionChainsTests {
  private struct Model {
    var key: [UInt8]
    var keyspace: UInt32
    var begin: UInt64
    var end: UInt64
    var value: [UInt8]
    var item: GarbageItem
  }

  @Test func `chains answer as a list of all versions would, and count their bytes exactly`() {
    var random = SplitMix(Seed.take(for: "version chains against a list"))
    let chains = VersionChains(seed: random.next())
    var model: [Model] = []
    var newest: [String: UInt64] = [:]
    var scratch = ByteBuffer()
    for step in 0..<20_000 {
      let key = Array("key\(random.below(60))".utf8)
      let keyspace = UInt32(random.below(3))
      switch random.below(100) {
      case 0..<(model.count > 2000 ? 20 : 45):
        let name = "\(keyspace)/\(key)"
        let begin = newest[name] ?? UInt64(1 + random.below(5))
        let end = begin + UInt64(1 + random.below(5))
        newest[name] = end
        let value = random.bytes(random.below(200))
        let item = key.withByteView { key in
          value.withByteView { value in
            chains.link(
              key, in: KeyspaceID(keyspace), begin: Timestamp(begin), end: Timestamp(end),
              flags: [], value: value)
          }
        }
        model.append(
          Model(key: key, keyspace: keyspace, begin: begin, end: end, value: value, item: item))
      case 45..<80:
        guard !model.isEmpty else { continue }
        let victim = model.swapRemove(at: random.below(model.count))
        #expect(chains.remove(victim.item.handle) == nil)
      default:
        let moment = UInt64(random.below(Int(newest["\(keyspace)/\(key)"] ?? 10) + 3))
        let expected = model.first {
          $0.key == key && $0.keyspace == keyspace && $0.begin <= moment && moment < $0.end
        }
        let found = key.withByteView {
          chains.find(
            $0, in: KeyspaceID(keyspace), at: Timestamp(moment), appendingValueTo: &scratch)
        }
        #expect(found?.timestamp.rawValue == expected?.begin)
        if let found, let expected {
          #expect(scratch.view[found.valueStart..<found.valueEnd].array == expected.value)
        }
        scratch.removeAll()
        let count = key.withByteView { chains.versionCount(of: $0, in: KeyspaceID(keyspace)) }
        #expect(count == model.count { $0.key == key && $0.keyspace == keyspace })
      }
      if step % 500 == 0 {
        #expect(chains.versionCount == model.count)
        #expect(chains.byteCount == model.reduce(0) { $0 + Int($1.item.byteCount) }, "VC1")
      }
    }
    for version in model { _ = chains.remove(version.item.handle) }
    #expect(chains.byteCount == 0)
    #expect(chains.versionCount == 0)
  }

  @Test func `a removed overflow version gives its pages back`() {
    let chains = VersionChains(seed: 1)
    let reference = OverflowReference(byteCount: 99_999, root: PageID(7))
    var bytes = [UInt8](repeating: 0, count: OverflowReference.encodedByteCount)
    var encoded = ByteBuffer()
    encoded.append(zeros: bytes.count)
    reference.encode(into: encoded.mutableView)
    bytes = encoded.view.array
    let item = [1].withByteView { key in
      bytes.withByteView { value in
        chains.link(
          key, in: KeyspaceID(1), begin: Timestamp(1), end: Timestamp(2), flags: .overflow,
          value: value)
      }
    }
    #expect(chains.overflowReferences() == [reference])
    #expect(chains.remove(item.handle) == reference)
    #expect(chains.overflowReferences().isEmpty)
  }

  #if os(Linux) || os(macOS)
    @Test func `freeing a version twice traps although its place was taken again`() async {
      await #expect(processExitsWith: .failure) {
        let chains = VersionChains(seed: 1)
        func link(_ end: UInt64) -> GarbageItem {
          [1].withByteView { key in
            chains.link(
              key, in: KeyspaceID(1), begin: Timestamp(1), end: Timestamp(end), flags: [],
              value: key)
          }
        }
        let first = link(2)
        _ = chains.remove(first.handle)
        _ = link(3)
        _ = chains.remove(first.handle)
      }
    }
  #endif
}

extension Array {
  /// Takes an element out; the last one takes its place.
  mutating func swapRemove(at index: Int) -> Element {
    swapAt(index, count - 1)
    return removeLast()
  }
}
