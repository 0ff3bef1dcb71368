import BTreeIndex
import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

/// Commits that go into the trees together leave what they leave one by one (RA1), to the timestamps
/// and the tombstones.
@Suite struct ReplayGroupTests {
  #if DEBUG
    private static let historyCount = 12
  #else
    private static let historyCount = 150
  #endif

  /// What a store holds for a key: when it was written, and its value unless it is a tombstone.
  private struct Entry: Equatable {
    var timestamp: Timestamp?
    var value: [UInt8]?
  }

  private typealias State = [KeyspaceID: [[UInt8]: Entry]]

  /// Keys of all kinds: the empty one, prefixes of others, zeros at the end, equal beginnings of more
  /// than eight bytes.
  private static let keys: [[UInt8]] =
    [[], [0], [0, 0], [255]] + (0..<60).map { Array("\($0 % 7)-\($0)".utf8) }
    + (0..<20).map { Array("a long beginning".utf8) + [UInt8](repeating: 0, count: $0) }
    + (0..<40).map { Array("a long beginning of \($0 % 3) and then \($0)".utf8) }

  /// Without tombstones up to the horizon, which the background may purge at any moment.
  private func state(
    of fixture: StoreFixture, _ keyspaces: [KeyspaceID], horizon: Timestamp
  ) throws -> State {
    let snapshot = fixture.store.beginSnapshot(.published)
    defer { fixture.store.endSnapshot(snapshot) }
    var state: State = [:]
    for keyspace in keyspaces {
      for key in Self.keys {
        var timestamp = try key.withByteView {
          try fixture.store.newestTimestamp(of: $0, in: keyspace)
        }
        let value = try fixture.read(key, in: keyspace, at: snapshot)
        if value == nil, let written = timestamp, written <= horizon { timestamp = nil }
        state[keyspace, default: [:]][key] = Entry(timestamp: timestamp, value: value)
      }
    }
    return state
  }

  /// Replays logged commits, gathered in groups of so many bytes. Returns how many groups there were.
  private func replay(
    _ commits: ArraySlice<StoreFixture.LoggedCommit>, into fixture: StoreFixture, byteLimit: Int
  ) throws -> Int {
    var group = ReplayGroup(byteLimit: byteLimit)
    var groupCount = 0
    func apply() throws {
      if !group.isEmpty { groupCount += 1 }
      try fixture.store.apply(&group)
    }
    for commit in commits {
      try commit.batch.withByteView { bytes in
        let batch = try WriteBatch(validating: bytes)
        guard group.takes(batch) else {
          try apply()
          try fixture.replay(commit)
          return
        }
        try fixture.store.gather(
          batch, at: commit.timestamp, largeValues: try commit.largeValues.map(fixture.write),
          into: &group)
      }
      if group.isFull { try apply() }
    }
    try apply()
    return groupCount
  }

  private func changes(
    _ random: inout SplitMix, _ keyspaces: [KeyspaceID], removalPercent: Int
  ) -> [Change] {
    var changes: [Change] = []
    for _ in 0..<(random.chance(5) ? 60 : 1 + random.below(3)) {
      let keyspace = keyspaces[random.below(keyspaces.count)]
      let key = Self.keys[random.below(Self.keys.count)]
      if changes.contains(where: { $0.keyspace == keyspace && $0.key == key }) { continue }
      let value: [UInt8]? =
        random.chance(removalPercent)
        ? nil
        : random.chance(8)
          ? random.bytes(1_100 + random.below(5_000)) : random.bytes(random.below(120))
      changes.append(Change(keyspace, key, value))
    }
    return changes
  }

