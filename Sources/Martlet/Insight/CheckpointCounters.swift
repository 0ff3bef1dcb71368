internal import RawBytes
internal import Synchronization

/// What became of checkpoints. Times are of the coarse clock.
// SENDABLE: a Mutex only.
final class CheckpointCounters: Sendable {
  private struct State {
    var completed: UInt64 = 0
    var failed: UInt64 = 0
    var lastEnd: UInt64
    var lastDuration: UInt64 = 0
  }

  private let state: Mutex<State>

  /// Until the first checkpoint the age counts from the opening.
  init(now: UInt64) { state = Mutex(State(lastEnd: now)) }

  func record(from begin: UInt64, to end: UInt64, isComplete: Bool) {
    state.withLock { state in
      guard isComplete else {
        state.failed += 1
        return
      }
      state.completed += 1
      state.lastEnd = end
      state.lastDuration = end &- begin
    }
  }

  var completedCount: UInt64 { state.withLock { $0.completed } }
  var failedCount: UInt64 { state.withLock { $0.failed } }
  var lastDuration: Duration {
    .nanoseconds(Int64(clamping: state.withLock { $0.lastDuration }))
  }

  func age(at now: UInt64) -> Duration {
    let end = state.withLock { $0.lastEnd }
    return .nanoseconds(Int64(clamping: now > end ? now - end : 0))
  }
}
