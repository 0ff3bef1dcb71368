import ConcurrencyControl
import Primitives
import Testing

@Suite("Lock table")
struct LockTableTests {
  @Test func `readers share, and a writer waits for the last of them`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.ask(2, .shared, 7) == .granted)
    #expect(locks.ask(3, .exclusive, 7) == .waiting)
    #expect(locks.release(1) == [])
    #expect(locks.release(2) == [3])
    #expect(locks.mode(3, 7) == .exclusive)
  }

  @Test func `a reader does not overtake a waiting writer (L6)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.ask(2, .exclusive, 7) == .waiting)
    #expect(locks.ask(3, .shared, 7) == .waiting)
    #expect(locks.release(1) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `shrinks after a large transaction, and goes on finding what is held (Q5)`() {
    var locks = LockDriver(byteBudget: 64 << 20)
    for key in 0..<20_000 as Range<UInt64> { #expect(locks.ask(1, .exclusive, key) == .granted) }
    #expect(locks.table.capacity >= 20_000)
    _ = locks.release(1)
    for number in 0..<3_000 as Range<UInt64> {
      #expect(locks.ask(2 + number, .exclusive, number) == .granted)
      _ = locks.release(2 + number)
    }
    #expect(locks.table.capacity <= 1_024)
    // Most of a shrunken table is used: a slot in the wrong place would lose its name.
    for key in 0..<900 as Range<UInt64> {
      #expect(locks.ask(5_000, .exclusive, 7 * key) == .granted)
    }
    for key in 0..<900 as Range<UInt64> { #expect(locks.mode(5_000, 7 * key) == .exclusive) }
    #expect(locks.ask(5_001, .shared, 7 * 899) == .waiting)
    #expect(locks.release(5_000) == [5_001])
    #expect(locks.table.heldCount == 1)
  }

  @Test func `compatible requests at the head are granted together, and no further`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 7) == .granted)
    #expect(locks.ask(2, .shared, 7) == .waiting)
    #expect(locks.ask(3, .update, 7) == .waiting)
    #expect(locks.ask(4, .shared, 7) == .waiting)
    #expect(locks.ask(5, .update, 7) == .waiting)
    #expect(locks.ask(6, .shared, 7) == .waiting)
    #expect(locks.release(1) == [2, 3, 4])
    #expect(locks.release(3) == [5, 6])
  }

  @Test func `asking again for what is held changes nothing`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 7) == .granted)
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.mode(1, 7) == .exclusive)
    #expect(locks.table.heldCount == 1)
  }

  @Test func `a converter goes ahead of new requests (L5)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.ask(2, .shared, 7) == .granted)
    #expect(locks.ask(3, .exclusive, 7) == .waiting)
    #expect(locks.ask(1, .exclusive, 7) == .waiting)
    #expect(locks.release(2) == [1])
    #expect(locks.mode(1, 7) == .exclusive)
    #expect(locks.release(1) == [3])
  }

  @Test func `two readers who both want to write are a deadlock at once (L5)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7, weight: 5) == .granted)
    #expect(locks.ask(2, .shared, 7, weight: 5) == .granted)
    #expect(locks.ask(1, .exclusive, 7, weight: 5) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 7, weight: 5)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
    #expect(locks.mode(2, 7) == .shared, "a victim keeps its locks until it rolls back")
    #expect(locks.release(2) == [1])
  }

  @Test func `update locks keep two would-be writers from deadlocking`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .update, 7) == .granted)
    #expect(locks.ask(2, .shared, 7) == .granted)
    #expect(locks.ask(3, .update, 7) == .waiting)
    #expect(locks.ask(1, .exclusive, 7) == .waiting)
    #expect(locks.release(2) == [1])
    #expect(locks.release(1) == [3])
  }

  @Test func `cancelling a wait lets those behind it through (L11)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.ask(2, .exclusive, 7) == .waiting)
    #expect(locks.ask(3, .shared, 7) == .waiting)
    #expect(locks.cancel(2) == [3])
    #expect(locks.cancel(2) == nil)
    #expect(locks.cancel(1) == nil, "who holds does not wait")
  }

  @Test func `a cancelled conversion keeps what was held, and lets others through`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 7) == .granted)
    #expect(locks.ask(2, .shared, 7) == .granted)
    #expect(locks.ask(1, .exclusive, 7) == .waiting)
    #expect(locks.ask(3, .shared, 7) == .waiting)
    #expect(locks.cancel(1) == [3])
    #expect(locks.mode(1, 7) == .shared)
  }

  @Test func `the same fingerprint in two keyspaces is two locks`() {
    var table = LockTable()
    var notices: [LockNotice] = []
    for keyspace in 1...2 as ClosedRange<UInt32> {
      let name = LockName(keyspace: KeyspaceID(keyspace), fingerprint: 9)
      let claimant = LockClaimant(TransactionID(UInt64(keyspace)))
      let outcome = table.request(
        .exclusive, on: name, key: RawSpan(), by: claimant, notices: &notices)
      #expect(outcome == .granted)
    }
    #expect(table.heldCount == 2)
  }

  @Test func `many locks of one transaction all go at once`() {
    var locks = LockDriver()
    for key in 0..<10_000 as Range<UInt64> { #expect(locks.ask(1, .exclusive, key) == .granted) }
    #expect(locks.table.heldCount == 10_000)
    #expect(locks.ask(2, .shared, 9_999) == .waiting)
    #expect(locks.release(1) == [2])
    #expect(locks.table.heldCount == 1)
    #expect(locks.release(2) == [])
    #expect(locks.table.heldCount == 0)
  }
}

