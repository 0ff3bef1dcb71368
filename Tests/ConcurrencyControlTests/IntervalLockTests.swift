import ConcurrencyControl
import Primitives
import Testing

// Keys of keyspace 0 are the multiples of 3; the bounds of an interval may be any number.
@Suite("Interval locks")
struct IntervalLockTests {
  @Test func `no one else writes a key in a locked interval, whether it exists or not (L3)`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 3, 9) == .granted)
    #expect(locks.ask(2, .exclusive, 3) == .waiting)
    #expect(locks.ask(3, .exclusive, 6) == .waiting)
    #expect(locks.ask(4, .exclusive, 9) == .granted, "the upper bound is outside")
    #expect(locks.ask(5, .exclusive, 0) == .granted)
    #expect(locks.ask(6, .exclusive, 4) == .granted, "another keyspace")
    #expect(locks.blockers(2) == [1])
    #expect(Set(locks.release(1)) == [2, 3])
  }

  @Test func `an interval waits for a writer inside it, and for no other`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 6) == .granted)
    #expect(locks.scan(2, 7, nil) == .granted)
    #expect(locks.scan(3, 0, nil) == .waiting)
    #expect(locks.blockers(3) == [1])
    #expect(locks.release(1) == [3])
    #expect(locks.covers(3, 0, nil))
  }

  @Test func `readers of keys and intervals do not hinder each other`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, nil) == .granted)
    #expect(locks.scan(2, 3, 9) == .granted)
    #expect(locks.ask(3, .shared, 3) == .granted)
    #expect(locks.ask(4, .update, 3) == .granted)
    #expect(locks.ask(4, .exclusive, 3) == .waiting)
    #expect(Set(locks.blockers(4)) == [1, 2], "the gate comes first")
    #expect(locks.release(1) == [])
    #expect(locks.release(2) == [])
    #expect(locks.blockers(4) == [3])
    #expect(locks.release(3) == [4])
  }

  @Test func `a scan does not overtake a writer that waits inside it (L6)`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.ask(2, .exclusive, 6) == .waiting)
    #expect(locks.scan(3, 0, 9) == .waiting)
    #expect(locks.scan(4, 7, 9) == .granted, "beside the writer")
    #expect(locks.release(1) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `a writer does not overtake a scan that waits around it (L6)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 6) == .granted)
    #expect(locks.scan(2, 0, 9) == .waiting)
    #expect(locks.ask(3, .exclusive, 3) == .waiting)
    #expect(locks.blockers(3) == [2])
    #expect(locks.ask(4, .exclusive, 12) == .granted)
    #expect(locks.release(1) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `no writer starves under a stream of scans, and no scan under a stream of writers`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.ask(1000, .exclusive, 6) == .waiting)
    var isWriterServed = false
    for scanner in 2..<50 as Range<UInt64> {
      _ = locks.scan(scanner, 0, 9)
      if locks.release(scanner - 1).contains(1000) { isWriterServed = true }
    }
    #expect(isWriterServed)
    locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 6) == .granted)
    #expect(locks.scan(1000, 0, 9) == .waiting)
    var isScanServed = false
    for writer in 2..<50 as Range<UInt64> {
      _ = locks.ask(writer, .exclusive, (writer % 3) * 3)
      if locks.release(writer - 1).contains(1000) { isScanServed = true }
    }
    #expect(isScanServed)
  }

  @Test func `pieces that touch become one, and a piece inside costs nothing`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 3) == .granted)
    #expect(locks.scan(1, 6, 9) == .granted)
    #expect(locks.table.intervalCount == 2)
    #expect(!locks.covers(1, 0, 9))
    #expect(locks.scan(1, 3, 6) == .granted)
    #expect(locks.table.intervalCount == 1)
    #expect(locks.covers(1, 0, 9))
    let usedBytes = locks.table.usedBytes
    #expect(locks.scan(1, 1, 8) == .granted)
    #expect(locks.ask(1, .shared, 3) == .granted)
    #expect(locks.table.usedBytes == usedBytes && locks.table.heldCount == 0)
    #expect(locks.scan(1, 8, nil) == .granted)
    #expect(locks.table.intervalCount == 1 && locks.covers(1, 0, nil))
  }

  @Test func `a scan goes on past a writer that waits for what it has covered (L5)`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 6) == .granted)
    #expect(locks.ask(2, .exclusive, 3) == .waiting)
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.release(1) == [2])
  }

  @Test func `a scan goes past a writer that waits for a key which the scanner has read (L5)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 3) == .granted)
    #expect(locks.ask(2, .exclusive, 3) == .waiting)
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.scan(3, 0, 9) == .waiting)
    #expect(locks.release(1) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `who has read a key goes ahead of scans that wait, in writing it (L5)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 3) == .granted)
    #expect(locks.ask(2, .exclusive, 6) == .granted)
    #expect(locks.scan(3, 0, 9) == .waiting)
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(Set(locks.blockers(3)) == [1, 2])
    #expect(locks.release(2) == [])
    #expect(locks.release(1) == [3])
  }

  @Test func `two scans that both write into what both have read are a deadlock at once (L5)`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.scan(2, 0, 9) == .granted)
    #expect(locks.ask(1, .exclusive, 3) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 6)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
    #expect(locks.release(2) == [1])
  }

  @Test func `a writer in its own interval waits for no one`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.scan(1, 0, nil) == .granted)
    #expect(locks.ask(1, .exclusive, 3) == .granted)
  }

  @Test func `a circle over a key and an interval is found (L8)`() {
    var locks = LockDriver()
    #expect(locks.scan(1, 0, 6) == .granted)
    #expect(locks.ask(2, .exclusive, 9) == .granted)
    #expect(locks.ask(1, .shared, 9) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 3) == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
  }

  @Test func `a circle over a scan that only waits is found (L8)`() {
    // 3 waits behind 2's scan, 2 for 1's key, 1 for 3's.
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 6, weight: 5) == .granted)
    #expect(locks.ask(3, .exclusive, 4, weight: 5) == .granted)
    #expect(locks.scan(2, 0, 9, weight: 1) == .waiting)
    #expect(locks.ask(1, .shared, 4, weight: 5) == .waiting)
    #expect(locks.ask(3, .exclusive, 3, weight: 5) == .granted, "2's place was all it waited for")
    #expect(locks.victims == [2])
    #expect(locks.granted == [])
  }

  @Test func `cancelling a scan or a writer at the gate lets those behind it through (L11)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 6) == .granted)
    #expect(locks.scan(2, 0, 9) == .waiting)
    #expect(locks.ask(3, .exclusive, 3) == .waiting)
    #expect(locks.cancel(2) == [3])
    #expect(!locks.covers(2, 0, 9))
    locks = LockDriver()
    #expect(locks.scan(1, 0, 9) == .granted)
    #expect(locks.ask(2, .exclusive, 6) == .waiting)
    #expect(locks.scan(3, 0, 9) == .waiting)
    #expect(locks.cancel(2) == [3])
    #expect(locks.mode(2, 6) == nil)
  }

  @Test func `a cancelled wait for a key that was past the gate lets scans through`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 6) == .granted)
    #expect(locks.ask(2, .exclusive, 6) == .waiting)
    #expect(locks.scan(3, 0, 9) == .waiting)
    #expect(locks.blockers(3) == [2])
    #expect(locks.cancel(2) == [3])
  }

  @Test func `the empty interval is everybody's`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.scan(2, 3, 3) == .granted)
    #expect(locks.table.intervalCount == 0)
  }

  @Test func `two keys with one fingerprint are told apart by intervals`() {
    var table = LockTable()
    var notices: [LockNotice] = []
    let name = LockName(keyspace: KeyspaceID(1), fingerprint: 7)
    func write(_ key: [UInt8], _ transaction: UInt64) -> LockOutcome {
      // SAFETY: the array outlives the span.
      let span = unsafe key.span.bytes
      return table.request(
        .exclusive, on: name, key: span, by: LockClaimant(TransactionID(transaction)),
        notices: &notices)
    }
    let interval = KeyInterval(keyspace: KeyspaceID(1), lower: [5], upper: [6])
    #expect(write([1], 1) == .granted)
    #expect(
      table.request(interval, by: LockClaimant(TransactionID(2)), notices: &notices) == .granted)
    #expect(write([5], 3) == .waiting)
    #expect(table.blockers(of: TransactionID(3)) == [TransactionID(2)])
  }
}
