import Environment
import Martlet
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// The disk has room for every possible number of blocks, or becomes full at every change: each
/// refusal says so, nothing is lost, and work goes on when there is space (rule F10).
@Suite(.serialized) struct `A disk without space` {
  private static let scripts: [String: CrashScript] = [
    "short": .short(seed: Seed.fixed), "building": .building, "sorting": .sorting,
  ]
  private static let configuration = CrashSession.smallConfiguration

  /// A run with as much space as it wants, and how many blocks and changes that takes.
  private func calmRun(_ script: CrashScript) throws -> (blockCount: Int, changeCount: Int) {
    let session = StubbornSession(script: script, configuration: Self.configuration)
    let simulator = Simulator(seed: Seed.fixed)
    var most: UInt64 = 0
    simulator.disk.observeChanges { [disk = simulator.disk] _ in
      most = max(most, disk.snapshot.usedByteCount)
    }
    try simulator.run { try session.run($0) {} }
    simulator.disk.observeChanges(nil)
    #expect(session.outcome.errors.isEmpty && session.outcome.resumed)
    return (Int(most) / 4096, simulator.disk.counters.changeCount)
  }

  private func check(_ session: StubbornSession, _ simulator: Simulator) throws {
    for error in session.outcome.errors where error.code != .diskFull {
      throw CrashSession.Violation(description: "not diskFull: \(error)")
    }
    guard session.outcome.resumed || !session.outcome.wasOpened else {
      throw CrashSession.Violation(description: "did not resume: \(session.outcome.errors)")
    }
    try session.checkLater(simulator.disk.snapshot, seed: Seed.fixed)
  }

  @Test(arguments: ["short", "building", "sorting"])
  func `of every size refuses what does not fit and loses nothing`(_ name: String) throws {
    let script = try #require(Self.scripts[name])
    let calm = try calmRun(script)
    let sizes = Effort.sample(Array(0...calm.blockCount), debug: 9)
    let refused = Atomic<Int>(0)
    let found = Parallel.failures(sizes) { size in
      let session = StubbornSession(script: script, configuration: Self.configuration)
      let simulator = Simulator(seed: Seed.fixed)
      simulator.disk.capacity = UInt64(size) * 4096
      do {
        try simulator.run { try session.run($0) { simulator.disk.capacity = nil } }
        try check(session, simulator)
      } catch {
        throw CrashSession.Violation(description: "\(size) blocks: \(error)")
      }
      if !session.outcome.errors.isEmpty { refused.add(1, ordering: .relaxed) }
    }
    print(
      "\(sizes.count) sizes up to \(calm.blockCount) blocks, \(refused.load(ordering: .relaxed)) "
        + "too small")
    // Not most of them: a calm run grows its files in steps that a small disk does without.
    #expect(refused.load(ordering: .relaxed) > sizes.count / 4)
    found.expectNone("sizes")
  }

  @Test(arguments: ["short", "building", "sorting"], [1, 9])
  func `from any change on refuses what does not fit and loses nothing`(
    _ name: String, _ spare: Int
  ) throws {
    let script = try #require(Self.scripts[name])
    let calm = try calmRun(script)
    let changes = Effort.sample(Array(1...calm.changeCount), debug: 9)
    let refused = Atomic<Int>(0)
    let found = Parallel.failures(changes) { change in
      let session = StubbornSession(script: script, configuration: Self.configuration)
      let simulator = Simulator(seed: Seed.fixed)
      simulator.disk.observeChanges { [disk = simulator.disk] number in
        // As many blocks as are in use, and a few.
        if number == change {
          disk.capacity = disk.snapshot.usedByteCount + UInt64(spare - 1) * 4096
        }
      }
      do {
        try simulator.run { effects in
          try session.run(effects) {
            simulator.disk.observeChanges(nil)
            simulator.disk.capacity = nil
          }
        }
        try check(session, simulator)
      } catch {
        throw CrashSession.Violation(description: "full at change \(change): \(error)")
      }
      if !session.outcome.errors.isEmpty { refused.add(1, ordering: .relaxed) }
    }
    print(
      "full at \(changes.count) of \(calm.changeCount) changes with \(spare - 1) blocks to spare, "
        + "\(refused.load(ordering: .relaxed)) refused something")
    #expect(refused.load(ordering: .relaxed) > changes.count / 8)
    found.expectNone("changes")
  }

  @Test func `in a recovery refuses or recovers, and loses nothing`() throws {
    let first = CrashSession(script: .rotation, configuration: Self.configuration)
    let campaign = try SurvivorCampaign(
      seed: Seed.fixed, moment: { first.journal.moment }, body: { try first.run($0) })
    let crashes = Effort.sample(campaign.moments, debug: 12)
    let refused = Atomic<Int>(0)
    let found = Parallel.failures(crashes) { crash in
      let disk = crash.image.afterPowerCut(.random, seed: UInt64(crash.change))
      let before = try SurvivorCampaign.recover(disk, Self.configuration, seed: Seed.fixed)
      for spare in [0, 1, 3, 8] {
        let simulator = Simulator(seed: Seed.fixed, disk: disk)
        simulator.disk.capacity = disk.usedByteCount + UInt64(spare) * 4096
        let session = StubbornSession(script: .nothing, configuration: Self.configuration)
        do {
          try simulator.run { try session.run($0) { simulator.disk.capacity = nil } }
          for error in session.outcome.errors where error.code != .diskFull {
            throw CrashSession.Violation(description: "not diskFull: \(error)")
          }
          if !session.outcome.errors.isEmpty { refused.add(1, ordering: .relaxed) }
          let after = try SurvivorCampaign.recover(
            simulator.disk.afterPowerCut(.loseAll, seed: 1), Self.configuration, seed: 2)
          let added = session.journal.fingerprints[session.journal.acknowledged]
          guard after.fingerprint &- added == before.fingerprint else {
            throw CrashSession.Violation(description: "something was lost")
          }
        } catch {
          throw CrashSession.Violation(
            description: "crash at \(crash.change), \(spare) blocks to spare: \(error)")
        }
      }
    }
    print(
      "recovery on a full disk: \(crashes.count * 4) cases, \(refused.load(ordering: .relaxed)) "
        + "refused")
    #expect(refused.load(ordering: .relaxed) > 0)
    found.expectNone("recovery")
  }
}
