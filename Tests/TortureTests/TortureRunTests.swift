import Foundation
import Seeds
import Testing
import Verification

/// Whole runs, as `martlet torture` makes them.
@Suite(.serialized) struct `A torture run` {
  /// How many runs: in debug mode a taste.
  static let runCount: Int = {
    #if DEBUG
      12
    #else
      300
    #endif
  }()

  static var width: Int { ProcessInfo.processInfo.activeProcessorCount }

  @Test func `keeps every promise`() {
    let first = Seed.fixed
    print("seed \(first)")
    let tally = TortureCampaign(firstSeed: first, runCount: Self.runCount, width: Self.width).run()
    for failure in tally.failures {
      Issue.record("run \(failure.seed): \(failure.violation?.description ?? "")")
    }
    #expect(tally.runCount == Self.runCount)
    #expect(tally.commitCount > Self.runCount * 10, "the runs hardly did anything")
    #expect(tally.viewCount > Self.runCount * 15)
    #expect(tally.crashCount > Self.runCount)
  }

  /// A commit could not be applied, so that it was never published; a serializable transaction that
  /// began then took a snapshot older than the conflict history allows, and the process trapped.
  @Test func `goes on when a serializable transaction begins on a poisoned database`() {
    #expect(TortureRun.run(TorturePlan(seed: 5_409)).violation == nil)
  }

  @Test func `is the same again from the same seed`() {
    for seed in Seed.fixed..<Seed.fixed + 3 {
      let plan = TorturePlan(seed: seed)
      let first = TortureRun.run(plan)
      let second = TortureRun.run(plan)
      #expect(first.traceHash == second.traceHash, "seed \(seed)")
      #expect(first.commitCount == second.commitCount && first.faults == second.faults)
    }
  }

  /// A harness that cannot fail proves nothing.
  @Test(arguments: TortureLie.allCases)
  func `finds a disk that lies (negative control)`(_ lie: TortureLie) throws {
    var campaign = TortureCampaign(firstSeed: Seed.fixed, runCount: 30, width: Self.width)
    campaign.lie = lie
    campaign.failureLimit = 3
    let tally = campaign.run()
    #expect(tally.failures.count >= 3, "in 30 runs on a disk that lies about \(lie)")
  }

  @Test func `that fails is made smaller and still fails`() throws {
    var failing: TortureResult?
    for seed in Seed.fixed... {
      let result = TortureRun.run(TorturePlan(seed: seed), lie: .logSync)
      if result.violation != nil {
        failing = result
        break
      }
    }
    let result = try #require(failing)
    let kind = try #require(result.violation?.kind)
    var shrinker = TortureShrinker(
      seed: result.seed, kind: kind, limits: TortureLimits(), attemptLimit: 25, lie: .logSync)
    let smallest = shrinker.shrink()
    #expect(smallest.violation?.kind == kind)
    #expect(smallest.operationCount <= result.operationCount)
    #expect(shrinker.limits != TortureLimits(), "nothing could be taken away")
  }

  @Test func `loses steps to a limit and nothing else (TP1)`() {
    for seed in 1...50 as ClosedRange<UInt64> {
      let whole = TorturePlan(seed: seed)
      var limits = TortureLimits()
      limits.steps = 3
      limits.sessions = 2
      limits.lives = 1
      let part = TorturePlan(seed: seed, limits: limits)
      #expect(part.lives.count == 1)
      #expect(part.lives[0].seed == whole.lives[0].seed)
      #expect(part.lives[0].ending == whole.lives[0].ending)
      for (kept, all) in zip(part.lives[0].sessions, whole.lives[0].sessions) {
        #expect("\(kept)" == "\(Array(all.prefix(3)))")
      }
    }
  }

  @Test func `features each declared kind of fault in turn`() {
    let count = UInt64(TortureFault.allCases.count)
    var planned: Set<TortureFault> = []
    for seed in 0..<count * 2 {
      for life in TorturePlan(seed: seed).lives { planned.formUnion(life.faults.map(\.kind)) }
    }
    let declared = Set(TortureFault.ofCalls + TortureFault.ofBytes)
    #expect(planned.isSuperset(of: declared), "\(declared.subtracting(planned))")
    #expect(TortureFault.allCases.count >= 24)
  }
}
