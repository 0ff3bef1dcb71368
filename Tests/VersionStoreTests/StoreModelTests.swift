import BTreeIndex
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

@Suite struct StoreModelTests {
  #if DEBUG
    private static let stepCount = 3_000
  #else
    private static let stepCount = 40_000
  #endif

  private func randomKey(_ random: inout SplitMix) -> [UInt8] {
    let number = random.below(400)
    return Array("key-\(number % 7)-\(number)".utf8) + [UInt8](repeating: 0, count: number % 23)
  }

  private func randomChanges(
    _ random: inout SplitMix, _ keyspaces: [KeyspaceID]
  ) -> [Change] {
    var changes: [Change] = []
    for _ in 0..<(random.chance(3) ? 150 : 1 + random.below(6)) {
      let keyspace = keyspaces[random.below(keyspaces.count)]
      let key = randomKey(&random)
      if changes.contains(where: { $0.keyspace == keyspace && $0.key == key }) { continue }
      let value: [UInt8]? =
        switch random.below(20) {
        case 0..<6: nil
        case 6: random.bytes(1_100 + random.below(9_000))
        default: random.bytes(random.below(180))
        }
      changes.append(Change(keyspace, key, value))
    }
    return changes
  }

  @Test func `every snapshot sees exactly its moment, whatever is committed, freed or purged`()
    throws
  {
    var random = SplitMix(Seed.take(for: "store against histories"))
    let fixture = try StoreFixture()
    let keyspaces = try [fixture.createKeyspace("a"), fixture.createKeyspace("b")]
    var model = HistoryModel()
    var snapshots: [StoreSnapshot] = []
    for step in 0..<Self.stepCount {
      switch random.below(20) {
      case 0..<7:
        let changes = randomChanges(&random, keyspaces)
        let isRelaxed = random.chance(50)
        let timestamp = try fixture.commit(
          changes, isRelaxed: isRelaxed, acknowledges: random.chance(60))
        model.apply(changes, at: timestamp)
      case 7..<9:
        guard snapshots.count < 12 else { continue }
        snapshots.append(
          fixture.store.beginSnapshot(random.chance(50) ? .published : .acknowledged))
      case 9..<11:
        guard !snapshots.isEmpty else { continue }
        fixture.store.endSnapshot(snapshots.swapRemove(at: random.below(snapshots.count)))
      case 11:
        fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
      case 12:
        _ = fixture.store.maintenance()
      case 13 where step % 10 == 0:
        try fixture.checkpoint()
      case 14:
        guard !snapshots.isEmpty else { continue }
        let snapshot = snapshots[random.below(snapshots.count)]
        let keyspace = keyspaces[random.below(2)]
        let backward = random.chance(50)
        let expected = model.contents(keyspace, at: snapshot.timestamp)
        let found = try fixture.scan(keyspace, at: snapshot, backward: backward)
        let ordered = backward ? found.reversed() : found
        let isRight =
          ordered.map(\.key) == expected.map(\.key)
          && ordered.map(\.value) == expected.map(\.value)
        try #require(isRight, "V1: a scan at \(snapshot.timestamp) in step \(step)")
      default:
        guard !snapshots.isEmpty else { continue }
        let snapshot = snapshots[random.below(snapshots.count)]
        let keyspace = keyspaces[random.below(2)]
        let key = randomKey(&random)
        let isRight =
          try fixture.read(key, in: keyspace, at: snapshot)
          == model.value(key, in: keyspace, at: snapshot.timestamp)
        try #require(isRight, "V1: a read at \(snapshot.timestamp) in step \(step)")
      }
      if step % 100 == 0 {
        fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
        fixture.settle()
        let key = randomKey(&random)
        #expect(
          fixture.store.versionCount(of: key, in: keyspaces[0]) <= snapshots.count, "V3")
      }
    }
    for snapshot in snapshots { fixture.store.endSnapshot(snapshot) }
    fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
    fixture.settle()
    #expect(fixture.store.statistics.versionCount == 0, "garbage collection is exact")
    #expect(fixture.store.statistics.versionByteCount == 0)
    #expect(fixture.store.statistics.pinnedByteCount == 0)
    #expect(try fixture.findings().isEmpty)
    fixture.store.close()
  }

  @Test func `seeks land where the snapshot's own keys say`() throws {
    var random = SplitMix(Seed.take(for: "store cursor seeks"))
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("a")
    var model = HistoryModel()
    func commitSome() throws {
      for _ in 0..<60 {
        let changes = randomChanges(&random, [keyspace])
        model.apply(changes, at: try fixture.commit(changes))
      }
    }
    try commitSome()
    let snapshot = fixture.store.beginSnapshot(.acknowledged)
    try commitSome()
    let keys = model.contents(keyspace, at: snapshot.timestamp).map(\.key)
    for _ in 0..<300 {
      let target = randomKey(&random)
      var cursor = try fixture.store.makeCursor(in: keyspace, at: snapshot)
      let (isThere, expected): (Bool, [UInt8]?) = try target.withByteView { view in
        switch random.below(4) {
        case 0:
          (
            try cursor.seek(atOrAfter: view),
            keys.first { !$0.lexicographicallyPrecedes(target) }
          )
        case 1: (try cursor.seek(after: view), keys.first { target.lexicographicallyPrecedes($0) })
        case 2: (try cursor.seek(before: view), keys.last { $0.lexicographicallyPrecedes(target) })
        default:
          (
            try cursor.seek(atOrBefore: view),
            keys.last { !target.lexicographicallyPrecedes($0) }
          )
        }
      }
      #expect((isThere ? cursor.key.array : nil) == expected)
    }
    fixture.store.endSnapshot(snapshot)
    fixture.store.close()
  }
}
