import Environment
import Martlet
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Each nth call of the file system fails with each number that it can fail with, once and from
/// then on: nothing acknowledged is lost, nothing wrong is returned, no failure of the device is
/// taken for damage, and what was healthy afterwards works again (rules F1, F2, F10).
@Suite(.serialized) struct `A call that fails` {
  /// The calls of a run without faults, in order.
  private func calls(
    on disk: DiskImage = DiskImage(), _ body: (Effects) throws -> Void
  ) throws -> [FileError.Call] {
    try CallFault.calls(seed: Seed.fixed, on: disk, body)
  }

  /// What only damage may be called.
  private static let damage: Set<DatabaseError.Code> = [
    .corrupt, .notADatabase, .newerFormat, .notFound, .alreadyOpen,
  ]

  /// One case in so many, in debug and in release: what is left out has the same call with another
  /// number, or stands beside the same call with it.
  private static let lives: [String: (script: CrashScript, debug: Int, release: Int)] = [
    "short": (.short(seed: Seed.fixed), 61, 2),
    "pressure": (.pressure(valueByteCount: 100_000), 400, 16),
    "dropping": (.dropping, 200, 8),
    "building": (.building, 150, 6),
    "sorting": (.sorting, 150, 6),
  ]

  @Test(arguments: ["short", "pressure", "dropping", "building", "sorting"])
  func `in a short life, from creation to close`(_ name: String) throws {
    let (script, debugStride, releaseStride) = try #require(Self.lives[name])
    let configuration = CrashSession.smallConfiguration
    let calls = try calls { effects in
      let session = StubbornSession(script: script, configuration: configuration)
      try session.run(effects) {}
      #expect(session.outcome.errors.isEmpty && session.outcome.resumed)
    }
    let all = CallFault.all(of: calls)
    let sampled = Effort.sample(all, debug: debugStride, release: releaseStride)
    let refused = Atomic<Int>(0)
    let resumed = Atomic<Int>(0)
    let found = Parallel.failures(sampled) { fault in
      let session = StubbornSession(script: script, configuration: configuration)
      let simulator = Simulator(seed: Seed.fixed)
      simulator.disk.inject(fault.fault)
      do {
        try simulator.run { effects in
          try session.run(effects) { simulator.disk.removeFaults() }
        }
        try check(session.outcome, fault)
        try session.checkLater(
          simulator.disk.snapshot, seed: Seed.fixed, afterRestart: !fault.endsTheMachine)
      } catch {
        throw CrashSession.Violation(description: "\(fault): \(error)")
      }
      if !session.outcome.errors.isEmpty { refused.add(1, ordering: .relaxed) }
      if session.outcome.resumed { resumed.add(1, ordering: .relaxed) }
    }
    let counts = (refused.load(ordering: .relaxed), resumed.load(ordering: .relaxed))
    print(
      "\(name): \(calls.count) calls, \(sampled.count) of \(all.count) cases; \(counts.0) refused something, "
        + "\(counts.1) worked on afterwards")
    found.expectNone(name)
    // Of a handful, as a thinned run has, shares say nothing.
    guard sampled.count >= 24 else { return }
    #expect(counts.0 > sampled.count / 3, "the faults were hardly met")
    #expect(counts.1 > sampled.count / 4, "hardly any worked on")
  }

  private func check(_ outcome: StubbornSession.Outcome, _ fault: CallFault) throws {
    for error in outcome.errors where Self.damage.contains(error.code) {
      throw CrashSession.Violation(description: "taken for damage: \(error)")
    }
    // One failed read is nothing final, but where a page was evicted between a commit's preparation
    // and its application: then what memory holds is not known, and the database is poisoned.
    let isApplication = outcome.errors.contains { $0.message.contains("could not be applied") }
    if fault.isPassingRead, outcome.isFinal, !isApplication {
      throw CrashSession.Violation(description: "final: \(outcome.errors)")
    }
    if outcome.wasOpened, !outcome.isFinal, !outcome.resumed {
      throw CrashSession.Violation(description: "did not resume: \(outcome.errors)")
    }
  }

  @Test(arguments: ["checkpoints", "rotation"])
  func `in a recovery`(_ name: String) throws {
    let script: CrashScript = name == "rotation" ? .rotation : .checkpoints
    let session = CrashSession(script: script, configuration: CrashSession.smallConfiguration)
    let campaign = try SurvivorCampaign(
      seed: Seed.fixed, moment: { session.journal.moment }, body: { try session.run($0) })
    let crashes = Effort.sample(campaign.moments, debug: 20, release: 7)
    let caseCount = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let found = Parallel.failures(crashes) { crash in
      for model in [LossModel.random, .keepAll] {
        let disk = crash.image.afterPowerCut(model, seed: UInt64(crash.change))
        let nothing = { StubbornSession(script: .nothing, configuration: campaign.configuration) }
        let calls = try calls(on: disk) { try nothing().run($0) {} }
        let all = CallFault.all(of: calls)
        for fault in Effort.sample(all, debug: 67, release: 9) {
          caseCount.add(1, ordering: .relaxed)
          let life = nothing()
          let simulator = Simulator(seed: Seed.fixed, disk: disk)
          simulator.disk.inject(fault.fault)
          do {
            try simulator.run { try life.run($0) { simulator.disk.removeFaults() } }
            try check(life.outcome, fault)
            if !life.outcome.errors.isEmpty { refused.add(1, ordering: .relaxed) }
            try checkAfterRecovery(life, simulator.disk.snapshot) {
              session.journal.match($0, at: crash.moment) != nil
            }
          } catch {
            throw CrashSession.Violation(
              description: "crash at \(crash.change), \(model), then \(fault): \(error)")
          }
        }
      }
    }
    print(
      "recovery after \(name): \(caseCount.load(ordering: .relaxed)) cases, "
        + "\(refused.load(ordering: .relaxed)) refused")
    #expect(refused.load(ordering: .relaxed) > caseCount.load(ordering: .relaxed) / 4)
    found.expectNone(name)
  }

  /// What the crashed life left is still there, with what the resumed session added or without.
  private func checkAfterRecovery(
    _ life: StubbornSession, _ disk: DiskImage, isLegal: (UInt64) -> Bool
  ) throws {
    for image in [disk.afterProcessCrash(), disk.afterPowerCut(.loseAll, seed: 1)] {
      let found = try SurvivorCampaign.recover(
        image, CrashSession.smallConfiguration, seed: 5, verifies: true)
      let moment = life.journal.moment
      let added = life.journal.fingerprints[moment.acknowledged...moment.attempted]
      guard added.contains(where: { isLegal(found.fingerprint &- $0) }) else {
        throw CrashSession.Violation(
          description: "\(moment.acknowledged) acknowledged since, \(moment.attempted) attempted; "
            + "recovered to none of them")
      }
    }
  }
}
