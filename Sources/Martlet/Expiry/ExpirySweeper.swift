internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// Removes entries that have expired, in the background: each removal is a write of an ordinary
/// transaction, so that the log, change feeds, observers and recovery know nothing new.
///
/// Nobody depends on it for a right answer: an expired entry is absent whether it is still there or
/// not. So it may be slow, and gives way everywhere: it waits for no lock, takes a small batch at a
/// time, rests many times longer than it works, and goes on when there is something to do and not
/// before (`ExpiryMap` knows when that is).
///
/// - Invariant SW1: what it removes is absent for every transaction that begins from then on: under
///   the key's lock it reads the key as they do.
/// - Invariant SW2: its thread is started with the first entry that expires; a database without any
///   has none.
// SENDABLE: all mutable state is in a Mutex or atomic. The engine outlives its sweeper.
final class ExpirySweeper: @unchecked Sendable {
  private unowned let engine: Engine
  private let store: VersionStore
  private let effects: Effects
  private let pace: ExpiryPace
  private let loop = Mutex(Loop())
  private let removed = Atomic<UInt64>(0)

  private struct Loop {
    var isStarted = false
    var isStopping = false
    var sleeping: WaitTicket?
    /// Something expires before the sleeper would look.
    var isWoken = false
    var wakesAt = UInt64.max
    var thread: (any BackgroundThread)?
  }

  init(engine: Engine) {
    self.engine = engine
    store = engine.store
    effects = engine.effects
    pace = engine.configuration.expiryPace
  }

  /// Entries removed since the database was opened.
  var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  // MARK: The thread

  /// Says that something expires at a moment, after the commit that wrote it.
  func note(_ expiry: UInt64) {
    let (ticket, mustStart) = loop.withLock { state -> (WaitTicket?, Bool) in
      if state.isStopping { return (nil, false) }
      if !state.isStarted { return (nil, true) }
      guard expiry < state.wakesAt else { return (nil, false) }
      state.isWoken = true
      return (state.sleeping.take(), false)
    }
    if let ticket { effects.waits.wake(ticket) }
    if mustStart { start() }
  }

  /// Starts the thread, once.
  func start() {
    let isFirst = loop.withLock { state in
      guard !state.isStopping, !state.isStarted else { return false }
      state.isStarted = true
      return true
    }
    guard isFirst else { return }
    let thread = effects.background.start("martlet expiry") { [unowned self] in watch() }
    loop.withLock { $0.thread = thread }
  }

  /// Lets the thread end after the visit that it is at.
  func stop() {
    let ticket = loop.withLock { state in
      state.isStopping = true
      return state.sleeping.take()
    }
    if let ticket { effects.waits.wake(ticket) }
  }

  /// Waits for the end of the thread. After `stop`, when no transaction runs that might be starting it.
  func join() { loop.withLock { $0.thread.take() }?.join() }

  private func watch() {
    var rest: UInt64 = 0
    while sleep(atLeast: rest) {
      let begin = effects.time.monotonic()
      guard sweep() else {
        // Suspended, or about to be closed.
        rest = 1_000_000_000
        continue
      }
      rest =
        (effects.time.monotonic() - begin).multipliedReportingOverflow(by: pace.restFactor)
        .partialValue
    }
  }

  /// Waits until a visit is due and the rest is over; false when it is time to end.
  private func sleep(atLeast rest: UInt64) -> Bool {
    let restsUntil = effects.time.monotonic() + rest
    while true {
      // From here on a note wakes, whatever it is of: what was noted before is found below.
      loop.withLock { state in
        state.isWoken = false
        state.wakesAt = .max
      }
      let now = effects.time.monotonic()
      let due = store.expiries.nextDue
      var deadline: UInt64?
      if let due {
        let wait = wait(until: due)
        if wait == 0, now >= restsUntil { return !loop.withLock { $0.isStopping } }
        deadline = max(now &+ wait, restsUntil)
      }
      let ticket = effects.waits.makeTicket()
      let decision = loop.withLock { state -> Bool? in
        if state.isStopping { return false }
        if state.isWoken { return true }
        state.sleeping = ticket
        state.wakesAt = due ?? .max
        return nil
      }
      if decision == false { return false }
      if decision == true { continue }
      _ = effects.waits.park(ticket, until: deadline)
      loop.withLock { $0.sleeping = nil }
    }
  }