  @Test func `the state is that of one by one, whatever the groups, also replayed twice (RA1, R1)`()
    throws
  {
    var random = SplitMix(Seed.take(for: "replay groups"))
    var groupCount = 0
    var tombstoneCount = 0
    for history in 0..<Self.historyCount {
      let fixture = try StoreFixture(frameCount: 96)
      var keyspaces = try ["a", "b", "c"].map(fixture.createKeyspace)
      let removalPercent = 10 + random.below(80)
      let commitCount = 40 + random.below(160)
      let checkpointAt = random.below(commitCount)
      let dropAt = random.below(2 * commitCount)
      for number in 0..<commitCount {
        if number == dropAt {
          try fixture.dropKeyspace(keyspaces.removeLast(), name: "c")
        }
        if number == checkpointAt { try fixture.checkpoint() }
        try fixture.commit(changes(&random, keyspaces, removalPercent: removalPercent))
      }
      let durable = try fixture.reopenAtCheckpoint()
      let commits = fixture.log
      let tail = commits[commits.firstIndex { $0.timestamp > durable }!...]
      for commit in tail { try fixture.replay(commit) }
      let expected = try state(of: fixture, keyspaces, horizon: durable)
      for entries in expected.values {
        tombstoneCount += entries.values.count { $0.timestamp != nil && $0.value == nil }
      }
      for byteLimit in [1, 300 + random.below(3_000), 1 << 20] {
        #expect(try fixture.reopenAtCheckpoint() == durable)
        groupCount += try replay(tail, into: fixture, byteLimit: byteLimit)
        try #require(
          try state(of: fixture, keyspaces, horizon: durable) == expected,
          "history \(history), \(byteLimit) bytes")
        // Again from before the checkpoint: what is in already changes nothing.
        _ = try replay(tail, into: fixture, byteLimit: byteLimit)
        try #require(
          try state(of: fixture, keyspaces, horizon: durable) == expected,
          "twice, history \(history)")
        fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
        fixture.settle()
        #expect(try fixture.findings() == [], "history \(history), \(byteLimit) bytes")
      }
    }
    #expect(groupCount > 5 * Self.historyCount, "few groups: \(groupCount)")
    #expect(tombstoneCount > 5 * Self.historyCount, "few tombstones: \(tombstoneCount)")
  }

  @Test func `many keyspaces at once`() throws {
    let fixture = try StoreFixture(frameCount: 1_024)
    let keyspaces = try (0..<300).map { try fixture.createKeyspace("k\($0)") }
    try fixture.checkpoint()
    let start = fixture.log.count
    for round in 0..<3 as Range<UInt8> {
      for keyspace in keyspaces.reversed() {
        try fixture.commit([Change(keyspace, Self.keys[Int(round)], [round])])
        try fixture.commit([Change(keyspace, [9], [round])])
      }
    }
    let expected = try state(of: fixture, keyspaces, horizon: .zero)
    _ = try fixture.reopenAtCheckpoint()
    let count = try replay(fixture.log[start...], into: fixture, byteLimit: 1 << 20)
    #expect(count == 1)
    #expect(try state(of: fixture, keyspaces, horizon: .zero) == expected)
  }

  @Test func `a large value that another commit replaces in the same group leaves no page behind`()
    throws
  {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("k")
    try fixture.commit([Change(keyspace, [1], [UInt8](repeating: 1, count: 30_000))])
    try fixture.checkpoint()
    let start = fixture.log.count
    for round in 2..<6 as Range<UInt8> {
      try fixture.commit([Change(keyspace, [1], [UInt8](repeating: round, count: 20_000))])
    }
    try fixture.commit([Change(keyspace, [2], [UInt8](repeating: 8, count: 20_000))])
    try fixture.commit([Change(keyspace, [2], nil)])
    _ = try fixture.reopenAtCheckpoint()
    #expect(try replay(fixture.log[start...], into: fixture, byteLimit: 1 << 20) == 1)
    fixture.store.acknowledge(through: fixture.store.publishedTimestamp)
    fixture.settle()
    let snapshot = fixture.store.beginSnapshot(.published)
    defer { fixture.store.endSnapshot(snapshot) }
    #expect(
      try fixture.read([1], in: keyspace, at: snapshot) == [UInt8](repeating: 5, count: 20_000))
    #expect(try fixture.read([2], in: keyspace, at: snapshot) == nil)
    #expect(try fixture.findings() == [])
  }

  @Test
  func `large values fill a group in full, and a commit for itself is not gathered (RG2, RG3)`()
    throws
  {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("k")
    try fixture.commit([Change(keyspace, [1], [UInt8](repeating: 1, count: 30_000))])
    try fixture.commit([Change(keyspace, [2], [UInt8](repeating: 1, count: 900))])
    var group = ReplayGroup(byteLimit: 20_000)
    let takes = try fixture.log.map { commit in
      try commit.batch.withByteView { group.takes(try WriteBatch(validating: $0)) }
    }
    #expect(takes == [false, true, true], "the first makes a keyspace")
    let commit = fixture.log[1]
    try commit.batch.withByteView {
      try fixture.store.gather(
        WriteBatch(validating: $0), at: commit.timestamp,
        largeValues: try commit.largeValues.map(fixture.write), into: &group)
    }
    let isFull = group.isFull
    #expect(isFull)
    let small = ReplayGroup(byteLimit: 3_000)
    let isTaken = try fixture.log[2].batch.withByteView {
      small.takes(try WriteBatch(validating: $0))
    }
    #expect(!isTaken, "more than a quarter")
    try fixture.store.apply(&group)
    fixture.settle()
    let isEmpty = group.isEmpty
    #expect(isEmpty)
  }

  @Test func `an unknown keyspace and an impossible entry are refused when they are gathered`()
    throws
  {
    let fixture = try StoreFixture()
    let keyspace = try fixture.createKeyspace("k")
    func gather(_ keyspace: KeyspaceID, valueByteCount: Int) throws(StoreError) {
      var builder = WriteBatchBuilder()
      let (key, value) = ([1] as [UInt8], [UInt8](repeating: 1, count: valueByteCount))
      key.withByteView { key in value.withByteView { builder.set(key, to: $0, in: keyspace) } }
      var group = ReplayGroup(byteLimit: 1 << 20)
      try fixture.store.gather(
        builder.finish(), at: Timestamp(1_000), largeValues: [], into: &group)
    }
    #expect(throws: StoreError.unknownKeyspace(KeyspaceID(77))) {
      try gather(KeyspaceID(77), valueByteCount: 1)
    }
    try gather(keyspace, valueByteCount: 1)
    let error = #expect(throws: StoreError.self) { try gather(keyspace, valueByteCount: 4_096) }
    guard case .tree(.corrupt)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
