import ConcurrencyControl
import Foundation
import Primitives
import Testing

/// Histories of a few steps, told one by one.
@Suite("Conflict history")
struct ConflictHistoryTests {
  @Test func `S2 one edge aborts nobody`() {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2)
    history.read(1, "x")
    history.write(2, "x")
    history.write(1, "y")
    #expect(history.commit(2) == nil)
    #expect(history.commit(1) == nil)
  }

  @Test func `disjoint work aborts nobody`() {
    for role in [TrackedRole.serializableSnapshot, .optimistic] {
      var history = ConflictDriver()
      for who in 1...20 {
        history.begin(who, role)
        history.read(who, "read \(who)")
        history.scan(who, "scan \(who)", "scan \(who)~")
        history.write(who, "write \(who)")
      }
      for who in 1...20 { #expect(history.commit(who) == nil) }
    }
  }

  @Test func `S2 write skew aborts the second, as a pivot, and says why`() throws {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2)
    history.read(1, "x")
    history.read(2, "y")
    history.write(1, "y")
    history.write(2, "x")
    #expect(history.commit(1) == nil)
    let refusalExplanation = history.commit(2)
    let explanation = try #require(refusalExplanation)
    #expect(explanation.cause == .pivot)
    #expect(!explanation.isCoarse)
    #expect(explanation.transaction == TransactionID(2))
    #expect(explanation.incoming == TransactionID(1))
    #expect(explanation.outgoing == TransactionID(1))
    #expect(explanation.incomingEdge?.key == Array("x".utf8))
    #expect(explanation.outgoingEdge?.key == Array("y".utf8))
    // A retry sees what it failed against (S4).
    history.begin(2)
    history.read(2, "y")
    history.write(2, "x")
    #expect(history.commit(2) == nil)
  }

  @Test func `S8 two reads of absent keys and two inserts are write skew`() {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2)
    history.read(1, "absent")
    history.read(2, "missing")
    history.write(1, "missing")
    history.write(2, "absent")
    #expect(history.commit(1) == nil)
    #expect(history.commit(2)?.cause == .pivot)
  }

  @Test func `S9 two empty scans and two inserts into them are write skew`() {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2)
    history.scan(1, "a", "c")
    history.scan(2, "a", "c")
    history.write(1, "b1")
    history.write(2, "b2")
    #expect(history.commit(1) == nil)
    let explanation = history.commit(2)
    #expect(explanation?.cause == .pivot)
    #expect(explanation?.outgoingEdge?.key == Array("b1".utf8))
    #expect(explanation?.incomingEdge?.key == Array("b2".utf8))
  }

  @Test func `S9 a key at the upper bound of a scan is outside, one at the lower bound inside`() {
    for (key, isConflict) in [("a", true), ("c", false), ("b", true), ("`", false)] {
      var history = ConflictDriver()
      history.begin(1, .optimistic)
      history.begin(2, .optimistic)
      history.scan(1, "a", "c")
      history.write(1, "z")
      history.write(2, key)
      #expect(history.commit(2) == nil)
      #expect((history.commit(1) != nil) == isConflict)
    }
  }

  @Test func `S2 a structure whose first to commit is not its end aborts nobody`() {
    // 1 -rw-> 2 -rw-> 3, and 1 commits first.
    var history = ConflictDriver()
    for who in 1...3 { history.begin(who) }
    history.read(1, "x")
    history.write(1, "own")
    history.write(2, "x")
    history.read(2, "y")
    history.write(3, "y")
    #expect(history.commit(1) == nil)
    #expect(history.commit(3) == nil)
    #expect(history.commit(2) == nil)
  }

  @Test func `S2 a pivot between two others is found whoever of the two last commits last`() {
    for order in [[3, 1, 2], [3, 2, 1]] {
      var history = ConflictDriver()
      for who in 1...3 { history.begin(who) }
      history.read(1, "x")
      history.write(1, "own")
      history.write(2, "x")
      history.read(2, "y")
      history.write(3, "y")
      #expect(history.commit(order[0]) == nil)
      #expect(history.commit(order[1]) == nil)
      #expect(history.commit(order[2])?.cause == (order[2] == 2 ? .pivot : .readerOfPivot))
    }
  }

  @Test(arguments: [TrackedRole.readOnly, .serializableSnapshot, .optimistic], [false, true])
  func `S3 who writes nothing counts only if it began after the end had committed`(
    role: TrackedRole, isLate: Bool
  ) {
    for pivotIsLast in [false, true] {
      var history = ConflictDriver()
      history.begin(2)
      history.begin(3)
      if !isLate { history.begin(1, role) }
      history.write(2, "x")
      history.read(2, "y")
      history.write(3, "y")
      #expect(history.commit(3) == nil)
      if isLate { history.begin(1, role) }
      history.read(1, "x")
      history.read(1, "y")
      let order = pivotIsLast ? [1, 2] : [2, 1]
      #expect(history.commit(order[0]) == nil)
      #expect((history.commit(order[1]) != nil) == isLate)
    }
  }

  @Test func `M3b a reader under locks is the first of a structure after it has ended`() {
    var history = ConflictDriver()
    history.begin(2)
    history.begin(3)
    history.read(2, "y")
    history.write(3, "y")
    #expect(history.commit(3) == nil)
    // It sees 3 and not 2.
    history.commitUnderLocks(1, reading: ["x", "y"])
    history.write(2, "x")
    #expect(history.commit(2)?.cause == .pivot)
  }

  @Test func `O4 an optimistic writer whose read is not the newest any more is refused`() {
    var history = ConflictDriver()
    history.begin(1, .optimistic)
    history.begin(2, .optimistic)
    history.read(1, "absent")
    history.write(1, "y")
    history.write(2, "absent")
    #expect(history.commit(2) == nil)
    #expect(history.commit(1)?.cause == .staleRead)
  }

  @Test func `O7 O8 who only reads, and who only writes, is never stale`() {
    var history = ConflictDriver()
    for who in 1...3 { history.begin(who, .optimistic) }
    history.read(1, "x")
    history.write(2, "x")
    history.write(3, "x")
    #expect(history.commit(2) == nil)
    #expect(history.commit(3) == nil)
    #expect(history.commit(1) == nil)
  }

  @Test func `H3 nothing is kept for nobody, and a beginning waits for what was not`() {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2)
    history.read(1, "x")
    history.scan(1, "a", "b")
    history.write(1, "y")
    #expect(history.commit(1) == nil)
    #expect(history.history.recordCount == 1)
    #expect(history.history.markCount == 2)
    history.rollBack(2)
    #expect(history.history.recordCount == 0)
    #expect(history.history.markCount == 0)
    #expect(!history.history.isTracking)
    let tracking = history.history.begin(
      TransactionID(3), as: .serializableSnapshot, floor: Timestamp(1))
    #expect(tracking.leastSnapshot == Timestamp(history.clock))
    #expect(history.history.untrackedThrough == Timestamp(history.clock))
  }

  @Test func `marks are left only while somebody may be a pivot`() {
    var history = ConflictDriver()
    history.begin(1)
    history.begin(2, .optimistic)
    history.begin(3, .readOnly)
    #expect(!history.history.needsMarks(besides: history.tracking(1)))
    history.read(1, "x")
    history.write(1, "y")
    #expect(history.commit(1) == nil)
    #expect(history.history.recordCount == 1)
    #expect(history.history.markCount == 0)
  }

  @Test func `S13 a snapshot is safe once all writers before it have ended harmlessly`() {
    var history = ConflictDriver()
    history.begin(1, .readOnly)
    #expect(history.safety(1) == .safe)
    history.begin(2)
    history.begin(3)
    history.commitUnderLocks(9, writing: ["z"])
    history.begin(4, .readOnly)
    #expect(history.safety(4) == .undecided)
    history.write(2, "x")
    #expect(history.commit(2) == nil)
    #expect(history.safety(4) == .undecided)
    history.rollBack(3)
    #expect(history.safety(4) == .safe)
  }

  @Test func `S13 a snapshot waits for a writer that may still take an older one`() {
    var history = ConflictDriver()
    let writer = history.history.begin(
      TransactionID(2), as: .serializableSnapshot, floor: Timestamp(history.clock))
    history.commitUnderLocks(9, writing: ["z"])
    history.begin(1, .readOnly)
    #expect(history.safety(1) == .undecided)
    history.history.setSnapshot(Timestamp(history.clock), of: writer)
    #expect(history.safety(1) == .safe)
  }

  @Test func `S13 a snapshot is unsafe once a pivot commits around it`() {
    for isLate in [false, true] {
      var history = ConflictDriver()
      history.begin(2)
      history.begin(3)
      history.begin(5)
      history.read(2, "y")
      history.write(2, "x")
      history.write(3, "y")
      #expect(history.commit(3) == nil)
      // Of the snapshot before the pivot's commit, taken before or after that.
      if !isLate { history.begin(4, .readOnly) }
      if isLate { history.publishing = false }
      #expect(history.commit(2) == nil)
      if isLate { history.begin(4, .readOnly) }
      #expect(history.safety(4) == .unsafe)
    }
  }

  @Test func `S12 marks and records beyond the budget are summarised, and count as coarse`() throws
  {
    var history = ConflictDriver(byteBudget: 20_000)
    history.begin(1)
    history.begin(2, .optimistic)
    history.read(1, "read before all")
    history.read(2, "read before all")
    history.write(2, "some")
    for who in 10..<1_000 {
      history.begin(who)
      history.read(who, "read \(who)")
      history.write(who, who == 10 ? "read before all" : "written \(who)")
      #expect(history.commit(who) == nil)
      #expect(history.history.byteCount <= 20_000)
    }
    #expect(history.history.recordCount < 200)
    let refusalLost = history.commit(2)
    let lost = try #require(refusalLost)
    #expect(lost.cause == .historyLost)
    #expect(lost.isCoarse)
    history.write(1, "read 11")
    let refusalPivot = history.commit(1)
    let pivot = try #require(refusalPivot)
    #expect(pivot.cause == .pivot)
    #expect(pivot.isCoarse)
    #expect(pivot.outgoing == nil)
  }

  @Test func `S5 a handle of a transaction that has ended is refused`() async {
    await #expect(processExitsWith: .failure) {
      var history = ConflictHistory(byteBudget: 1000)
      let tracking = history.begin(TransactionID(1), as: .optimistic, floor: .zero)
      history.end(tracking)
      _ = history.begin(TransactionID(2), as: .optimistic, floor: .zero)
      history.end(tracking)
    }
  }

  @Test func `H1 a snapshot that misses unrecorded commits is refused`() async {
    await #expect(processExitsWith: .failure) {
      var history = ConflictHistory(byteBudget: 1000)
      history.record(TransactionID(1), at: Timestamp(7), written: WrittenKeys())
      let tracking = history.begin(TransactionID(2), as: .optimistic, floor: .zero)
      history.setSnapshot(Timestamp(6), of: tracking)
    }
  }
}