  /// How long until what expires at a moment is worth a visit.
  private func wait(until due: UInt64) -> UInt64 {
    let now = store.expiries.now
    let delay = pace.delay.nanoseconds
    if now >= delay, due <= now - delay { return 0 }
    // Far moments are looked at again: clocks may be set forward.
    let left = due > now ? due - now : 0
    return min(left.addingReportingOverflow(delay).partialValue, Self.longestSleep)
  }

  /// A minute: how late a wall clock that was set forward is noticed.
  private static let longestSleep: UInt64 = 60_000_000_000

  // MARK: Sweeping

  /// Visits the stretch that has been due for longest. False when nothing may begin.
  private func sweep() -> Bool {
    let now = store.expiries.now
    let moment = now - min(now, pace.delay.nanoseconds)
    guard engine.enterQuietly() else { return false }
    defer { engine.leave() }
    guard let stretch = store.expiries.take(dueAt: moment) else { return true }
    do throws(StoreError) {
      let finding = try store.findExpired(
        in: stretch, at: now, entryLimit: pace.entryLimit, keyLimit: pace.keyLimit)
      let isClean = remove(finding.expired[...], in: stretch.keyspace)
      let again = isClean ? UInt64.max : now
      let due = min(finding.due ?? .max, again)
      store.expiries.visited(
        stretch, upTo: finding.end, due: due == .max ? nil : due, restDue: 0)
    } catch .unknownKeyspace {
      store.expiries.forget(stretch.keyspace)
    } catch {
      report("expired entries could not be looked for: \(DatabaseError(error).message)")
      store.expiries.visited(stretch, upTo: nil, due: now, restDue: nil)
      // What failed once would fail at once again.
      _ = effects.waits.park(
        effects.waits.makeTicket(), until: effects.time.monotonic() + 100_000_000)
    }
    return true
  }

  /// Removes keys that are absent to whoever looks now. False when some could not be had.
  private func remove(_ keys: ArraySlice<[UInt8]>, in keyspace: KeyspaceID) -> Bool {
    guard !keys.isEmpty else { return true }
    do {
      try commit(keys, in: keyspace)
      return true
    } catch let error as DatabaseError where error.code == .lockTimeout {
      // Somebody is at one of them: the others need not wait for that.
      guard keys.count > 1 else { return false }
      let middle = (keys.startIndex + keys.endIndex) / 2
      let first = remove(keys[keys.startIndex..<middle], in: keyspace)
      return remove(keys[middle..<keys.endIndex], in: keyspace) && first
    } catch {
      report("expired entries could not be removed: \(error)")
      return false
    }
  }

  private func commit(_ keys: ArraySlice<[UInt8]>, in keyspace: KeyspaceID) throws {
    guard let info = store.keyspace(keyspace) else { return }
    // Removing what is absent breaks no rule among keys (rule M6), so of the options only what is
    // recorded counts.
    let kept = try KeyspaceOptions(decoding: info.options)
    let handle = Keyspace(
      name: info.name, id: keyspace,
      options: KeyspaceOptions(recordsPreviousValues: kept.recordsPreviousValues),
      database: engine.id, writer: .engine)
    var options = try engine.options(
      .readCommitted, nil, durability: nil, retry: .never, cancellation: nil)
    options.lockTimeout = .zero
    var count = 0
    let outcome = try engine.run(options) { transaction in
      count = 0
      for key in keys {
        try key.withByteView { key in
          let isAbsent = try transaction.state.reads.withScratch { level in
            try transaction.state.find(key, in: keyspace, forUpdate: true, copyingTo: level) == nil
          }
          guard isAbsent else { return }
          try transaction.state.remove(key, in: handle)
          count += 1
        }
      }
    }
    try outcome.awaitDurability(engine.pipeline)
    removed.wrappingAdd(UInt64(count), ordering: .relaxed)
  }

  private func report(_ message: String) {
    effects.events.report(Event(.warning, message))
  }
}
