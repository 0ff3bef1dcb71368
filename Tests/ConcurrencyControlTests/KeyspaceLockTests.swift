import ConcurrencyControl
import Primitives
import Testing

// Keys of keyspace 0 are the multiples of 3.
@Suite("Keyspace locks")
struct KeyspaceLockTests {
  @Test func `reading a key announces itself on the keyspace, and writing one more so (L1)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .shared, 3) == .granted)
    #expect(locks.modeOfAll(1) == .intentionShared)
    #expect(locks.ask(1, .update, 6) == .granted)
    #expect(locks.modeOfAll(1) == .intentionShared)
    #expect(locks.ask(1, .exclusive, 9) == .granted)
    #expect(locks.modeOfAll(1) == .intentionExclusive)
    #expect(locks.ask(1, .shared, 12) == .granted)
    #expect(locks.modeOfAll(1) == .intentionExclusive)
    #expect(locks.modeOfAll(1, 1) == nil, "another keyspace")
  }

  @Test func `who has the keyspace exclusively keeps everybody out of it, and only of it`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .exclusive) == .granted)
    #expect(locks.ask(2, .shared, 3) == .waiting)
    #expect(locks.ask(3, .exclusive, 4) == .granted)
    #expect(locks.blockers(2) == [1])
    #expect(locks.release(1) == [2])
    #expect(locks.mode(2, 3) == .shared)
  }

  @Test func `a shared keyspace lets readers in and keeps writers out`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .shared) == .granted)
    #expect(locks.ask(2, .shared, 3) == .granted)
    #expect(locks.scan(2, 0, 9) == .granted)
    #expect(locks.ask(3, .exclusive, 3) == .waiting)
    #expect(locks.blockers(3) == [1])
    #expect(locks.release(1) == [], "let into the keyspace, but 2 holds the interval")
    #expect(locks.blockers(3) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `under a keyspace lock nothing below it is asked for`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .exclusive) == .granted)
    for mode in LockMode.allCases { #expect(locks.ask(1, mode, 3) == .granted) }
    #expect(locks.scan(1, 0, nil) == .granted)
    #expect(locks.table.heldCount == 0 && locks.table.intervalCount == 0)
    #expect(locks.mode(1, 3) == .exclusive && locks.covers(1, 0, nil))
  }

  @Test func `who reads all and writes some locks what it writes`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .shared) == .granted)
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.modeOfAll(1) == .sharedIntentionExclusive)
    #expect(locks.ask(1, .shared, 6) == .granted)
    #expect(locks.table.heldCount == 1)
    #expect(locks.ask(2, .shared, 6) == .granted)
    #expect(locks.ask(3, .shared, 3) == .waiting)
  }

  @Test func `an intention does not overtake one who waits for the keyspace (L6)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.askAll(2, .exclusive) == .waiting)
    #expect(locks.ask(3, .shared, 6) == .waiting)
    #expect(locks.ask(1, .shared, 9) == .granted, "who is in already goes on")
    #expect(locks.release(1) == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `a conversion of the keyspace goes ahead of new requests (L5)`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .shared) == .granted)
    #expect(locks.askAll(2, .shared) == .granted)
    #expect(locks.ask(3, .exclusive, 3) == .waiting)
    #expect(locks.askAll(1, .exclusive) == .waiting)
    #expect(locks.release(2) == [1])
    #expect(locks.release(1) == [3])
  }

  @Test func `two readers of a keyspace who both want to write are a deadlock at once (L5)`() {
    var locks = LockDriver()
    #expect(locks.askAll(1, .shared) == .granted)
    #expect(locks.askAll(2, .shared) == .granted)
    #expect(locks.ask(1, .exclusive, 3) == .waiting)
    #expect(
      locks.ask(2, .exclusive, 6)
        == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
    #expect(locks.release(2) == [1])
  }

  @Test func `cancelling a wait for a keyspace lets those behind it through (L11)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.askAll(2, .exclusive) == .waiting)
    #expect(locks.ask(3, .exclusive, 6) == .waiting)
    #expect(locks.cancel(2) == [3])
    #expect(locks.modeOfAll(2) == nil)
  }

  @Test func `a transaction that ends while it waits lets go of all at once (L6)`() {
    // 5 reads an interval and now waits for the whole keyspace; behind it 7 waits to write a key
    // of the interval, and behind 7 somebody to read it. Were 5's wait ended on its own first, 7
    // would be let in and be stopped by the interval, and the reader would overtake it.
    var locks = LockDriver()
    #expect(locks.ask(4, .exclusive, 3) == .granted)
    #expect(locks.scan(5, 9, 12) == .granted)
    #expect(locks.askAll(5, .shared) == .waiting)
    #expect(locks.ask(7, .exclusive, 9) == .waiting)
    #expect(locks.ask(1, .shared, 9) == .waiting)
    #expect(locks.release(5) == [7])
    #expect(locks.blockers(1) == [7])
    #expect(locks.release(7) == [1])
  }

  @Test func `a circle over a key and a keyspace is found (L8)`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.askAll(2, .shared, of: 1) == .granted)
    #expect(locks.ask(1, .exclusive, 4) == .waiting)
    #expect(
      locks.ask(2, .shared, 3) == .deadlock(cycle: [TransactionID(2), TransactionID(1)]))
  }

  @Test func `a circle that closes when a wait leads on to the next one is found (L7)`() {
    // 2 is let into keyspace 0 and meets 3's key there, while 3 waits for 2's.
    var locks = LockDriver()
    #expect(locks.ask(2, .exclusive, 4, weight: 1) == .granted)
    #expect(locks.ask(3, .shared, 3, weight: 9) == .granted)
    #expect(locks.askAll(1, .shared) == .granted)
    #expect(locks.ask(3, .exclusive, 4, weight: 9) == .waiting)
    #expect(locks.ask(2, .exclusive, 3, weight: 1) == .waiting)
    #expect(locks.blockers(2) == [1])
    #expect(locks.release(1) == [])
    #expect(locks.victims == [2])
    #expect(locks.release(2) == [3])
  }

  @Test func `a failed first request leaves no intention behind`() {
    var locks = LockDriver()
    #expect(locks.ask(1, .exclusive, 3) == .granted)
    #expect(locks.ask(2, .exclusive, 3) == .waiting)
    #expect(locks.cancel(2) == [])
    #expect(locks.modeOfAll(2) == nil)
    #expect(locks.release(1) == [])
    #expect(locks.askAll(3, .exclusive) == .granted)
  }

  @Test func `many keyspaces come and go`() {
    var table = LockTable(capacity: 16)
    var notices: [LockNotice] = []
    for keyspace in 0..<1000 as Range<UInt32> {
      let transaction = TransactionID(UInt64(keyspace / 10))
      let outcome = table.request(
        .exclusive, on: LockName(keyspace: KeyspaceID(keyspace), fingerprint: 1), key: RawSpan(),
        by: LockClaimant(transaction), notices: &notices)
      #expect(outcome == .granted)
      if keyspace % 10 == 9 { table.releaseAll(of: transaction, notices: &notices) }
    }
    #expect(table.heldCount == 0 && table.usedBytes == 0)
  }
}
