import Foundation
import Seeds
import Testing
import Verification

/// Whole runs, as `martlet simulate` makes them.
@Suite(.serialized) struct `A simulated group` {
  /// How many runs: in debug mode a taste.
  static let runCount: Int = {
    #if DEBUG
      10
    #else
      40
    #endif
  }()

  static var width: Int { ProcessInfo.processInfo.activeProcessorCount }

  @Test func `keeps every promise`() {
    let first = Seed.fixed
    print("seed \(first)")
    let tally = ClusterCampaign(firstSeed: first, runCount: Self.runCount, width: Self.width).run()
    for failure in tally.failures {
      Issue.record("run \(failure.seed): \(failure.violation?.description ?? "")")
    }
    #expect(tally.runCount == Self.runCount)
    #expect(tally.answerCount > Self.runCount * 50, "the runs hardly did anything")
    #expect(tally.comparisonCount > tally.slotCount)
    #expect(tally.lifeCount > Self.runCount * 3, "hardly anybody was started again")
    #expect(tally.faults.total > Self.runCount * 10)
  }

  @Test(arguments: [3, 5])
  func `is the same again from the same seed`(_ nodes: Int) {
    for seed in Seed.fixed..<Seed.fixed + 2 {
      var limits = ClusterLimits()
      limits.nodes = nodes
      limits.seconds = 20
      let plan = ClusterPlan(seed: seed, limits: limits)
      var words: [[String]] = [[], []]
      let first = ClusterRun.run(plan) { now, text in words[0].append("\(now) \(text)") }
      let second = ClusterRun.run(plan) { now, text in words[1].append("\(now) \(text)") }
      let silent = ClusterRun.run(plan)
      #expect(words[0] == words[1], "seed \(seed)")
      #expect(Set([first, second, silent].map(\.traceHash)).count == 1, "seed \(seed)")
      #expect(first.answerCount == silent.answerCount && first.faults == silent.faults)
      #expect(first.virtual == silent.virtual && first.callCount == silent.callCount)
    }
  }

  @Test func `is another from another seed`() {
    var limits = ClusterLimits()
    limits.seconds = 5
    let hashes = (0..<5).map { ClusterRun.run(ClusterPlan(seed: $0, limits: limits)).traceHash }
    #expect(Set(hashes).count == 5)
  }

  /// A harness that cannot fail proves nothing.
  @Test(arguments: ClusterLie.allCases)
  func `finds a world that lies (negative control)`(_ lie: ClusterLie) throws {
    var limits = ClusterLimits()
    limits.lie = lie
    var campaign = ClusterCampaign(
      firstSeed: Seed.fixed, runCount: 40, limits: limits, width: Self.width)
    campaign.failureLimit = 2
    let tally = campaign.run()
    let kinds = tally.failures.compactMap { $0.violation?.kind }
    #expect(kinds.count >= 2, "in 40 runs in a world that lies about \(lie)")
    if lie == .clocks { #expect(kinds.allSatisfy { $0 == .twoLeases || $0 == .notLinearizable }) }
  }

  @Test func `that fails is made smaller and still fails`() throws {
    var limits = ClusterLimits()
    limits.lie = .clocks
    var failing: ClusterResult?
    for seed in Seed.fixed... {
      let result = ClusterRun.run(ClusterPlan(seed: seed, limits: limits))
      if result.violation != nil {
        failing = result
        break
      }
    }
    let result = try #require(failing)
    let kind = try #require(result.violation?.kind)
    var shrinker = ClusterShrinker(
      seed: result.seed, kind: kind, limits: limits, attemptLimit: 20)
    let smallest = shrinker.shrink()
    #expect(smallest.violation?.kind == kind)
    #expect(shrinker.limits.seconds <= limits.seconds)
    #expect(shrinker.limits != limits, "nothing could be taken away")
  }
}
