import Testing
import Verification

/// Histories of many operations of 32 clients. Optimised code checks 100,000 on one key in 0.2 to 0.5
/// seconds; to find a violation late in them, with its witness, takes 5 to 9.
@Suite struct `Long histories` {
  static let count = 4_000

  static func check(
    _ name: String, _ history: [Operation]
  ) -> LinearizabilityReport<Register> {
    let clock = ContinuousClock()
    let begin = clock.now
    let report = LinearizabilityChecker(Register()).check(history)
    print("\(name): \(history.count) operations, \(report.stepCount) steps, \(clock.now - begin)")
    return report
  }

  struct Shape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var keyCount = 1
    var unknownShare = 5
    var deleteShare = 0
  }

  @Test(arguments: [
    Shape(testDescription: "one key"),
    Shape(testDescription: "100 keys", keyCount: 100),
    Shape(testDescription: "nothing unknown", unknownShare: 0),
    Shape(testDescription: "much unknown", unknownShare: 30),
    Shape(testDescription: "deletes", keyCount: 10, deleteShare: 50),
  ])
  func `of a real register are found linearizable`(shape: Shape) {
    let history = HistoryGenerator(
      operationCount: Self.count, keyCount: shape.keyCount, unknownShare: shape.unknownShare,
      deleteShare: shape.deleteShare
    ).history(seed: 1)
    #expect(Self.check(shape.testDescription, history).isLinearizable)
  }

  @Test(arguments: [1_000, count - 1_000], [1, 10])
  func `show a stale read wherever it is`(number: Int, keyCount: Int) throws {
    var seen: [Int] = []
    var isPlanted = false
    let history = HistoryGenerator(operationCount: Self.count, clientCount: 12, keyCount: keyCount)
      .history(seed: 1) {
        _, answer, index, key in
        guard key == 0, case .value(.some(let value)) = answer else { return }
        // Old enough to be overwritten for certain.
        if index >= number, !isPlanted, let old = seen.dropLast(200 / keyCount).dropLast(10).last,
          old != value
        {
          isPlanted = true
          answer = .value(old)
        }
        seen.append(value)
      }
    let report = Self.check("stale read at \(number)", history)
    let violation = try #require(report.violations.first)

    #expect(violation.contradicting.count <= 4)
  }
}
