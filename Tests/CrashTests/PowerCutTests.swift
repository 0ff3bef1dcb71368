import Dispatch
import Foundation
import Martlet
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// The power fails at every write of a recorded life, in every loss model (rules R1, R3, W2, W4).
@Suite(.serialized) struct `A power cut` {
  static let seed = Seed.fixed

  /// In release mode every change is a cut; in debug mode a sample, for the same code.
  static let stride: Int = {
    if let text = ProcessInfo.processInfo.environment["MARTLET_STRIDE"], let stride = Int(text) {
      return max(1, stride)
    }
    #if DEBUG
      return 40
    #else
      return 1
    #endif
  }()

  @Test func `at any write leaves every acknowledged commit and no part of another`() throws {
    print("seed \(Self.seed)")
    let campaign = try CrashCampaign(script: .life(seed: Self.seed), seed: Self.seed)
    let statistics = campaign.statistics
    print(
      "\(campaign.cuts.count) changes, \(campaign.journal.attempted) commits, "
        + "\(statistics.checkpoints) checkpoints")

    // The recorded life must have met everything that the cuts are meant to hit.
    #expect(statistics.checkpoints >= 3)
    #expect(statistics.logSegmentsReused >= 2)
    #expect(statistics.splits > 0 && statistics.merges > 0)
    #expect(campaign.journal.height >= 3, "levels")
    #expect(statistics.dirtyEvictions > 0)
    #expect(statistics.handOvers > 0)
    #expect(statistics.truncations > 0)
    #expect(campaign.cuts.count > 300)
    #expect(campaign.report.isClean, "\(campaign.report.findings)")

    expectRecoveries(of: campaign, stride: Self.stride)
  }

  /// Cuts the power at every so many changes, in every loss model, and checks what is recovered.
  private func expectRecoveries(of campaign: CrashCampaign, stride: Int) {
    let jobs = campaign.cuts.enumerated().filter { $0.offset % stride == 0 }.flatMap { item in
      LossModel.allCases.map { (item.element, $0) }
    }
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
      do {
        try campaign.check(jobs[index].0, jobs[index].1)
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    let found = failures.withLock { $0 }
    for failure in found.prefix(5) { Issue.record("\(failure)") }
    print("\(campaign.cuts.count) changes, \(jobs.count) recoveries, three times each")
    #expect(found.isEmpty, "\(found.count) of \(jobs.count) recoveries failed")
  }

  @Test(arguments: ["building", "sorting"])
  func `at any write of a bulk build leaves all of the keyspace or nothing of it`(
    _ name: String
  ) throws {
    let script: CrashScript = name == "sorting" ? .sorting : .building
    let campaign = try CrashCampaign(script: script, seed: Self.seed)
    #expect(campaign.report.isClean, "\(campaign.report.findings)")
    print(name)
    expectRecoveries(of: campaign, stride: max(1, Self.stride / 10))
  }

  @Test func `is noticed when the disk lies about syncing (negative control)`() throws {
    // A disk that reports success for syncs it does not make: acknowledged commits must be lost,
    // and the campaign must see it. A harness that cannot fail proves nothing.
    let campaign = try CrashCampaign(
      script: .short(seed: Self.seed), seed: Self.seed,
      prepare: { $0.inject(Fault(.lies, .always)) })
    var caught = 0
    for cut in campaign.cuts {
      do { try campaign.check(cut, .loseAll) } catch { caught += 1 }
    }
    #expect(
      caught > campaign.cuts.count / 4, "only \(caught) of \(campaign.cuts.count) were caught")
  }

  @Test func `meets the same run again from the same seed`() throws {
    func hash() throws -> UInt64 {
      let simulator = Simulator(seed: Self.seed)
      let session = CrashSession(
        script: .short(seed: Self.seed), configuration: CrashSession.smallConfiguration)
      try simulator.run { try session.run($0) }
      return simulator.traceHash
    }
    #expect(try hash() == hash())
  }
}
