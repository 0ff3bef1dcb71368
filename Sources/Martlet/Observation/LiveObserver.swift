internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// What an observer hands to whoever asked.
package enum LiveOutcome<Value: Sendable>: Sendable {
  case value(Value)
  case failure(any Error)
  /// Nothing comes any more, or the question was withdrawn.
  case ended
}

/// One live query at work: reads when it is asked and what it has read has changed.
///
/// ```
///            request              finished, as it was
///   stale ───────────▶ reading ─────────────────────────▶ current
///     ▲                  │  ▲  ▲                             │
///     │  changed, nobody │  │  └── changed, somebody waits ──┤
///     │  waits           │  └ pause after a passing failure  │
///     └──────────────────┴────────── changed, nobody waits ──┘
/// ```
///
/// - Invariant LO1: at most one read is queued or runs, and only while somebody waits for it.
/// - Invariant LO2: who asks is answered exactly once: with a value read after the question was put,
///   or after the last change, whichever is later; with an error; or that there is nothing more.
/// - Invariant LO3: it counts as a running transaction only while it reads, so closing the database
///   does not wait for it.
// SENDABLE: all mutable state is in the Mutex.
package final class LiveObserver<Value: Sendable>: ObservingParty, Sendable {
  package typealias Answer = @Sendable (LiveOutcome<Value>) -> Void

  private enum Phase {
    case stale, reading, current, ended
  }

  private struct State {
    var phase = Phase.stale
    var waiter: Answer?
    /// What the registry knows it by, once it has read.
    var id: ObserverID?
    /// Ends the read that runs, when nobody waits for it any more.
    var reading: CancellationFlag?
    /// What was read has changed while the read was on its way to its end.
    var isOutdated = false
    /// Told to nobody yet: why it has ended.
    var lastError: (any Error)?
    /// The newest value told, kept only to compare.
    var previous: Value?
    /// Failures that pass, in a row.
    var failureCount = 0
    /// Whether a read has ever come to its end.
    var hasRead = false
  }

  /// What is to be done outside the mutex.
  private enum Step {
    case nothing
    case read(after: UInt64)
    case answer(Answer, LiveOutcome<Value>)
  }

  /// Failures that pass, in a row, from which on who wants to know is told.
  private static var toldFailureCount: Int { 6 }

  private unowned let engine: Engine
  private let read: @Sendable (borrowing Snapshot) throws -> Value
  private let areSame: (@Sendable (Value, Value) -> Bool)?
  private let tellsPassingFailures: Bool
  private let state = Mutex(State())

  init(
    engine: Engine, read: @escaping @Sendable (borrowing Snapshot) throws -> Value,
    areSame: (@Sendable (Value, Value) -> Bool)?, tellsPassingFailures: Bool
  ) {
    self.engine = engine
    self.read = read
    self.areSame = areSame
    self.tellsPassingFailures = tellsPassingFailures
  }

  // MARK: The consumer

  /// Asks for the next outcome. One question at a time.
  package func request(_ answer: @escaping Answer) {
    let step = state.withLock { state -> Step in
      precondition(state.waiter == nil, "two tasks iterate one live query")
      switch state.phase {
      case .ended:
        defer { state.lastError = nil }
        return .answer(answer, state.lastError.map { .failure($0) } ?? .ended)
      case .stale:
        state.waiter = answer
        state.phase = .reading
        return .read(after: Self.pause(afterFailures: state.failureCount))
      case .reading, .current:
        state.waiter = answer
        return .nothing
      }
    }
    perform(step)
  }

  /// Takes a question back; it is answered with `ended`.
  package func withdraw() {
    let (waiter, reading) = state.withLock { state in
      defer { state.waiter = nil }
      return (state.waiter, state.waiter == nil ? nil : state.reading)
    }
    reading?.cancel()
    waiter?(.ended)
  }

  /// Ends it: nobody asks any more.
  package func end() { finish(nil) }

  // MARK: The registry

  /// What it has read may have changed.
  package func changed() -> (@Sendable () -> Void)? {
    let isWanted = state.withLock { state in
      switch state.phase {
      case .stale, .ended: return false
      case .reading:
        state.isOutdated = true
        return false
      case .current:
        state.phase = state.waiter == nil ? .stale : .reading
        return state.phase == .reading
      }
    }
    guard isWanted else { return nil }
    return { self.runOnce() }
  }

  /// Ends it with an error.
  package func finish(_ error: (any Error)?) {
    let (id, step) = state.withLock { state -> (ObserverID?, Step) in
      guard state.phase != .ended else { return (nil, .nothing) }
      let (id, waiter) = (state.id, state.waiter)
      state.reading?.cancel()
      state = State()
      state.phase = .ended
      guard let waiter else {
        state.lastError = error
        return (id, .nothing)
      }
      return (id, .answer(waiter, error.map { .failure($0) } ?? .ended))
    }
    if let id { engine.observation.remove(id) }
    perform(step)
  }

  // MARK: Reading

  private func perform(_ step: Step) {
    switch step {
    case .nothing: break
    case .answer(let answer, let outcome): answer(outcome)
    case .read(let pause):
      let observers = engine.workers.observers
      guard pause > 0 else { return observers.submit { self.runOnce() } }
      let due = engine.effects.time.monotonic() &+ pause
      engine.workers.delayed.submit(at: due) { observers.submit { self.runOnce() } }
    }
  }

  private func runOnce() {
    // Nobody waits any more: what is read now would be old when it is asked for.
    let isWanted = state.withLock { state in
      if state.phase == .reading, state.waiter == nil { state.phase = .stale }
      state.isOutdated = false
      return state.phase == .reading
    }
    guard isWanted else { return }
    do throws(DatabaseError) {
      let (result, isCurrent) = try readOnce()
      settle(result, isCurrent: isCurrent)
    } catch {
      // A collection that could be read and is not open any more was dropped; before, it may be opened.
      let isDropped = error.code == .collectionNotOpen && state.withLock(\.hasRead)
      if error.endsObservation || isDropped { return finish(error) }
      if error.code == .cancelled { return readAgainIfWanted() }
      retry(after: error)
    }
  }

  /// Reads under the eyes of the registry. Throws failures of the engine; what else the closure
  /// throws is a result.
  private func readOnce() throws(DatabaseError) -> (Result<Value, any Error>, isCurrent: Bool) {
    try engine.enter()
    defer { engine.leave() }
    guard let id = admitted() else { return (.failure(DatabaseError.observationEnded), false) }
    // In this order, so that no commit falls between: see `ObservationLedger`.
    engine.observation.begin(id)
    let cancellation = CancellationFlag()
    state.withLock { $0.reading = cancellation }
    defer { state.withLock { $0.reading = nil } }
    let context = engine.beginRead(label: nil, cancellation: cancellation)
    context.notesReads = true
    context.readSet.removeAll()
    // Not by a closure: see `SnapshotRunner.runOnce`.
    let result: Result<Value, any Error>
    do { result = .success(try read(Snapshot(context: context))) } catch {
      result = .failure(error)
    }
    let moment = context.snapshot.timestamp
    let interest = Interest(context.readSet)
    do throws(DatabaseError) {
      try engine.endRead(context)
      if case .failure(let error as DatabaseError) = result,
        error.endsObservation || error.passesByItself || cancellation.isCancelled
      {
        throw error
      }
    } catch {
      engine.observation.abandon(id)
      throw error
    }
    return (result, engine.observation.finish(id, interest, at: moment))
  }

  /// Its place in the registry, taken with the first read; nil when it has ended.
  private func admitted() -> ObserverID? {
    if let id = state.withLock({ $0.id }) { return id }
    let pipeline = engine.pipeline
    guard let id = engine.observation.admit(self, lastOrdered: { pipeline.lastOrdered }) else {
      return nil
    }
    let isWanted = state.withLock { state in
      if state.phase != .ended { state.id = id }
      return state.phase != .ended
    }
    if isWanted { return id }
    engine.observation.remove(id)
    return nil
  }

  private func settle(_ result: Result<Value, any Error>, isCurrent: Bool) {
    let step = state.withLock { state -> Step in
      guard state.phase == .reading else { return .nothing }
      state.failureCount = 0
      state.hasRead = true
      state.phase = isCurrent && !state.isOutdated ? .current : .stale
      guard let waiter = state.waiter else {
        // It was read for somebody who has gone: the next one reads again.
        state.phase = .stale
        return .nothing
      }
      switch result {
      case .failure(let error):
        state.waiter = nil
        return .answer(waiter, .failure(error))
      case .success(let value):
        if let areSame {
          if let previous = state.previous, areSame(previous, value) {
            guard state.phase == .stale else { return .nothing }
            state.phase = .reading
            return .read(after: 0)
          }
          state.previous = value
        }
        state.waiter = nil
        return .answer(waiter, .value(value))
      }
    }
    perform(step)
  }

  /// A read was given up; somebody else may have asked since.
  private func readAgainIfWanted() {
    let step = state.withLock { state -> Step in
      guard state.phase == .reading else { return .nothing }
      if state.waiter != nil { return .read(after: 0) }
      state.phase = .stale
      return .nothing
    }
    perform(step)
  }

  private func retry(after error: DatabaseError) {
    let (step, count) = state.withLock { state -> (Step, Int) in
      guard state.phase == .reading else { return (.nothing, 0) }
      state.failureCount += 1
      guard let waiter = state.waiter else {
        state.phase = .stale
        return (.nothing, state.failureCount)
      }
      if tellsPassingFailures, state.failureCount >= Self.toldFailureCount {
        state.waiter = nil
        state.phase = .stale
        return (.answer(waiter, .failure(error)), state.failureCount)
      }
      return (.read(after: Self.pause(afterFailures: state.failureCount)), state.failureCount)
    }
    if count == Self.toldFailureCount {
      engine.effects.events.report(
        Event(
          .warning, kind: .liveQuery,
          "a live query could not read \(count) times and goes on trying: \(error)",
          ["code": .text(error.code.name), "attempts": .number(count)]))
    }
    perform(step)
  }

  /// Nanoseconds before the next attempt: none before the second, then from 10 ms, doubling, to a
  /// second.
  private static func pause(afterFailures count: Int) -> UInt64 {
    count < 2 ? 0 : min(10_000_000 << UInt64(min(count - 2, 10)), 1_000_000_000)
  }
}

extension DatabaseError {
  /// Whether no later read of a live query can succeed.
  var endsObservation: Bool {
    [.closed, .corrupt, .poisoned, .commitUnknown, .keyspaceDropped].contains(code)
  }

  /// Whether the same read may succeed a little later, although nothing has been written.
  var passesByItself: Bool {
    isRetryable
      || [.inputOutput, .diskFull, .indexNotReady, .collectionNotOpen, .suspended].contains(code)
  }

  static var observationEnded: DatabaseError {
    DatabaseError(.closed, "the observation has ended")
  }
}

extension Database {
  /// An observer without a task: for whoever takes it through its steps, as test harnesses do. The
  /// caller ends it, and keeps the database as long.
  package func observer<Value: Sendable>(
    tellsPassingFailures: Bool = false,
    _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
  ) -> LiveObserver<Value> {
    LiveObserver(
      engine: engine, read: read, areSame: nil, tellsPassingFailures: tellsPassingFailures)
  }

  /// Threads of the engine for asynchronous forms and live queries that were started.
  package var workerThreadCount: Int { engine.workers.threadCount }

  /// Live queries that are at work.
  package var observerCount: Int { engine.observation.count }
}
