internal import Synchronization
internal import RawBytes

/// A call of an asynchronous form, from when it is queued until it is answered.
///
/// ```
///   queued ──▶ running ──▶ answered
///      └── cancelled, out of time ──▶ answered
/// ```
///
/// - Invariant QC1: it is answered exactly once, and counts as a running transaction until then.
/// - Invariant QC2: its job runs at most once, and never after it was given up: who waits in the queue
///   is answered the moment it is cancelled or out of time, however long the queue is.
// SENDABLE: all mutable state is in a Mutex.
final class QueuedCall<Value: Sendable>: Sendable {
  typealias Answer = Result<Value, any Error>
  /// Runs on a thread of the engine and answers by its argument, then or later.
  typealias Job = @Sendable (CancellationFlag, @escaping @Sendable (Answer) -> Void) -> Void

  private struct State {
    var job: Job?
    var continuation: CheckedContinuation<Value, any Error>?
  }

  /// For the job: looked at by every operation, and ends waits.
  let cancellation = CancellationFlag()
  private let engine: Engine
  private let state: Mutex<State>

  /// A call that is counted in.
  init(engine: Engine, job: @escaping Job) {
    self.engine = engine
    state = Mutex(State(job: job))
  }

  /// Whether it may still be given up.
  var isQueued: Bool { state.withLock { $0.job != nil } }

  /// Takes whoever waits for the answer.
  func await(by continuation: CheckedContinuation<Value, any Error>) {
    state.withLock { $0.continuation = continuation }
    // The task may have been cancelled before anybody waited.
    if cancellation.isCancelled { cancel() }
  }

  /// Runs the job, unless it was given up.
  func run() {
    let job = state.withLock { state in
      defer { state.job = nil }
      return state.job
    }
    job?(cancellation) { self.answer($0) }
  }

  /// The task is cancelled.
  func cancel() {
    cancellation.cancel()
    giveUp(DatabaseError(.cancelled, "the task was cancelled while it waited for a thread"))
  }

  /// Answers with an error while it is queued; later that is the job's business.
  func giveUp(_ error: @autoclosure () -> DatabaseError) {
    let continuation = state.withLock { state in
      guard state.job != nil, let continuation = state.continuation else {
        return CheckedContinuation<Value, any Error>?.none
      }
      state = State()
      return continuation
    }
    guard let continuation else { return }
    engine.leave()
    continuation.resume(throwing: error())
  }

  private func answer(_ answer: Answer) {
    let continuation = state.withLock { state in
      defer { state.continuation = nil }
      return state.continuation
    }
    guard let continuation else { preconditionFailure("QC1: a call answered twice") }
    engine.leave()
    continuation.resume(with: answer)
  }
}
