/// What an asynchronous iterator holds of its observer: letting go of the last copy of the iterator
/// ends the observation.
final class LiveSubscription<Value: Sendable>: Sendable {
  // Holds the database, so that it is not closed under the observer.
  private let values: LiveValues<Value>
  private let observer: LiveObserver<Value>

  init(_ values: LiveValues<Value>, tellsPassingFailures: Bool) {
    self.values = values
    observer = LiveObserver(
      engine: values.database.engine, read: values.read, areSame: values.areSame,
      tellsPassingFailures: tellsPassingFailures)
  }

  deinit { observer.end() }

  /// The next outcome, without blocking a thread; `ended` when the task is cancelled.
  func next() async -> LiveOutcome<Value> {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        observer.request { continuation.resume(returning: $0) }
        // The handler may have run before there was anything to withdraw.
        if Task.isCancelled { observer.withdraw() }
      }
    } onCancel: {
      observer.withdraw()
    }
  }
}
