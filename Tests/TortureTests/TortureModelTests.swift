import Primitives
import Testing
import Verification

/// Expiry and merges before the oracle: histories that keep the promise, and ones that break it.
@Suite struct `The torture oracle, of expiry and merges,` {
  typealias History = TortureHistory

  /// One session after the other, keyspace `main`, and what the restart shows.
  private struct Story {
    var history = History()
    var recovered: TortureState = [History.ledger: [:], "main": [:]]
    private var number = 0

    init() {
      for name in [History.ledger, "main"] {
        var creation = History.CatalogChange(
          name: name, isCreation: true, invoked: history.nextEvent())
        creation.returned = history.nextEvent()
        creation.succeeded = true
        creation.isDurable = true
        history.catalogChanges.append(creation)
      }
    }

    /// A durable commit, of a key of `main`; and its session's row.
    mutating func commit(
      _ key: Int, _ effects: [TortureEffect], snapshot: UInt64, at timestamp: UInt64,
      judgedBy moment: UInt64 = 0, latest: UInt64 = 0, isRead: Bool = false
    ) {
      number += 1
      var attempt = History.Attempt(
        session: number, number: 1, invoked: history.nextEvent())
      attempt.snapshot = Timestamp(snapshot)
      attempt.moment = moment
      attempt.latestMoment = max(latest, moment)
      var change = History.Change()
      for effect in effects { change.add(effect) }
      if isRead { change.pin() }
      let row = TortureValue.hash(ofCounter: 1)
      attempt.writes = [
        .init("main", key, change), .init(History.ledger, attempt.session, row),
      ]
      attempt.outcome = .committed(Timestamp(timestamp), isDurable: true)
      attempt.returned = history.nextEvent()
      history.attempts.append(attempt)
      recovered[History.ledger]?[attempt.session] = TortureEntry(
        hash: row, timestamp: Timestamp(timestamp))
    }

    mutating func show(_ key: Int, counter: Int, at timestamp: UInt64, expiring: UInt64 = 0) {
      recovered["main"]?[key] = TortureEntry(
        hash: TortureValue.hash(ofCounter: counter), timestamp: Timestamp(timestamp),
        expiry: expiring)
    }

    mutating func see(_ rows: [(Int, Int)], snapshot: UInt64, judgedBy moment: UInt64) {
      var scan = History.Scan("main", nil, isReverse: false, limit: .max)
      scan.rows = rows.map { ($0.0, TortureValue.hash(ofCounter: $0.1)) }
      var view = History.Observation(snapshot: Timestamp(snapshot), scans: [scan])
      view.moment = moment
      history.observations.append(view)
    }

    func verdict(at moment: UInt64 = 0, sweptUpTo: UInt64 = 0) -> TortureViolation.Kind? {
      var oracle = TortureOracle()
      do throws(TortureViolation) {
        try oracle.settle(
          history, TortureRecovery(recovered, moment: moment, sweptUpTo: sweptUpTo))
        return nil
      } catch {
        return error.kind
      }
    }
  }

  private static func set(_ counter: Int, expiring: UInt64 = 0) -> TortureEffect {
    let bytes = TortureValue.bytes(ofCounter: counter)
    return .set(hash: TortureValue.hash(bytes), bytes: bytes, expiry: expiring)
  }

  private static func add(_ difference: Int) -> TortureEffect {
    .merge(.add(difference), madeExpiring: 0)
  }

  @Test func `counts a merge once, on what was newest`() {
    var story = Story()
    story.commit(1, [Self.set(10)], snapshot: 0, at: 10)
    // Both began before the other was there.
    story.commit(1, [Self.add(5)], snapshot: 10, at: 20)
    story.commit(1, [Self.add(100), Self.add(1)], snapshot: 10, at: 30)
    for (sum, verdict) in [
      (116, nil), (111, .wrongContent), (121, .wrongContent), (217, .wrongContent),
      (15, .wrongContent),
    ] as [(Int, TortureViolation.Kind?)] {
      story.show(1, counter: sum, at: 30)
      #expect(story.verdict() == verdict, "\(sum)")
    }
  }

