import ConcurrencyControl
import Primitives
import Testing

// Keys of keyspace 0 are the multiples of 3, those of keyspace 1 are 1 more, and so on.
@Suite("Lock escalation")
struct LockEscalationTests {
  /// Room for so many exclusive locks on keys.
  private func room(for count: Int) -> LockDriver {
    LockDriver(byteBudget: count * (LockTable.bytesPerLock + 3))
  }

  @Test func `a transaction that fills the table gets its keyspace instead, and says so (L11)`() {
    var locks = room(for: 10)
    for key in 0..<10 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    #expect(locks.table.escalationCount == 0)
    #expect(locks.ask(1, .exclusive, 30) == .granted)
    #expect(locks.modeOfAll(1) == .exclusive)
    #expect(locks.table.heldCount == 0 && locks.table.usedBytes == 0)
    #expect(locks.table.escalationCount == 1)
    #expect(
      locks.table.takeEscalations() == [
        LockEscalation(
          transaction: TransactionID(1), keyspace: KeyspaceID(0), mode: .exclusive, replaced: 10)
      ])
    #expect(locks.table.takeEscalations() == [], "told once")
    for key in 0..<100 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    #expect(locks.table.usedBytes == 0, "covered")
  }

  @Test func `readers escalate to a shared keyspace, intervals and all`() {
    var locks = room(for: 10)
    #expect(locks.scan(1, 1000, 1003) == .granted)
    var key: UInt64 = 0
    while locks.table.escalationCount == 0 {
      #expect(locks.ask(1, key.isMultiple(of: 2) ? .shared : .update, 3 * key) == .granted)
      key += 1
    }
    #expect(locks.modeOfAll(1) == .shared)
    #expect(locks.table.intervalCount == 0)
    #expect(locks.covers(1, 1000, 1003))
    #expect(locks.ask(2, .shared, 3) == .granted)
    #expect(locks.ask(3, .exclusive, 300) == .waiting)
  }

  @Test func `the keyspace with most locks is escalated, and the request goes on where it was`() {
    var locks = room(for: 10)
    for key in 0..<7 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    for key in 0..<3 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key + 1) == .granted) }
    #expect(locks.ask(1, .exclusive, 10) == .granted)
    #expect(locks.modeOfAll(1) == .exclusive)
    #expect(locks.modeOfAll(1, 1) == .intentionExclusive)
    #expect(locks.table.heldCount == 4)
    #expect(locks.scan(2, 0, nil, in: 1) == .waiting, "the keys left are still known")
    #expect(locks.scan(3, 12, nil, in: 1) == .granted)
  }

  @Test func `escalation waits for those who are in the keyspace, and they for it (L11)`() {
    var locks = room(for: 10)
    #expect(locks.ask(2, .shared, 300) == .granted)
    var key: UInt64 = 0
    while locks.ask(1, .exclusive, 3 * key) == .granted { key += 1 }
    #expect(locks.isWaiting(1) && locks.blockers(1) == [2])
    #expect(locks.askAll(3, .intentionShared) == .waiting, "behind a conversion")
    #expect(locks.release(2) == [1])
    #expect(locks.table.escalationCount == 1)
    #expect(locks.release(1) == [3])
  }

  @Test func `two escalations of one keyspace are a deadlock like any other (L11)`() {
    var locks = room(for: 10)
    for key in 0..<5 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    for key in 5..<10 as Range<UInt64> { #expect(locks.ask(2, .exclusive, 3 * key) == .granted) }
    #expect(locks.ask(1, .exclusive, 300, weight: 9) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 303, weight: 1)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
    #expect(locks.table.heldCount == 10, "nothing was replaced yet")
    #expect(locks.release(2) == [1])
    #expect(locks.modeOfAll(1) == .exclusive)
  }

  @Test func `who holds too little to make room is told so, and nothing is changed`() {
    var locks = room(for: 10)
    for key in 0..<10 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    #expect(locks.ask(2, .exclusive, 31) == .exhausted)
    #expect(locks.scan(2, 0, nil, in: 1) == .exhausted)
    #expect(locks.modeOfAll(2, 1) == nil && !locks.isWaiting(2))
    #expect(locks.askAll(2, .exclusive, of: 1) == .granted, "a keyspace takes up nothing")
    #expect(locks.table.escalationCount == 0)
    #expect(locks.release(1) == [])
    #expect(locks.ask(2, .exclusive, 32) == .granted)
  }

  @Test func `cancelling an escalation keeps what was held (L11)`() {
    var locks = room(for: 4)
    #expect(locks.ask(2, .shared, 300) == .granted)
    for key in 0..<3 as Range<UInt64> { #expect(locks.ask(1, .exclusive, 3 * key) == .granted) }
    #expect(locks.ask(1, .exclusive, 30) == .waiting)
    #expect(locks.ask(3, .shared, 33) == .exhausted)
    #expect(locks.cancel(1) == [])
    #expect(locks.mode(1, 0) == .exclusive && locks.modeOfAll(1) == .intentionExclusive)
    #expect(locks.table.takeEscalations() == [])
  }

  @Test func `keys that are left behind an escalation are remembered rightly`() {
    var locks = LockDriver(byteBudget: 30 * (LockTable.bytesPerLock + 3))
    for key in 0..<30 as Range<UInt64> {
      #expect(locks.ask(1, .exclusive, key < 10 ? 3 * key + 1 : 3 * key) == .granted)
    }
    #expect(locks.ask(1, .exclusive, 301) == .granted)
    #expect(locks.modeOfAll(1) == .exclusive)
    for key in 0..<10 as Range<UInt64> {
      let (lower, upper) = (3 * key + 1, 3 * key + 2)
      #expect(locks.scan(100 + key, lower, upper, in: 1) == .waiting)
      #expect(locks.scan(200 + key, upper, upper + 2, in: 1) == .granted)
    }
    #expect(locks.scan(300, 301, 302, in: 1) == .waiting)
  }
}
