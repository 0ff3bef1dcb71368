public import Primitives

extension Database {
  /// As the synchronous `write`, without blocking the calling task's thread: the body runs on a
  /// thread of the engine.
  ///
  /// Cancelling the task rolls the transaction back, up to the moment its commit is ordered.
  @discardableResult
  public func write<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic,
    label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Transaction) throws -> Result
  ) async throws -> Result {
    try await transact(
      isolation: isolation, using: using, durability: durability, retry: retry, label: label, body
    ).value
  }

  /// As the asynchronous `write`, and tells the timestamp of the commit.
  public func transact<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic,
    label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Transaction) throws -> Result
  ) async throws -> Committed<Result> {
    let engine = engine
    return try await onEngineThread { cancellation, resume in
      do {
        let options = try engine.options(
          isolation, using, durability: durability, retry: retry, label: label,
          cancellation: cancellation)
        var result: Result?
        let outcome = try engine.run(options) { result = try body($0) }
        guard let value = result else {
          preconditionFailure("a transaction without a run of its body")
        }
        // The thread is free for the next body; the acknowledger waits for the flush.
        engine.workers.acknowledger.submit { [value] in
          resume(
            Swift.Result {
              try engine.acknowledge(outcome)
              return Committed(value: value, timestamp: outcome.receipt?.timestamp)
            })
        }
      } catch {
        resume(.failure(error))
      }
    }
  }

  /// As the synchronous `read`, without blocking the calling task's thread.
  public func read<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, deferrable: Bool = false,
    retry: RetryPolicy = .automatic, label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Snapshot) throws -> Result
  ) async throws -> Result {
    let engine = engine
    return try await onEngineThread { cancellation, resume in
      if isolation > .snapshot {
        let runner = SnapshotRunner(
          engine: engine, isDeferrable: deferrable, retry: retry, cancellation: cancellation,
          label: label)
        return resume(Swift.Result { try runner.run(body) })
      }
      let context = engine.beginRead(label: label, cancellation: cancellation)
      // Not by a closure: see `SnapshotRunner.runOnce`.
      let result: Swift.Result<Result, any Error>
      do { result = .success(try body(Snapshot(context: context))) } catch {
        result = .failure(error)
      }
      do { try engine.endRead(context) } catch {
        if case .success = result { return resume(.failure(error)) }
      }
      resume(result)
    }
  }

  /// Runs a job on a thread of the engine and hands its result to the waiting task. The job calls
  /// `resume` exactly once.
  private func onEngineThread<Result: Sendable>(
    _ job:
      @escaping @Sendable (
        CancellationFlag,
        @escaping @Sendable (Swift.Result<Result, any Error>)
          -> Void
      ) -> Void
  ) async throws -> Result {
    let engine = engine
    try engine.enter()
    let cancellation = CancellationFlag()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        engine.workers.bodies.submit {
          let resume: @Sendable (Swift.Result<Result, any Error>) -> Void = { result in
            engine.leave()
            continuation.resume(with: result)
          }
          if cancellation.isCancelled {
            resume(.failure(DatabaseError(.cancelled, "the task was cancelled while it waited")))
          } else {
            job(cancellation, resume)
          }
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
  }
}

extension Engine {
  /// Runs a short job on a thread of the engine, without blocking the calling task's thread.
  ///
  /// - Throws: what the job throws; `closed`.
  func onWorker<Result: Sendable>(_ job: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try enter()
    return try await withCheckedThrowingContinuation { continuation in
      workers.bodies.submit { [self] in
        let result = Swift.Result { try job() }
        leave()
        continuation.resume(with: result)
      }
    }
  }
}