  @Test func `takes a merge that was read for an update like others`() {
    var story = Story()
    story.commit(1, [Self.set(10)], snapshot: 0, at: 10)
    story.commit(1, [Self.add(5)], snapshot: 10, at: 20)
    story.commit(1, [Self.add(100)], snapshot: 10, at: 30, isRead: true)
    story.show(1, counter: 115, at: 30)
    #expect(story.verdict() == .lostUpdate)
  }

  @Test func `knows what each operation does`() {
    #expect(TortureMerge.least(3).result(on: nil) == TortureValue.bytes(ofCounter: 3))
    #expect(
      TortureMerge.greatest(3).result(on: TortureValue.bytes(ofCounter: 5))
        == TortureValue.bytes(ofCounter: 5))
    let text = TortureValue(seed: 1, byteCount: 3)
    #expect(TortureMerge.append(text).result(on: [9]) == [9] + text.bytes)
    let set = TortureMerge.insert(3).result(on: TortureMerge.insert(7).result(on: nil))
    #expect(set == [1, 3, 1, 7])
    #expect(TortureMerge.remove(3).result(on: set) == [1, 7])
    #expect(TortureMerge.remove(3).result(on: nil) == nil)
  }

  @Test func `wants what expires to be there until its moment, and not from then on`() {
    var story = Story()
    story.commit(1, [Self.set(10, expiring: 500)], snapshot: 0, at: 10, judgedBy: 400)
    story.see([(1, 10)], snapshot: 10, judgedBy: 499)
    story.see([], snapshot: 10, judgedBy: 500)
    story.show(1, counter: 10, at: 10, expiring: 500)
    #expect(story.verdict(at: 450) == nil)
    #expect(story.verdict(at: 500) == .wrongContent, "it has expired, and is shown")
    story.recovered["main"]?[1] = nil
    #expect(story.verdict(at: 500) == nil)
    #expect(story.verdict(at: 450, sweptUpTo: 500) == nil, "swept, and the clock was set back")
    #expect(story.verdict(at: 450, sweptUpTo: 499) == .wrongContent, "swept too early")
    story.see([], snapshot: 10, judgedBy: 499)
    #expect(story.verdict(at: 500) == .wrongRead)
    story.history.observations.removeLast()
    story.see([(1, 10)], snapshot: 10, judgedBy: 500)
    #expect(story.verdict(at: 500) == .wrongRead)
  }

  @Test func `wants another expiry to be the one that was given`() {
    var story = Story()
    story.commit(1, [Self.set(10, expiring: 500)], snapshot: 0, at: 10, judgedBy: 400)
    story.commit(1, [.touch(expiry: 900)], snapshot: 10, at: 20, judgedBy: 450)
    story.commit(1, [Self.add(1)], snapshot: 20, at: 30, judgedBy: 600)
    story.show(1, counter: 11, at: 30, expiring: 900)
    #expect(story.verdict(at: 600, sweptUpTo: 700) == nil)
    story.show(1, counter: 11, at: 30)
    #expect(story.verdict(at: 600) == .wrongContent)
    story.recovered["main"]?[1] = nil
    #expect(story.verdict(at: 600, sweptUpTo: 700) == .wrongContent, "a renewed key was swept")
  }

  /// It judges by the moment of its begin, and is applied when the sweeper may have been there.
  @Test func `leaves open whether a late merge met what had expired`() {
    var story = Story()
    story.commit(1, [Self.set(10, expiring: 500)], snapshot: 0, at: 10, judgedBy: 400)
    story.commit(1, [Self.add(5)], snapshot: 10, at: 20, judgedBy: 450, latest: 600)
    #expect(story.verdict(at: 700) == nil, "15, expired")
    story.show(1, counter: 5, at: 20)
    #expect(story.verdict(at: 700) == nil, "5, for good")
    story.show(1, counter: 15, at: 20)
    #expect(story.verdict(at: 700) == .wrongContent)
    story.history.attempts[1].latestMoment = 499
    story.show(1, counter: 5, at: 20)
    #expect(story.verdict(at: 700) == .wrongContent, "nothing had expired then")
  }
}