@Suite("Deadlocks")
struct DeadlockTests {
  /// A circle of three: 1 holds a and wants b, 2 holds b and wants c, 3 holds c and wants a.
  private func circle(
    weights: [UInt64] = [0, 0, 0], timesVictim: [Int] = [0, 0, 0]
  ) -> (LockDriver, LockOutcome) {
    var locks = LockDriver()
    for index in 0..<3 {
      let outcome = locks.ask(
        UInt64(index + 1), .exclusive, UInt64(index + 10), weight: weights[index],
        timesVictim: timesVictim[index])
      #expect(outcome == .granted)
    }
    for index in 0..<2 {
      let outcome = locks.ask(
        UInt64(index + 1), .exclusive, UInt64(index + 11), weight: weights[index],
        timesVictim: timesVictim[index])
      #expect(outcome == .waiting)
    }
    let outcome = locks.ask(
      3, .exclusive, 10, weight: weights[2], timesVictim: timesVictim[2])
    return (locks, outcome)
  }

  @Test func `of equal weights the youngest is the victim (L7)`() {
    let (_, outcome) = circle()
    #expect(outcome == .deadlock(cycle: [3, 1, 2].map { TransactionID($0) }))
  }

  @Test func `who wrote least is the victim (L7)`() {
    var (locks, outcome) = circle(weights: [7, 3, 9])
    #expect(outcome == .waiting)
    #expect(locks.victims == [2])
    #expect(
      locks.notices.first?.event
        == .deadlock(cycle: [3, 1, 2].map { TransactionID($0) }))
    #expect(!locks.table.isWaiting(TransactionID(2)))
    #expect(locks.release(2) == [1])
  }

  @Test func `who was a victim often enough is spared (L7)`() {
    let (locks, outcome) = circle(weights: [7, 3, 9], timesVictim: [0, 3, 0])
    #expect(outcome == .waiting)
    #expect(locks.victims == [1])
  }

  @Test func `what counts is how often it was a victim when it asked last (L7)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 10, weight: 1, timesVictim: 0) == .granted)
    #expect(locks.ask(2, .exclusive, 11, weight: 5) == .granted)
    #expect(locks.ask(1, .exclusive, 11, weight: 1, timesVictim: 3) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 10, weight: 5)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
  }

  @Test func `if all were victims often, one is chosen all the same`() {
    let (_, outcome) = circle(weights: [7, 7, 3], timesVictim: [3, 4, 5])
    #expect(outcome == .deadlock(cycle: [3, 1, 2].map { TransactionID($0) }))
  }

  @Test func `a circle through the order of a queue is a deadlock too (L7, L8)`() {
    // 2 waits behind 1's writer wish although it is compatible with the holder.
    var locks = LockDriver()
    #expect(locks.ask(3, .shared, 10) == .granted)
    #expect(locks.ask(2, .exclusive, 11) == .granted)
    #expect(locks.ask(1, .exclusive, 10, weight: 4) == .waiting)
    #expect(locks.ask(2, .shared, 10, weight: 5) == .waiting)
    #expect(locks.ask(3, .shared, 11, weight: 6) == .waiting)
    #expect(locks.victims == [1])
    #expect(locks.granted == [2], "the victim's place in the queue was what 2 waited for")
    #expect(locks.release(2) == [3])
  }

  @Test func `a victim that lets the requester in makes its request granted`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 10, weight: 9) == .granted)
    #expect(locks.ask(3, .exclusive, 11, weight: 9) == .granted)
    #expect(locks.ask(1, .shared, 11, weight: 9) == .waiting)
    #expect(locks.ask(2, .exclusive, 10, weight: 1) == .waiting)
    #expect(locks.ask(3, .shared, 10, weight: 9) == .granted)
    #expect(locks.victims == [2])
    #expect(locks.granted == [])
  }

  @Test func `two circles through one request are both broken`() {
    // 3 wants what 1 and 2 share; each of them wants what 3 holds.
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 10, weight: 1) == .granted)
    #expect(locks.ask(2, .shared, 10, weight: 2) == .granted)
    #expect(locks.ask(3, .exclusive, 11, weight: 9) == .granted)
    #expect(locks.ask(1, .shared, 11, weight: 1) == .waiting)
    #expect(locks.ask(2, .shared, 11, weight: 2) == .waiting)
    #expect(locks.ask(3, .exclusive, 10, weight: 9) == .waiting)
    #expect(locks.victims == [1, 2])
    #expect(locks.release(1) == [])
    #expect(locks.release(2) == [3])
  }

  @Test func `a nested transaction that waits for the one around it is a deadlock at once (L8)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 10) == .granted)
    #expect(
      locks.ask(2, .exclusive, 10, weight: 9, timesVictim: 5, enclosing: 1)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
    #expect(locks.ask(2, .exclusive, 11, enclosing: 1) == .granted)
  }

  @Test func `a circle through the body of a transaction is found from outside it (L8)`() {
    // 2 runs inside 1 and waits for 3, which wants what 1 holds.
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 10) == .granted)
    #expect(locks.ask(3, .exclusive, 11, weight: 5) == .granted)
    #expect(locks.ask(2, .exclusive, 11, weight: 9, enclosing: 1) == .waiting)
    #expect(
      locks.ask(3, .exclusive, 10, weight: 5)
        == .deadlock(cycle: [3, 1, 2].map { TransactionID($0) }), "1 could not give up: it runs")
    #expect(locks.release(3) == [2])
  }

  @Test func `two levels of nesting lead on to the outermost (L8)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 10) == .granted)
    #expect(locks.ask(2, .exclusive, 11, enclosing: 1) == .granted)
    #expect(
      locks.ask(3, .exclusive, 10, enclosing: 2)
        == .deadlock(cycle: [3, 1, 2].map { TransactionID($0) }))
  }

  @Test func `a nested transaction that has ended is waited for by no one`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 10) == .granted)
    #expect(locks.ask(2, .exclusive, 11, enclosing: 1) == .granted)
    #expect(locks.release(2) == [])
    #expect(locks.ask(3, .exclusive, 11) == .granted)
    #expect(locks.ask(1, .exclusive, 11) == .waiting)
    #expect(locks.blockers(1) == [3])
  }

  @Test func `whom one waits for is everybody ahead, by name`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 10) == .granted)
    #expect(locks.ask(2, .shared, 10) == .granted)
    #expect(locks.ask(3, .exclusive, 10) == .waiting)
    #expect(locks.ask(4, .shared, 10) == .waiting)
    #expect(Set(locks.blockers(3)) == [1, 2])
    #expect(locks.blockers(4) == [3])
    #expect(locks.blockers(1) == [] && locks.blockers(99) == [])
  }

  @Test func `waiting twice is a bug and stops the process`() async {
    await #expect(processExitsWith: .failure) {
      var locks = LockDriver()
      _ = locks.ask(1, .exclusive, 10)
      _ = locks.ask(2, .exclusive, 10)
      _ = locks.ask(2, .exclusive, 11)
    }
  }
}
