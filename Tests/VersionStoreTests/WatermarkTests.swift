import BTreeIndex
import Primitives
import RawBytes
import Testing
import VersionStore

/// What lies between two watermarks, or between a snapshot and a commit, and must not be overlooked.
@Suite struct WatermarkTests {
  /// Readers begin at the acknowledged watermark: what they will see stays, though nobody sees it
  /// now and everything published is newer (V1).
  @Test func `collecting stops at the acknowledged watermark`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit([Change(keyspace, [1], [1])])
    try fixture.commit([Change(keyspace, [1], [2])], acknowledges: false)
    fixture.settle()
    let reader = fixture.store.beginSnapshot(.acknowledged)
    #expect(try fixture.read([1], in: keyspace, at: reader) == [1])
    fixture.store.endSnapshot(reader)
    fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
    fixture.settle()
    #expect(fixture.store.statistics.versionCount == 0)
    fixture.store.close()
  }

  /// A removal is an update like others: whoever wrote the key meanwhile has lost (M7).
  @Test func `a removal after the snapshot is a conflict, also for a batch of several keys`() throws
  {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit([1, 2, 3].map { Change(keyspace, [$0], [1]) })
    let snapshot = fixture.store.beginSnapshot(.published)
    let newer = try fixture.commit([Change(keyspace, [2], nil)])
    var builder = WriteBatchBuilder()
    for number in 1...3 as ClosedRange<UInt8> {
      [number].withByteView { key in builder.set(key, to: key, in: keyspace) }
    }
    let outcome = try fixture.store.prepare(builder.finish(), in: [keyspace], at: snapshot)
    #expect(outcome == .conflict(keyspace: keyspace, key: [2], newer: newer))
    fixture.store.endSnapshot(snapshot)
    fixture.store.close()
  }
}
