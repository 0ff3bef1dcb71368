import ConcurrencyControl
import Foundation
import Primitives
import Seeds
import Testing

/// Random histories of all protocols at once, certified and then judged by the graph of everything
/// that committed.
@Suite("Conflict history against a model", .serialized)
struct ConflictHistoryModelTests {
  static let seed = Seed.take()

  #if DEBUG
    static let standardCount = 20_000
  #else
    static let standardCount = 200_000
  #endif

  static let historyCount =
    ProcessInfo.processInfo.environment["MARTLET_HISTORIES"].flatMap { Int($0) } ?? standardCount

  static let mixes: [[ConflictModel.Role]] = [
    ConflictModel.Role.allCases,
    [.serializable],
    [.serializable, .serializable, .readOnly],
    [.serializable, .twoPhase],
    [.serializable, .optimistic],
    [.serializable, .twoPhase, .optimistic, .readOnly],
    [.serializable, .snapshot],
    [.optimistic, .twoPhase],
  ]

  private func run(_ model: inout ConflictModel, _ count: Int) throws {
    print("MARTLET_SEED=\(Self.seed)")
    for index in 0..<count {
      model.runHistory(roles: Self.mixes[index % Self.mixes.count])
      try #require(model.complaint == nil, "history \(index): \(model.complaint ?? "")")
    }
    let counts = model.counts
    print("\(counts.histories) histories, \(counts.commits) commits, \(counts.waits) waits")
    print("edges \(counts.edges.sorted { $0.key < $1.key })")
    print("refusals \(counts.refusals.sorted { $0.key < $1.key })")
    print(
      """
      refused without a circle so far: \(counts.refusalsWithoutCircle); safe \(counts.safe), \
      unsafe \(counts.unsafe); circles through snapshot readers \(counts.circlesOfSnapshots)
      """)
  }

  @Test func `S2 M1 no history has a circle, and every verdict is the rule's`() throws {
    var model = ConflictModel(seed: Self.seed)
    try run(&model, Self.historyCount)
    let kinds = [
      "ww", "wr", "rw of a key", "rw of a key, absent", "rw of an interval",
      "rw of an interval, absent",
    ]
    for kind in kinds { #expect(model.counts.edges[kind, default: 0] > 100, "\(kind)") }
    for cause in [ConflictExplanation.Cause.pivot, .readerOfPivot, .staleRead] {
      #expect(model.counts.refusals[cause.rawValue, default: 0] > 100, "\(cause)")
    }
    #expect(model.counts.circlesOfSnapshots > 10, "nothing that could have failed")
    #expect(model.counts.safe > 100)
    #expect(model.counts.unsafe > 0)
  }

  @Test func `S12 O9 within a tiny budget there are more aborts, marked coarse, and no circle`()
    throws
  {
    var refusals: [String: Int] = [:]
    for byteBudget in [600, 800, 1000] {
      for bucketCount in [1, 3, 64] {
        var model = ConflictModel(
          seed: Self.seed,
          sizes: .init(
            byteBudget: byteBudget, bucketCount: bucketCount,
            pointLimit: byteBudget < 1000 ? 2 : 1000, intervalLimit: bucketCount == 1 ? 1 : 2))
        try run(&model, Self.historyCount / 10)
        refusals.merge(model.counts.refusals, uniquingKeysWith: +)
        #expect(
          model.history.allocatedByteCount < 2 * byteBudget + 24 * (bucketCount + 64) + 1024)
      }
    }
    for cause in ConflictExplanation.Cause.allCases {
      #expect(refusals[cause.rawValue + ", coarse", default: 0] > 10, "\(cause)")
    }
  }

  @Test func `O6 keys that share a fingerprint cost aborts and never a circle`() throws {
    var model = ConflictModel(seed: Self.seed, sizes: .init(fingerprintCount: 3))
    try run(&model, Self.historyCount / 10)
  }

  @Test(arguments: ConflictModel.Flaw.allCases)
  func `a bug in how it is used closes a circle soon`(flaw: ConflictModel.Flaw) throws {
    var model = ConflictModel(seed: Self.seed, flaw: flaw)
    var count = 0
    while model.complaint == nil, count < 20_000 {
      model.runHistory(roles: Self.mixes[count % Self.mixes.count])
      count += 1
    }
    print("\(flaw): \(model.complaint ?? "nothing") after \(count) histories")
    #expect(model.complaint == "a circle")
  }
}
