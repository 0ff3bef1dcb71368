import Primitives
import Testing
import Verification

/// Histories that break a promise, one each: an oracle that lets one pass proves nothing.
@Suite struct `The torture oracle` {
  typealias History = TortureHistory

  /// A history under construction: session 0 and 1, keyspace `main`, and the ledger.
  struct Story {
    var history = History()
    var recovered: TortureState = [TortureHistory.ledger: [:], "main": [:]]

    init() {
      for name in [TortureHistory.ledger, "main"] {
        var creation = History.CatalogChange(
          name: name, isCreation: true, invoked: history.nextEvent())
        creation.returned = history.nextEvent()
        creation.succeeded = true
        creation.isDurable = true
        history.catalogChanges.append(creation)
      }
    }

    /// An attempt that sets keys of `main`; nil removes one.
    @discardableResult
    mutating func attempt(
      _ session: Int, _ number: Int, _ writes: [Int: UInt64?], snapshot: UInt64,
      _ outcome: History.Outcome
    ) -> Int {
      var attempt = History.Attempt(
        session: session, number: number, invoked: history.nextEvent())
      attempt.snapshot = Timestamp(snapshot)
      attempt.writes = writes.sorted { $0.key < $1.key }.map { .init("main", $0.key, $0.value) }
      attempt.writes.append(
        .init(TortureHistory.ledger, session, TortureValue.hash(ofCounter: number)))
      attempt.outcome = outcome
      attempt.returned = outcome == .unknown ? .max : history.nextEvent()
      history.attempts.append(attempt)
      return history.attempts.count - 1
    }

    /// What the restart shows of an attempt.
    mutating func show(_ session: Int, _ number: Int, _ keys: [Int: UInt64], at moment: UInt64) {
      let timestamp = Timestamp(moment)
      recovered[TortureHistory.ledger]?[session] = TortureEntry(
        hash: TortureValue.hash(ofCounter: number), timestamp: timestamp)
      for (key, hash) in keys {
        recovered["main"]?[key] = TortureEntry(hash: hash, timestamp: timestamp)
      }
    }

    /// What the oracle says.
    func verdict() -> TortureViolation.Kind? {
      var oracle = TortureOracle()
      do throws(TortureViolation) {
        try oracle.settle(history, TortureRecovery(recovered))
        return nil
      } catch {
        return error.kind
      }
    }
  }

  /// Two commits, one after the other, both there.
  static func calm() -> Story {
    var story = Story()
    story.attempt(0, 1, [1: 11, 2: 12], snapshot: 5, .committed(Timestamp(10), isDurable: true))
    story.attempt(1, 1, [2: 22], snapshot: 10, .committed(Timestamp(20), isDurable: true))
    story.show(0, 1, [1: 11], at: 10)
    story.show(1, 1, [2: 22], at: 20)
    return story
  }

  @Test func `accepts what was promised`() {
    #expect(Self.calm().verdict() == nil)
  }

  @Test func `misses an acknowledged commit`() {
    var story = Self.calm()
    story.recovered[TortureHistory.ledger]?[1] = nil
    story.recovered["main"]?[2] = TortureEntry(hash: 12, timestamp: Timestamp(10))
    #expect(story.verdict() == .acknowledgedCommitLost)
  }

  @Test func `lets a crash take relaxed commits from the end`() {
    var story = Self.calm()
    story.history.attempts[1].outcome = .committed(Timestamp(20), isDurable: false)
    story.recovered[TortureHistory.ledger]?[1] = nil
    story.recovered["main"]?[2] = TortureEntry(hash: 12, timestamp: Timestamp(10))
    #expect(story.verdict() == nil)
  }

  @Test func `sees a hole before a commit that is there`() {
    var story = Self.calm()
    story.history.attempts[0].outcome = .committed(Timestamp(10), isDurable: false)
    story.recovered[TortureHistory.ledger]?[0] = nil
    story.recovered["main"]?[1] = nil
    #expect(story.verdict() == .holeInHistory)
  }

  @Test func `sees a transaction that was rolled back`() {
    var story = Self.calm()
    story.history.attempts[1].outcome = .rolledBack
    #expect(story.verdict() == .uncommittedPresent)
  }

  @Test func `sees half a transaction`() {
    var story = Self.calm()
    story.recovered["main"]?[1] = nil
    #expect(story.verdict() == .wrongContent)
  }

  @Test func `sees an entry under another moment`() {
    var story = Self.calm()
    story.recovered["main"]?[1]?.timestamp = Timestamp(11)
    #expect(story.verdict() == .wrongContent)
  }

  @Test func `dates an unacknowledged commit by its row, and wants all of it`() {
    var story = Self.calm()
    story.attempt(0, 2, [1: 31, 3: 33], snapshot: 20, .unknown)
    #expect(story.verdict() == nil, "it may be absent")
    story.show(0, 2, [1: 31, 3: 33], at: 30)
    #expect(story.verdict() == nil, "it may be there")
    story.recovered["main"]?[3] = nil
    #expect(story.verdict() == .wrongContent, "it may not be there by half")
  }

  @Test func `sees a lost update`() {
    var story = Self.calm()
    story.history.attempts[1].snapshot = Timestamp(5)
    #expect(story.verdict() == .lostUpdate)
  }

