import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing
import VersionStore

/// The store in a world whose every answer comes from a seed.
@Suite struct StoreSimulationTests {
  #if DEBUG
    private static let cutCount = 12
  #else
    private static let cutCount = 150
  #endif

  /// What a crash may show: the model, and the moments that were captured.
  private struct Course {
    var model = HistoryModel()
    var captured: [Timestamp] = []
    /// The newest moment whose checkpoint was written; nil before the file is there.
    var durable: Timestamp?
    var keyspaces: [(id: KeyspaceID, name: String)] = []
    var dropped: [KeyspaceID: Timestamp] = [:]
  }

  /// Commits, snapshots, drops and checkpoints, one after the other, while the background threads
  /// of the store and of the pager do what they do.
  private func work(_ effects: Effects, _ random: inout SplitMix, _ course: inout Course) throws {
    let fixture = try StoreFixture(effects: effects)
    defer { fixture.store.close() }
    course.captured.append(Timestamp(100))
    course.durable = Timestamp(100)
    var snapshots: [StoreSnapshot] = []
    defer { for snapshot in snapshots { fixture.store.endSnapshot(snapshot) } }
    for step in 0..<120 {
      switch random.below(12) {
      case 0 where course.keyspaces.count < 3:
        let name = "keyspace \(step)"
        course.keyspaces.append((try fixture.createKeyspace(name), name))
      case 1 where course.keyspaces.count == 3:
        let (id, name) = course.keyspaces.remove(at: random.below(3))
        course.dropped[id] = try fixture.dropKeyspace(id, name: name)
      case 2:
        let moment = fixture.store.publishedTimestamp
        course.captured.append(moment)
        try fixture.checkpoint()
        course.durable = moment
      case 3 where snapshots.count < 3:
        snapshots.append(fixture.store.beginSnapshot(.acknowledged))
      case 4 where !snapshots.isEmpty:
        fixture.store.endSnapshot(snapshots.swapRemove(at: random.below(snapshots.count)))
      case 5:
        // Gives the background threads a turn.
        effects.waits.yield(attempt: 100)
      default:
        guard !course.keyspaces.isEmpty else { continue }
        let keyspace = course.keyspaces[random.below(course.keyspaces.count)].id
        var changes: [Change] = []
        for _ in 0..<(1 + random.below(30)) {
          let key = Array("key \(random.below(300))".utf8)
          if changes.contains(where: { $0.key == key }) { continue }
          let value: [UInt8]? =
            random.chance(30) ? nil : random.bytes(random.chance(5) ? 9_000 : random.below(200))
          changes.append(Change(keyspace, key, value))
        }
        let timestamp = try fixture.commit(changes, isRelaxed: random.chance(50))
        course.model.apply(changes, at: timestamp)
        if let snapshot = snapshots.first {
          let contents = try fixture.scan(keyspace, at: snapshot)
          let expected = course.model.contents(keyspace, at: snapshot.timestamp)
          let isRight =
            contents.map(\.key) == expected.map(\.key)
            && contents.map(\.value) == expected.map(\.value)
          #expect(isRight, "V1")
        }
      }
    }
  }

  @Test func `the same seed gives the same run`() throws {
    var random = SplitMix(Seed.take(for: "simulated store, twice"))
    for _ in 0..<3 {
      let seed = random.next()
      let hashes = try (0..<2).map { _ in
        let simulator = Simulator(seed: seed)
        var random = SplitMix(seed)
        var course = Course()
        try simulator.run { effects in try work(effects, &random, &course) }
        return simulator.traceHash
      }
      #expect(hashes[0] == hashes[1])
    }
  }

  @Test func `after a power cut the store is exactly at a captured moment`() throws {
    var random = SplitMix(Seed.take(for: "simulated store, power cuts"))
    for _ in 0..<Self.cutCount {
      let seed = random.next()
      let cut = 1 + random.below(200)
      let simulator = Simulator(seed: seed)
      simulator.disk.cutPower(atChange: cut)
      var workRandom = SplitMix(seed)
      var course = Course()
      do {
        try simulator.run { effects in try work(effects, &workRandom, &course) }
      } catch {
        // The power is gone.
        #expect(error is StoreError || error is TreeError)
      }
      let survivor = simulator.disk.afterPowerCut(.random, seed: seed)
      try expectCapturedState(survivor, course, seed: seed, "seed \(seed), cut at \(cut)")
    }
  }

  private func expectCapturedState(
    _ image: DiskImage, _ course: Course, seed: UInt64, _ label: Comment
  ) throws {
    try Simulator(seed: seed &+ 1, disk: image).run { effects in
      guard try effects.files.kind(of: StoreFixture.path) == .file else {
        #expect(course.durable == nil, label)
        return
      }
      let configuration = StoreConfiguration(pageSize: 4096, cacheByteCount: 64 * 4096)
      let opened = try VersionStore.open(
        path: StoreFixture.path, configuration: configuration, effects: effects)
      defer { opened.store.close() }
      let moment = opened.checkpoint.timestamp
      #expect(course.captured.contains(moment) || course.durable == nil, label)
      if let durable = course.durable { #expect(moment >= durable, label) }
      let snapshot = opened.store.beginSnapshot(.acknowledged)
      for info in opened.store.keyspaces where info.state == .live {
        var cursor = try opened.store.makeCursor(in: info.id, at: snapshot)
        var keys: [[UInt8]] = []
        var isThere = try cursor.seekFirst()
        while isThere {
          keys.append(cursor.key.array)
          isThere = try cursor.next()
        }
        let isRight = keys == course.model.contents(info.id, at: moment).map(\.key)
        #expect(isRight, label)
      }
      opened.store.endSnapshot(snapshot)
      for (id, droppedAt) in course.dropped where droppedAt <= moment {
        #expect(opened.store.keyspace(id)?.state != .live, label)
      }
      while opened.store.maintenance() == .more {}
      _ = try opened.store.verify(progress: { _, _ in }, report: { Issue.record($0, label) })
      #expect(!opened.store.keyspaces.contains { $0.state == .dropping }, label)
    }
  }
}
