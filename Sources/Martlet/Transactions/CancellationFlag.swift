internal import RawBytes
internal import Synchronization

/// Set when the task that asked for a transaction is cancelled; looked at by every operation until
/// the commit is ordered, and ends a wait for a lock.
///
/// - Invariant CF1: whoever waits while the flag is set, or is set later, is called.
// SENDABLE: all mutable state is atomic or in a Mutex.
final class CancellationFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  private let waiter = Mutex<(@Sendable () -> Void)?>(nil)

  func cancel() {
    flag.store(true, ordering: .sequentiallyConsistent)
    waiter.withLock { $0 }?()
  }

  var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Calls `wake` when the flag is set, at once if it is set already, while `body` runs. `wake` may
  /// be called more than once, and a moment after `body` has returned.
  func waking<Result>(_ wake: @escaping @Sendable () -> Void, while body: () -> Result) -> Result {
    waiter.withLock { $0 = wake }
    defer { waiter.withLock { $0 = nil } }
    if flag.load(ordering: .sequentiallyConsistent) { wake() }
    return body()
  }
}
