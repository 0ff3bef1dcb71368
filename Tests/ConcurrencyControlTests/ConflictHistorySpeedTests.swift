import ConcurrencyControl
import Foundation
import Primitives
import Testing

/// Prints what the history costs in the commit section; meant to be read in release.
@Suite("Conflict history speed", .serialized)
struct ConflictHistorySpeedTests {
  #if DEBUG
    private static let rounds = 2_000
  #else
    private static let rounds = 100_000
  #endif

  private func print(_ what: String, _ body: (Int) -> Void) {
    let begin = Self.processorNanoseconds()
    for round in 0..<Self.rounds { body(round) }
    let nanoseconds = Self.processorNanoseconds() - begin
    Swift.print("\(what): \(nanoseconds / Self.rounds) ns")
  }

  /// What this thread has used: other work of the machine does not count.
  private static func processorNanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
  }

  private func name(_ number: Int) -> LockName {
    LockName(
      keyspace: KeyspaceID(1), fingerprint: UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
  }

  private func write(_ numbers: Range<Int>, to written: inout WrittenKeys) {
    written.removeAll()
    for number in numbers {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
      unsafe written.append(name(number), key: bytes.span.bytes)
    }
  }

  @Test func `a commit that nobody needs to know of`() {
    var history = ConflictHistory(byteBudget: 1 << 20)
    var written = WrittenKeys()
    write(0..<2, to: &written)
    let reads = ReadSet()
    print("record, nothing tracked") { round in
      history.record(
        TransactionID(1), at: Timestamp(UInt64(round + 1)), written: written, reads: reads)
    }
    #expect(history.untrackedThrough == Timestamp(UInt64(Self.rounds)))
  }

  @Test(arguments: [TrackedRole.serializableSnapshot, .optimistic], [1, 16, 256])
  func `a commit of four reads and two writes`(role: TrackedRole, active: Int) {
    var history = ConflictHistory(byteBudget: 8 << 20)
    var reads = ReadSet()
    var written = WrittenKeys()
    write(0..<2, to: &written)
    var clock: UInt64 = 1
    var trackings: [Tracking] = []
    func begin() -> Tracking {
      let tracking = history.begin(TransactionID(clock), as: role, floor: Timestamp(clock))
      history.setSnapshot(Timestamp(clock), of: tracking)
      return tracking
    }
    for _ in 0..<active { trackings.append(begin()) }
    let keys: [[LockName]] = (0..<512).map { row in (0..<4).map { name(1_000 + row * 4 + $0) } }
    var refusals = 0
    print("begin, note, certify, record, end as \(role), \(active) active") { round in
      reads.removeAll()
      for name in keys[round & 511] { reads.note(name) }
      let tracking = trackings[round % active]
      guard
        case .granted(let out) = history.certify(tracking, reads: reads, written: written)
      else {
        refusals += 1
        return
      }
      clock += 1
      history.record(
        TransactionID(clock), at: Timestamp(clock), written: written, reads: reads,
        earliestOut: out, tracking: tracking)
      history.end(tracking)
      trackings[round % active] = begin()
    }
    let tracking = trackings[0]
    print("  of which certify, \(history.recordCount) records") { _ in
      if case .refused = history.certify(tracking, reads: reads, written: written) {
        refusals += 1
      }
    }
    #expect(refusals == 0)
  }

  @Test func `reads that are noted`() {
    var reads = ReadSet()
    let names = (0..<64).map(name)
    print("note the same name again") { _ in reads.note(names[0]) }
    print("forget and note 4 names") { round in
      reads.removeAll()
      for index in 0..<4 { reads.note(names[(round + index) & 63]) }
    }
    print("forget and note 64 names") { _ in
      reads.removeAll()
      for name in names { reads.note(name) }
    }
    #expect(reads.pointCount == 64)
  }
}
