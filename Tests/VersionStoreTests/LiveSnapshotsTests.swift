import Primitives
import Testing
import VersionStore

/// What a collector learns of a registry while a snapshot is beginning: that it cannot know (V1).
@Suite struct LiveSnapshotsTests {
  private func begin(_ registry: SnapshotRegistry, at timestamp: UInt64) -> Int {
    let slot = registry.claim(hint: 0)
    registry.register(slot, at: Timestamp(timestamp))
    return slot
  }

  @Test func `the list of live snapshots is no list while one is beginning`() {
    let registry = SnapshotRegistry(watermark: Timestamp(5))
    let first = begin(registry, at: 3)
    var live: [LiveSnapshot] = []
    var isKnown = registry.collectLive(into: &live)
    #expect(isKnown)
    #expect(live == [LiveSnapshot(timestamp: Timestamp(3), slot: first)])
    let beginning = registry.claim(hint: 0)
    isKnown = registry.collectLive(into: &live)
    #expect(!isKnown, "a beginning snapshot is missing, and nobody is told")
    registry.register(beginning, at: Timestamp(5))
    isKnown = registry.collectLive(into: &live)
    #expect(isKnown)
    #expect(live.map(\.timestamp) == [Timestamp(3), Timestamp(5)])
  }

  @Test func `there is no horizon while a snapshot is beginning`() {
    let registry = SnapshotRegistry(watermark: Timestamp(5))
    #expect(registry.horizon() == Timestamp(5))
    _ = begin(registry, at: 3)
    #expect(registry.horizon() == Timestamp(3))
    let beginning = registry.claim(hint: 0)
    #expect(registry.horizon() == nil)
    #expect(!registry.hasNoPending)
    registry.register(beginning, at: Timestamp(4))
    #expect(registry.horizon() == Timestamp(3))
    #expect(registry.hasNoPending)
  }
}
