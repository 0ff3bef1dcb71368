import Testing
import Verification

/// Histories of the bugs that the checker is for.
@Suite struct `The linearizability checker finds` {
  static func violation(_ history: [Operation]) -> LinearizabilityViolation<Register>? {
    LinearizabilityChecker(Register()).check(history).violations.first
  }

  @Test func `a stale read, and tells the operations that contradict it`() throws {
    let violation = try #require(
      Self.violation([
        operation(0, .put(1), .done, 1, 2), operation(1, .put(2), .done, 3, 4),
        operation(2, .get, .value(2), 5, 6), operation(3, .put(9), .done, 5, 12),
        operation(2, .get, .value(1), 7, 8), operation(1, .get, .value(2), 9, 10),
      ]))
    #expect(violation.contradicting.map(\.invoked) == [5, 7])
    #expect(violation.begin == 5)
    #expect(violation.end == 8)
    #expect(violation.others.map(\.call) == [.put(9)])
    #expect(
      violation.explanation == """
        key 1: these answers contradict each other, whatever the order and whatever was there \
        before 5
          [5, 6] client 2: get, answered 2
          [7, 8] client 2: get, answered 1
        and these, done or not, cannot explain them:
          [5, ...] client 3: put 9, outcome unknown
        """)
  }

  @Test func `a read of a value before anybody wrote it`() {
    #expect(
      Self.violation([
        operation(0, .get, .value(1), 1, 2), operation(1, .put(1), .done, 3, 4),
      ])?.contradicting.count == 1)
  }

  @Test func `a lost update: two compare-and-sets from one value`() throws {
    let violation = try #require(
      Self.violation([
        operation(0, .put(1), .done, 1, 2),
        operation(1, .compareAndSet(expected: 1, new: 2), .applied(true), 3, 6),
        operation(2, .compareAndSet(expected: 1, new: 3), .applied(true), 4, 7),
      ]))
    #expect(violation.contradicting.count == 3 || violation.contradicting.count == 2)
  }

  @Test func `a write that was acknowledged and is gone`() {
    #expect(
      Self.violation([
        operation(0, .put(1), .done, 1, 2), operation(1, .put(2), .done, 3, 4),
        operation(2, .get, .value(1), 5, 6),
      ]) != nil)
  }

  @Test func `a retried put that is applied twice`() throws {
    // The put of 1 is seen, then another value, then 1 again without anybody having put it again.
    let history = [
      operation(0, .put(1), .done, 1, 9), operation(1, .get, .value(1), 2, 3),
      operation(2, .put(2), .done, 4, 5), operation(1, .get, .value(2), 6, 7),
      operation(1, .get, .value(1), 8, 10),
    ]
    #expect(try #require(Self.violation(history)).contradicting.count >= 2)
    // Had the one who put it not been told, it would be the same: it may take effect once.
    var unknown = history
    unknown[0] = Operation(unknown: .put(1), client: 0, key: 1, invoked: 1)
    #expect(Self.violation(unknown) != nil)
    // Two puts of it are another matter.
    #expect(Self.violation(history + [operation(3, .put(1), .done, 7, 9)]) == nil)
  }

  @Test func `a compare-and-set that is refused although nothing else was there`() {
    #expect(
      Self.violation([
        operation(0, .put(1), .done, 1, 2),
        operation(1, .compareAndSet(expected: 1, new: 2), .applied(false), 3, 4),
      ]) != nil)
  }

  @Test func `nothing wrong in an unknown write that takes effect late or never`() {
    let history = [
      Operation(unknown: .put(1), client: 0, key: 1, invoked: 1),
      operation(1, .put(2), .done, 2, 3), operation(1, .get, .value(2), 4, 5),
    ]
    #expect(Self.violation(history) == nil)
    #expect(Self.violation(history + [operation(1, .get, .value(1), 6, 7)]) == nil)
    #expect(
      Self.violation(
        history + [operation(1, .get, .value(1), 6, 7), operation(1, .get, .value(2), 8, 9)])
        != nil)
  }

  @Test func `each key by itself, and tells which`() {
    var other = operation(0, .get, .value(7), 3, 4)
    other.key = 2
    let report = LinearizabilityChecker(Register()).check([
      operation(0, .put(1), .done, 1, 2), operation(0, .get, .value(1), 5, 6), other,
    ])
    #expect(report.keyCount == 2)
    #expect(report.violations.map(\.key) == [2])
  }

  @Test func `violations of models without footprints`() {
    let report = LinearizabilityChecker(PlainRegister()).check(
      [
        operation(0, .put(1), .done, 1, 2), operation(1, .put(2), .done, 3, 4),
        operation(2, .get, .value(1), 5, 6), operation(2, .get, .value(1), 7, 8),
      ].map(\.plain))
    #expect(report.violations.first?.contradicting.map(\.invoked) == [1, 3, 5])
    #expect(report.violations.first?.end == 6)
  }

  @Test func `nothing at its limit, and says so`() {
    var checker = LinearizabilityChecker(Register())
    checker.stepLimit = 0
    let report = checker.check([operation(0, .put(1), .done, 1, 2)])
    #expect(report.undecided == [1])
    #expect(!report.isLinearizable)
  }
}
