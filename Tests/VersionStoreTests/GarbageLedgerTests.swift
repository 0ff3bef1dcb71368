import Primitives
import Seeds
import Testing
import VersionStore

@Suite struct GarbageLedgerTests {
  /// The rule in its plainest form: a version is needed when a live snapshot sees it, or when it
  /// was superseded by something not acknowledged yet (GL3).
  private func isNeeded(_ item: GarbageItem, _ live: [LiveSnapshot], _ watermark: UInt64) -> Bool {
    item.end.rawValue > watermark
      || live.contains { item.begin <= $0.timestamp && $0.timestamp < item.end }
  }

  @Test func `exactly what nobody needs is freed, once, whatever the order of events`() {
    var random = SplitMix(Seed.take(for: "garbage ledger against the rule"))
    for _ in 0..<200 {
      var ledger = GarbageLedger()
      var clock: UInt64 = 10
      var watermark: UInt64 = 10
      var live: [LiveSnapshot] = []
      var present: [GarbageItem] = []
      var number: UInt64 = 0
      for _ in 0..<120 {
        switch random.below(10) {
        case 0..<4:
          // Commits arrive nearly in order.
          clock += UInt64(1 + random.below(3))
          let end = max(clock - UInt64(random.below(3)), watermark + 1)
          clock = max(clock, end)
          let items = (0..<random.below(4)).map { _ in
            number += 1
            return GarbageItem(
              handle: VersionHandle(shard: 0, index: 0, generation: number),
              begin: Timestamp(end - UInt64(1 + random.below(Int(end)))), end: Timestamp(end),
              byteCount: 100)
          }
          present += items
          ledger.add(items)
        case 4..<6:
          watermark += UInt64(random.below(Int(clock - watermark) + 1))
        case 6..<8:
          let slot = (0...).first { slot in !live.contains { $0.slot == slot } }!
          live.append(LiveSnapshot(timestamp: Timestamp(watermark), slot: slot))
          live.sort { ($0.timestamp, $0.slot) < ($1.timestamp, $1.slot) }
        default:
          guard !live.isEmpty else { continue }
          ledger.release(slot: live.remove(at: random.below(live.count)).slot)
        }
        let freed = settle(&ledger, live, watermark, &random)
        for handle in freed {
          let index = present.firstIndex { $0.handle == handle }
          #expect(index != nil, "freed twice, or never there (GL1)")
          if let index {
            #expect(!isNeeded(present[index], live, watermark), "GL3")
            present.remove(at: index)
          }
        }
        #expect(present.allSatisfy { isNeeded($0, live, watermark) }, "collection is exact")
        #expect(ledger.count == present.count)
        let pinned = present.count { $0.end.rawValue <= watermark }
        #expect(ledger.pinnedByteCount == pinned * 100)
      }
      watermark = clock
      for snapshot in live { ledger.release(slot: snapshot.slot) }
      _ = settle(&ledger, [], watermark, &random)
      #expect(ledger.count == 0)
      #expect(ledger.pinnedByteCount == 0)
    }
  }

  /// Places everything, in steps of random size.
  private func settle(
    _ ledger: inout GarbageLedger, _ live: [LiveSnapshot], _ watermark: UInt64,
    _ random: inout SplitMix
  ) -> [VersionHandle] {
    var freed: [VersionHandle] = []
    ledger.acknowledge(through: Timestamp(watermark))
    while ledger.hasUnplaced {
      ledger.place(limit: 1 + random.below(5), freed: &freed) { list in
        list = live
        return true
      } pin: { _ in
        true
      }
    }
    return freed
  }

  @Test func `nothing is placed while a begin is in progress`() {
    var ledger = GarbageLedger()
    ledger.add([
      GarbageItem(
        handle: VersionHandle(shard: 0, index: 0, generation: 1), begin: Timestamp(1),
        end: Timestamp(2), byteCount: 10)
    ])
    ledger.acknowledge(through: Timestamp(5))
    var freed: [VersionHandle] = []
    ledger.place(limit: 10, freed: &freed) { _ in
      false
    } pin: { _ in
      true
    }
    #expect(freed.isEmpty)
    #expect(ledger.hasUnplaced)
  }

  @Test func `a snapshot that ends while it is chosen passes the version on`() {
    var ledger = GarbageLedger()
    ledger.add([
      GarbageItem(
        handle: VersionHandle(shard: 0, index: 0, generation: 1), begin: Timestamp(1),
        end: Timestamp(9), byteCount: 10)
    ])
    ledger.acknowledge(through: Timestamp(9))
    var freed: [VersionHandle] = []
    ledger.place(limit: 10, freed: &freed) { live in
      live = [
        LiveSnapshot(timestamp: Timestamp(3), slot: 0),
        LiveSnapshot(timestamp: Timestamp(5), slot: 1),
      ]
      return true
    } pin: { snapshot in
      snapshot.slot == 0
    }
    #expect(freed.isEmpty)
    #expect(ledger.pinnedByteCount(slot: 0) == 10)
    #expect(ledger.pinnedByteCount(slot: 1) == 0)
  }
}
