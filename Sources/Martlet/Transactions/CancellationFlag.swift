internal import Synchronization

/// Set when the task that asked for a transaction is cancelled; looked at by every operation until
/// the commit is ordered.
final class CancellationFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  func cancel() { flag.store(true, ordering: .relaxed) }

  var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
