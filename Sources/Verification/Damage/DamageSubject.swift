internal import Environment
package import Martlet
package import Simulation

/// A database to damage: its disk, what it holds, and what it looked like earlier.
package struct DamageSubject: Sendable {
  package let name: String
  package let configuration: Configuration
  package let image: DiskImage
  /// Earlier images of the same disk.
  package let older: [DiskImage]
  package let anatomy: DatabaseAnatomy
  /// Pages of the map that an opening frees without a look at them: large values of a keyspace that
  /// was being dropped. Nothing can find what happens to their images, and nobody has to.
  package let abandonedPages: Set<Int>
  /// The fingerprint after each number of changes; the last is what the image holds.
  package let fingerprints: [UInt64]

  package var fingerprint: UInt64 { fingerprints[fingerprints.count - 1] }

  package init(
    name: String, configuration: Configuration, image: DiskImage, older: [DiskImage],
    fingerprints: [UInt64]
  ) {
    self.name = name
    self.configuration = configuration
    self.image = image
    self.older = older
    self.fingerprints = fingerprints
    anatomy = DatabaseAnatomy(of: image, in: CrashSession.directory)
    abandonedPages = Self.abandonedPages(of: anatomy, image, configuration)
  }

  /// Pages whose images are read neither by an opening, nor by whoever reads everything, nor by
  /// `verify`, and that are not in the map any more after the next checkpoint. Both: what is in the
  /// map and read by nobody would be a hole in `verify`.
  private static func abandonedPages(
    of anatomy: DatabaseAnatomy, _ image: DiskImage, _ configuration: Configuration
  ) -> Set<Int> {
    var world = Simulator.Configuration()
    world.keepsTrace = true
    let simulator = Simulator(seed: 1, disk: image, configuration: world)
    do {
      try simulator.run { effects in
        let database = try Database(
          at: anatomy.directory, configuration: configuration, effects: effects)
        _ = try DatabaseDump.fingerprint(of: database)
        _ = try database.verify()
        try database.checkpoint()
        try database.close()
      }
    } catch {
      return []
    }
    let file = Trace.name(of: anatomy.dataPath)
    let reads = simulator.trace.entries.filter { $0.call == .read && $0.third == file }
      .map { Int($0.first)..<Int($0.first + $0.second) }
    let after = DatabaseAnatomy(of: simulator.disk.snapshot, in: anatomy.directory)
    let abandoned = anatomy.pages.filter { number, entry in
      let bytes = entry.offset..<entry.offset + entry.byteCount
      return after.pages[number]?.offset != entry.offset && !reads.contains { $0.overlaps(bytes) }
    }
    return Set(abandoned.keys)
  }

  /// Runs a script; the image is the disk's when the database was closed, or right before.
  package init(
    _ name: String, _ script: CrashScript, compression: ImageCompression, isClosed: Bool
  ) throws {
    var configuration = CrashSession.smallConfiguration
    configuration.compression = compression
    configuration.checkpointInterval = .seconds(1_000_000)
    configuration.checkpointLogBytes = 64 << 20
    let session = CrashSession(script: script, configuration: configuration)
    let simulator = Simulator(seed: script.seed)
    var images: [DiskImage] = []
    simulator.disk.observeChanges { [disk = simulator.disk] _ in images.append(disk.snapshot) }
    var killed: DiskImage?
    try simulator.run { effects in
      try session.run(effects) { _ in killed = simulator.disk.snapshot }
    }
    simulator.disk.observeChanges(nil)
    guard let killed else { preconditionFailure("a run that did not throw reached its end") }
    let image = (isClosed ? simulator.disk.snapshot : killed).afterProcessCrash()
    let older = [0.3, 0.5, 0.7, 0.9].map { images[Int(Double(images.count) * $0)] }
    self.init(
      name: name, configuration: configuration, image: image, older: older,
      fingerprints: session.journal.fingerprints)
  }

  /// What a power cut leaves of a run, with random losses.
  package init(
    _ name: String, _ cut: CrashCampaign.Cut, of campaign: CrashCampaign, older: DiskImage
  ) throws {
    var configuration = campaign.configuration
    configuration.checkpointInterval = .seconds(1_000_000)
    let image = cut.image.afterPowerCut(.random, seed: campaign.seed)
    let found = DamageTrial(configuration: configuration).run(image)
    guard let fingerprint = found.fingerprint,
      let count = campaign.journal.match(fingerprint, at: cut.moment)
    else {
      throw CrashSession.Violation(description: "the cut did not recover: \(found)")
    }
    self.init(
      name: name, configuration: configuration, image: image,
      older: [older.afterPowerCut(.random, seed: campaign.seed)],
      fingerprints: Array(campaign.journal.fingerprints[...count]))
  }
}

extension CrashScript {
  /// A small database with everything in it: a tree of three levels, because its keys are long,
  /// another one, large values, a keyspace that was dropped, tombstones, and after its last
  /// checkpoint a few more commits of every kind.
  package static func everything(
    seed: UInt64, keyCount: Int = 90, endsWithDrop: Bool = false
  ) -> CrashScript {
    var generator = ScriptGenerator(seed: seed)
    func key(_ number: Int) -> [UInt8] {
      Array((String(repeating: "k", count: 400) + "/\(number * 7919 % 10_007)").utf8)
    }
    func value(_ bound: Int) -> Value {
      Value(
        seed: UInt32(truncatingIfNeeded: generator.next()), byteCount: generator.below(bound) + 1)
    }
    func large(_ name: String, _ byteCount: Int) -> Write {
      Write(
        keyspace: "main", key: Array(name.utf8),
        value: Value(seed: UInt32(byteCount), byteCount: byteCount))
    }
    var steps: [Step] = ["main", "other", "passing", "empty"].map { .createKeyspace($0) }
    for start in stride(from: 0, to: keyCount, by: 10) {
      let writes = (start..<start + 10).map {
        Write(keyspace: "main", key: key($0), value: value(400))
      }
      steps.append(.commit(writes, isRelaxed: start % 20 == 0))
      if start == keyCount / 2 / 10 * 10 { steps.append(.checkpoint) }
    }
    let others = (0..<40).map {
      Write(keyspace: "other", key: Array("other/\($0)".utf8), value: value(300))
    }
    steps.append(.commit(others, isRelaxed: false))
    steps.append(
      .commit(
        [Write(keyspace: "passing", key: Array("gone".utf8), value: value(9_000))],
        isRelaxed: false))
    steps.append(.commit([large("large/1", 3_000), large("large/2", 30_000)], isRelaxed: false))
    steps.append(.checkpoint)
    steps.append(.dropKeyspace("passing"))
    steps.append(
      .commit(
        (0..<5).map { Write(keyspace: "main", key: key($0 * 3), value: nil) }, isRelaxed: false))
    steps.append(.checkpoint)
    // The tail.
    for round in 0..<6 {
      var writes = (0..<3).map { _ in
        Write(keyspace: "main", key: key(generator.below(keyCount)), value: value(400))
      }
      writes = writes.enumerated().filter { item in
        !writes[..<item.offset].contains { $0.key == item.element.key }
      }.map(\.element)
      if round == 2 { writes.append(large("large/3", 9_000)) }
      if round == 3 {
        writes.append(Write(keyspace: "main", key: Array("large/1".utf8), value: nil))
      }
      steps.append(.commit(writes, isRelaxed: false))
      if round == 4 { steps.append(.createKeyspace("late")) }
    }
    if endsWithDrop { steps.append(.dropKeyspace("main")) }
    return CrashScript(seed: seed, steps: steps)
  }
}
