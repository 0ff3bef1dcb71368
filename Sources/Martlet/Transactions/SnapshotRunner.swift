internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import Synchronization
internal import VersionStore

/// Runs the body of a read-only transaction that is to be serializable.
///
/// A snapshot can show a moment that no serial order of the writers has: it saw one who committed,
/// while another, which comes before that one in every order, was still running (Fekete 2004, the
/// read-only anomaly). Only serializable snapshot transactions that ran when the snapshot was taken
/// can be that other. When none did, or all of them have ended harmlessly, the snapshot is *safe*:
/// nothing need be noted (rule S13). Otherwise reads are noted and certified at the end.
///
/// - Invariant SN1: a body runs over a safe snapshot, or what it read is certified before its result
///   is returned.
struct SnapshotRunner {
  let engine: Engine
  let isDeferrable: Bool
  let retry: RetryPolicy
  /// A moment on the monotonic clock at which the caller does not care any more; nil: never.
  let end: UInt64?
  let cancellation: CancellationFlag?
  let label: StaticString?

  /// Refusals after which the next attempt waits for a safe snapshot.
  private static let escalationLimit = 3
  /// The longest pause between two looks at a snapshot that is undecided: 4 ms.
  private static let longestPause: UInt64 = 4_000_000

  func run<Result>(_ body: (borrowing Snapshot) throws -> Result) throws -> Result {
    let begin = engine.effects.time.monotonic()
    var attempt = 1
    while true {
      do {
        return try runOnce(waitsForSafety: isDeferrable || attempt > Self.escalationLimit, body)
      } catch let error as Refused {
        var cause = error.cause
        cause.attempts = attempt
        engine.counters.countAbort(cause)
        let elapsed = engine.effects.time.monotonic() - begin
        guard attempt < retry.attemptLimit, elapsed < retry.timeLimit.nanoseconds else {
          throw cause
        }
        try requireTime("between two attempts")
        engine.counters.retries.add(1, ordering: .relaxed)
        attempt += 1
      }
    }
  }

  private struct Refused: Error { let cause: DatabaseError }

  private func runOnce<Result>(
    waitsForSafety: Bool, _ body: (borrowing Snapshot) throws -> Result
  ) throws -> Result {
    let id = engine.makeTransactionID()
    let (context, tracking) = try begin(id, waitsForSafety: waitsForSafety)
    // Not by a closure: the optimiser of Swift 6.3 stops over one that makes a noncopyable value.
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try body(Snapshot(context: context))) } catch {
      outcome = .failure(error)
    }
    var refusal: DatabaseError?
    if let tracking {
      do { try engine.pipeline.finishReading(context, tracking) } catch { refusal = error }
      engine.pipeline.endTracking(tracking)
    }
    do { try engine.endRead(context) } catch {
      if case .success = outcome { throw error }
    }
    // Also when the body threw: what it threw may rest on what no serial order shows.
    if let refusal { throw Refused(cause: refusal) }
    return try outcome.get()
  }

  /// A snapshot, and its place in the conflict history unless it is safe.
  private func begin(_ id: TransactionID, waitsForSafety: Bool) throws(DatabaseError) -> (
    ReadContext, Tracking?
  ) {
    let start = engine.effects.time.monotonic()
    while true {
      guard let tracking = engine.pipeline.beginTracking(id, as: .readOnly) else {
        throw DatabaseError(
          .poisoned, "an earlier write to the device failed; close and reopen the database")
      }
      let context = engine.beginRead(
        .published, transaction: id, label: label, cancellation: cancellation)
      engine.pipeline.setSnapshot(context.snapshot.timestamp, of: tracking)
      var safety = engine.pipeline.safety(of: tracking)
      if waitsForSafety, safety == .undecided {
        safety = awaitDecision(on: tracking, since: start)
      }
      if safety == .safe {
        engine.pipeline.endTracking(tracking)
        return (context, nil)
      }
      if !waitsForSafety {
        context.notesReads = true
        context.readSet.removeAll()
        return (context, tracking)
      }
      engine.pipeline.endTracking(tracking)
      try engine.endRead(context)
      if let cancellation, cancellation.isCancelled {
        throw DatabaseError(.cancelled, "the task was cancelled while it waited for a snapshot")
      }
      try requireTime("while it waited for a safe snapshot")
      if isOver(since: start) {
        throw DatabaseError(
          .lockTimeout,
          "no safe snapshot within \(engine.configuration.lockTimeout): serializable snapshot "
            + "transactions ran all the time; Configuration.lockTimeout sets how long to wait")
      }
    }
  }

  /// Waits until the transactions that could make a snapshot unsafe have ended.
  private func awaitDecision(on tracking: Tracking, since start: UInt64) -> SnapshotSafety {
    var pause: UInt64 = 50_000
    while !isOver(since: start), cancellation?.isCancelled != true {
      let safety = engine.pipeline.safety(of: tracking)
      if safety != .undecided { return safety }
      let now = engine.effects.time.monotonic()
      _ = engine.effects.waits.park(engine.effects.waits.makeTicket(), until: now + pause)
      pause = min(2 * pause, Self.longestPause)
    }
    return .undecided
  }

  private func isOver(since start: UInt64) -> Bool {
    let now = engine.effects.time.monotonic()
    return now - start >= engine.configuration.lockTimeout.nanoseconds || now >= end ?? .max
  }

  private func requireTime(_ doing: String) throws(DatabaseError) {
    if let end, engine.effects.time.monotonic() >= end { throw .deadlineExceeded(doing) }
  }
}