  @Test func `sees an update lost to a removal`() {
    var story = Self.calm()
    let removal: [Int: UInt64?] = [2: nil]
    story.attempt(0, 2, removal, snapshot: 20, .committed(Timestamp(30), isDurable: true))
    story.attempt(1, 2, [2: 42], snapshot: 20, .committed(Timestamp(40), isDurable: true))
    story.show(0, 2, [:], at: 30)
    story.show(1, 2, [2: 42], at: 40)
    #expect(story.verdict() == .lostUpdate)
  }

  @Test func `sees a timestamp twice`() {
    var story = Self.calm()
    story.history.attempts[1].outcome = .committed(Timestamp(10), isDurable: true)
    story.show(1, 1, [2: 22], at: 10)
    #expect(story.verdict() == .timestampReused)
  }

  @Test func `sees a timestamp of a lost commit again, a life later`() throws {
    var oracle = TortureOracle()
    var first = Self.calm()
    first.history.attempts[1].outcome = .committed(Timestamp(20), isDurable: false)
    first.recovered[TortureHistory.ledger]?[1] = nil
    first.recovered["main"]?[2] = TortureEntry(hash: 12, timestamp: Timestamp(10))
    try oracle.settle(first.history, TortureRecovery(first.recovered))
    #expect(oracle.lostRelaxedCount == 1)
    var second = Story()
    second.recovered = first.recovered
    second.attempt(1, 2, [3: 33], snapshot: 10, .committed(Timestamp(20), isDurable: true))
    second.show(1, 2, [3: 33], at: 20)
    let kind = #expect(throws: TortureViolation.self) {
      try oracle.settle(second.history, TortureRecovery(second.recovered))
    }?.kind
    #expect(kind == .timestampReused)
  }

  @Test func `sees real time run backwards`() {
    var story = Story()
    story.attempt(0, 1, [1: 11], snapshot: 5, .committed(Timestamp(20), isDurable: true))
    story.attempt(1, 1, [2: 22], snapshot: 5, .committed(Timestamp(10), isDurable: true))
    story.show(0, 1, [1: 11], at: 20)
    story.show(1, 1, [2: 22], at: 10)
    #expect(story.verdict() == .realTimeOrderBroken)
  }

  @Test func `sees a view of what was not there at its moment`() {
    var story = Self.calm()
    var view = History.Observation(snapshot: Timestamp(15))
    var scan = History.Scan("main", nil, isReverse: false, limit: .max)
    scan.rows = [(1, 11), (2, 12)]
    view.scans = [scan]
    story.history.observations = [view]
    #expect(story.verdict() == nil)
    story.history.observations[0].scans[0].rows[1].hash = 22
    #expect(story.verdict() == .wrongRead)
    story.history.observations[0].scans[0].rows.removeLast()
    #expect(story.verdict() == .wrongRead, "a row too few")
    story.history.observations[0].scans = []
    story.history.observations[0].sights = [.init(keyspace: "main", key: 9, hash: 1)]
    #expect(story.verdict() == .wrongRead, "a key that was absent")
  }

  @Test func `sees a scan in the wrong order, and one beyond its limit`() {
    var story = Self.calm()
    var scan = History.Scan("main", 0..<9, isReverse: true, limit: 1)
    scan.rows = [(2, 22)]
    var view = History.Observation(snapshot: Timestamp(20))
    view.scans = [scan]
    story.history.observations = [view]
    #expect(story.verdict() == nil)
    story.history.observations[0].scans[0].rows = [(1, 11)]
    #expect(story.verdict() == .wrongRead)
    story.history.observations[0].scans[0].rows = [(2, 22), (1, 11)]
    #expect(story.verdict() == .wrongRead)
  }

  @Test func `counts a transaction's own writes in its scans`() {
    var story = Self.calm()
    var scan = History.Scan("main", nil, isReverse: false, limit: .max)
    scan.ownWrites = [1: [.remove], 3: [.set(hash: 33, bytes: nil, expiry: 0)]]
    scan.rows = [(2, 12), (3, 33)]
    story.history.attempts[1].scans = [scan]
    #expect(story.verdict() == nil)
    story.history.attempts[1].scans[0].rows = [(1, 11), (2, 12), (3, 33)]
    #expect(story.verdict() == .wrongRead)
  }

  @Test func `wants what an answered read has shown`() {
    var story = Self.calm()
    story.history.attempts[1].outcome = .committed(Timestamp(20), isDurable: false)
    story.recovered[TortureHistory.ledger]?[1] = nil
    story.recovered["main"]?[2] = TortureEntry(hash: 12, timestamp: Timestamp(10))
    var view = History.Observation(snapshot: Timestamp(20))
    view.ledger = [1: (1, Timestamp(20))]
    story.history.observations = [view]
    #expect(story.verdict() == nil, "a relaxed read promises nothing")
    story.history.observations[0].isDurable = true
    #expect(story.verdict() == .answeredReadLost)
  }

  @Test func `misses a keyspace, and sees one come back`() {
    var story = Self.calm()
    story.recovered["stray"] = [:]
    #expect(story.verdict() == .wrongKeyspaces)
    story.recovered["stray"] = nil
    story.recovered["main"] = nil
    #expect(story.verdict() == .wrongKeyspaces)
    var drop = History.CatalogChange(
      name: "main", isCreation: false, invoked: story.history.nextEvent())
    story.history.catalogChanges.append(drop)
    #expect(story.verdict() == nil, "the drop was under way")
    drop.succeeded = true
    drop.isDurable = true
    story.history.catalogChanges[2] = drop
    story.recovered = Self.calm().recovered
    #expect(story.verdict() == .wrongKeyspaces)
  }
}
