import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

@Suite struct StoreTests {
  private func key(_ number: Int) -> [UInt8] {
    let text = String(number)
    return Array((String(repeating: "0", count: 8 - text.count) + text).utf8)
  }

  @Test func `a key committed after the snapshot is a conflict, one before is not`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit([Change(keyspace, key(1), [1]), Change(keyspace, key(2), [1])])
    let snapshot = fixture.store.beginSnapshot(.published)
    let newer = try fixture.commit([Change(keyspace, key(2), nil)])
    func prepare(_ number: Int) throws -> PrepareOutcome {
      let bytes = encode([OwnedEntry(keyspace.rawValue, key(number), .set([9]))])
      return try bytes.withByteView {
        try fixture.store.prepare(WriteBatch(validating: $0), in: [keyspace], at: snapshot)
      }
    }
    #expect(try prepare(1) == .ready(leaf: nil))
    #expect(try prepare(2) == .conflict(keyspace: keyspace, key: key(2), newer: newer))
    #expect(try prepare(3) == .ready(leaf: nil))
    fixture.store.endSnapshot(snapshot)
    let later = fixture.store.beginSnapshot(.published)
    let bytes = encode([OwnedEntry(keyspace.rawValue, key(2), .set([9]))])
    #expect(
      try bytes.withByteView {
        try fixture.store.prepare(WriteBatch(validating: $0), in: [keyspace], at: later)
      } == .ready(leaf: nil))
    fixture.store.endSnapshot(later)
    fixture.store.close()
  }

  @Test func `a reader at the acknowledged watermark does not see what is only published`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit([Change(keyspace, key(1), [1])])
    try fixture.commit([Change(keyspace, key(1), [2])], acknowledges: false)
    let reader = fixture.store.beginSnapshot(.acknowledged)
    let writer = fixture.store.beginSnapshot(.published)
    #expect(try fixture.read(key(1), in: keyspace, at: reader) == [1])
    #expect(try fixture.read(key(1), in: keyspace, at: writer) == [2])
    fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
    #expect(try fixture.read(key(1), in: keyspace, at: reader) == [1])
    fixture.store.endSnapshot(reader)
    fixture.store.endSnapshot(writer)
    #expect(fixture.store.statistics.versionCount == 0)
    fixture.store.close()
  }

  @Test func `relaxed commits without readers keep nothing, with a reader exactly one version`()
    throws
  {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    for value in 0..<10 {
      try fixture.commit([Change(keyspace, key(1), [UInt8(value)])], isRelaxed: true)
      #expect(fixture.store.statistics.versionCount == 0)
    }
    let reader = fixture.store.beginSnapshot(.acknowledged)
    for value in 10..<20 {
      try fixture.commit([Change(keyspace, key(1), [UInt8(value)])], isRelaxed: true)
      #expect(fixture.store.statistics.versionCount == 1, "versions between readers go at once")
    }
    #expect(try fixture.read(key(1), in: keyspace, at: reader) == [9])
    fixture.store.endSnapshot(reader)
    #expect(fixture.store.statistics.versionCount == 0)
    fixture.store.close()
  }

  @Test func `a snapshot that pins too much expires, and its next read says so`() throws {
    let fixture = try StoreFixture(versionByteBudget: 100_000)
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit(
      (0..<400).map { Change(keyspace, key($0), [UInt8](repeating: 1, count: 200)) })
    let old = fixture.store.beginSnapshot(.acknowledged)
    #expect(try fixture.read(key(0), in: keyspace, at: old) != nil)
    for start in stride(from: 0, to: 400, by: 40) {
      try fixture.commit(
        (start..<start + 40).map {
          Change(keyspace, key($0), [UInt8](repeating: 2, count: 200))
        })
    }
    #expect(fixture.events.messages(.warning).contains { $0.contains("pinned by a snapshot") })
    #expect(throws: StoreError.self) { try fixture.read(key(0), in: keyspace, at: old) }
    #expect(throws: StoreError.self) { try fixture.scan(keyspace, at: old) }
    do {
      _ = try fixture.read(key(399), in: keyspace, at: old)
    } catch let error as StoreError {
      #expect(
        error == .snapshotTooOld(at: old.timestamp, newest: fixture.store.publishedTimestamp))
    }
    let young = fixture.store.beginSnapshot(.acknowledged)
    #expect(try fixture.read(key(0), in: keyspace, at: young)?.first == 2)
    fixture.store.endSnapshot(young)
    #expect(fixture.store.statistics.expiredSnapshotCount == 1)
    #expect(fixture.store.statistics.versionByteCount < 100_000)
    fixture.store.endSnapshot(old)
    fixture.settle()
    #expect(fixture.store.statistics.versionCount == 0)
    #expect(try fixture.findings().isEmpty)
    fixture.store.close()
  }

  @Test func `the idle snapshot expires before an older busy one`() throws {
    let fixture = try StoreFixture(versionByteBudget: 200_000)
    let keyspace = try fixture.createKeyspace("a")
    func write(_ numbers: Range<Int>, _ byte: UInt8) throws {
      try fixture.commit(
        numbers.map { Change(keyspace, key($0), [UInt8](repeating: byte, count: 200)) })
    }
    try write(0..<100, 1)
    let busy = fixture.store.beginSnapshot(.acknowledged)
    // What is made from here on only the idle one pins.
    try write(100..<1000, 1)
    let idle = fixture.store.beginSnapshot(.acknowledged)
    try write(0..<500, 2)
    #expect(fixture.events.messages(.warning).count == 1)
    #expect(try fixture.read(key(0), in: keyspace, at: busy)?.first == 1)
    try write(500..<1000, 2)
    #expect(fixture.store.isLive(busy))
    #expect(!fixture.store.isLive(idle))
    #expect(try fixture.read(key(0), in: keyspace, at: busy)?.first == 1)
    #expect(throws: StoreError.self) { try fixture.read(key(0), in: keyspace, at: idle) }
    fixture.store.endSnapshot(busy)
    fixture.store.endSnapshot(idle)
    fixture.store.close()
  }

  @Test func `a large value stays for the snapshot that saw it, and its pages go with it`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    var random = SplitMix(5)
    let first = random.bytes(50_000)
    let second = random.bytes(70_000)
    try fixture.commit([Change(keyspace, key(1), first)])
    let reader = fixture.store.beginSnapshot(.acknowledged)
    try fixture.commit([Change(keyspace, key(1), second)])
    #expect(try fixture.read(key(1), in: keyspace, at: reader) == first)
    #expect(try fixture.findings().isEmpty)
    // A checkpoint holds the new value alone (VS4), and the reader goes on.
    try fixture.checkpoint()
    #expect(try fixture.read(key(1), in: keyspace, at: reader) == first)
    #expect(fixture.store.statistics.paging.volatilePageCount > 0)
    fixture.store.endSnapshot(reader)
    fixture.settle()
    #expect(fixture.store.statistics.paging.volatilePageCount == 0)
    #expect(try fixture.findings().isEmpty)
    try fixture.commit([Change(keyspace, key(1), nil)], isRelaxed: true)
    fixture.settle()
    let census = try fixture.store.verify(progress: { _, _ in }, report: { Issue.record($0) })
    #expect(census.overflowPageCount == 0)
    fixture.store.close()
  }

  @Test func `large values that no entry installs are freed`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    var writer = fixture.store.makeOverflowWriter(byteCount: 20_000)
    try [UInt8](repeating: 3, count: 20_000).withByteView { try writer.append($0) }
    let reference = try writer.finish()
    let bytes = encode([OwnedEntry(keyspace.rawValue, key(1), .set([1]))])
    try bytes.withByteView {
      try fixture.store.apply(
        WriteBatch(validating: $0), at: Timestamp(1000),
        largeValues: [OverflowReference(byteCount: 0, root: .none), reference],
        announcement: .keeping)
    }
    fixture.store.publish(through: Timestamp(1000))
    fixture.settle()
    #expect(fixture.store.statistics.paging.volatilePageCount == 0)
    #expect(try fixture.findings().isEmpty)
    fixture.store.close()
  }

  @Test func `tombstones stay as long as a snapshot needs them, then leaves shrink away`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    let numbers = Array(0..<2000)
    try fixture.commit(numbers.map { Change(keyspace, key($0), [UInt8](repeating: 1, count: 50)) })
    let reader = fixture.store.beginSnapshot(.acknowledged)
    try fixture.commit(numbers.dropFirst(10).map { Change(keyspace, key($0), nil) })
    fixture.settle()
    var census = try fixture.store.verify(progress: { _, _ in }, report: { Issue.record($0) })
    #expect(census.tombstoneCount == 1990)
    #expect(try fixture.scan(keyspace, at: reader).count == 2000)
    fixture.store.endSnapshot(reader)
    fixture.settle()
    census = try fixture.store.verify(progress: { _, _ in }, report: { Issue.record($0) })
    #expect(census.tombstoneCount == 0)
    #expect(census.leafCount <= 4)
    let now = fixture.store.beginSnapshot(.acknowledged)
    #expect(try fixture.scan(keyspace, at: now).map(\.key) == numbers.prefix(10).map(key))
    fixture.store.endSnapshot(now)
    fixture.store.close()
  }

  /// Short keys fit the hints of a root table; long ones do not, and their keyspace is swept.
  @Test(arguments: [0, 480])
  func `tombstones that a checkpoint holds are dropped after the next open`(padding: Int) throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    let keys = (0..<2000).map { key($0) + [UInt8](repeating: 9, count: padding) }
    try fixture.commit(keys.map { Change(keyspace, $0, [1, 2, 3]) })
    let reader = fixture.store.beginSnapshot(.acknowledged)
    try fixture.commit(keys.map { Change(keyspace, $0, nil) })
    try fixture.checkpoint()
    fixture.store.endSnapshot(reader)
    try fixture.reopen()
    fixture.settle()
    let census = try fixture.store.verify(progress: { _, _ in }, report: { Issue.record($0) })
    #expect(census.tombstoneCount == 0)
    #expect(census.leafCount <= 4)
    fixture.store.close()
  }

  @Test func `a commit that discarded and cannot be published takes reads with it`() throws {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    try fixture.commit([Change(keyspace, key(1), [1])])
    let bytes = encode([OwnedEntry(keyspace.rawValue, key(1), .set([2]))])
    try bytes.withByteView { bytes in
      let batch = try WriteBatch(validating: bytes)
      let announcement = fixture.store.announce(batch, isAcknowledgedAtPublication: true)
      #expect(!announcement.keepsVersions)
      try fixture.store.apply(batch, at: Timestamp(1000), announcement: announcement)
      fixture.store.abandon(announcement)
    }
    let reader = fixture.store.beginSnapshot(.acknowledged)
    #expect(throws: StoreError.poisoned) { try fixture.read(key(1), in: keyspace, at: reader) }
    fixture.store.endSnapshot(reader)
    fixture.store.close()
  }
}
