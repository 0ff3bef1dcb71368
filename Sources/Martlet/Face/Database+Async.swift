public import Primitives
internal import RedoLog

extension Database {
  /// As the synchronous `write`, without blocking the calling task's thread: the body runs on a
  /// thread of the engine.
  ///
  /// Cancelling the task rolls the transaction back, up to the moment its commit is ordered: while it
  /// waits for a thread, for a lock or to try again, and at each of its operations. It throws
  /// `cancelled`.
  @discardableResult
  public func write<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic, within limit: Duration? = nil,
    label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Transaction) throws -> Result
  ) async throws -> Result {
    try await transact(
      isolation: isolation, using: using, durability: durability, retry: retry, within: limit,
      label: label, body
    ).value
  }

  /// As the asynchronous `write`, and tells the timestamp of the commit.
  public func transact<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic, within limit: Duration? = nil,
    label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Transaction) throws -> Result
  ) async throws -> Committed<Result> {
    let engine = engine
    let end = engine.end(within: limit)
    return try await traced(.write, isolation, label) { trace in
      try await engine.onThread(of: engine.workers.bodies, end) { cancellation, resume in
        do {
          let options = try engine.options(
            isolation, using, durability: durability, retry: retry, end: end, label: label,
            cancellation: cancellation)
          var result: Result?
          let outcome = try engine.run(options) { result = try body($0) }
          guard let value = result else {
            preconditionFailure("a transaction without a run of its body")
          }
          trace?.note(attempts: outcome.timed?.attempts ?? 1)
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
  }

  /// As the synchronous `read`, without blocking the calling task's thread.
  public func read<Result: Sendable>(
    isolation: IsolationLevel = .snapshot, deferrable: Bool = false,
    retry: RetryPolicy = .automatic, within limit: Duration? = nil, label: StaticString? = nil,
    _ body: @escaping @Sendable (borrowing Snapshot) throws -> Result
  ) async throws -> Result {
    let engine = engine
    let end = engine.end(within: limit)
    return try await traced(.read, isolation, label) { _ in
      try await engine.onThread(of: engine.workers.readers, end) { cancellation, resume in
        if isolation > .snapshot {
          let runner = SnapshotRunner(
            engine: engine, isDeferrable: deferrable, retry: retry, end: end,
            cancellation: cancellation, label: label)
          return resume(Swift.Result { try runner.run(body) })
        }
        let context = engine.beginRead(label: label, cancellation: cancellation)
        // Not by a closure: see `SnapshotRunner.runOnce`.
        let result: Swift.Result<Result, any Error>
        do { result = .success(try body(Snapshot(context: context))) } catch {
          result = .failure(error)
        }
        let horizon = engine.release(context)
        guard engine.mustWait(for: horizon) else { return resume(result) }
        // The thread is free for the next body; the acknowledger waits for the flush.
        engine.workers.acknowledger.submit {
          do { try engine.pipeline.makeDurable(through: horizon) } catch {
            if case .success = result { return resume(.failure(error)) }
          }
          resume(result)
        }
      }
    }
  }
}

extension Engine {
  /// Runs a job on a thread of a pool and hands its answer to the waiting task, which holds no thread
  /// meanwhile.
  ///
  /// - Parameter end: when the caller does not care any more; nil: never.
  /// - Throws: what the job answers; `closed`; `cancelled` and `deadlineExceeded` while it is queued.
  func onThread<Result: Sendable>(
    of pool: WorkerPool, _ end: UInt64?, _ job: @escaping QueuedCall<Result>.Job
  ) async throws -> Result {
    try enter()
    let call = QueuedCall(engine: self, job: job)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        call.await(by: continuation)
        guard call.isQueued else { return }
        pool.submit { call.run() }
        guard let end else { return }
        workers.delayed.submit(at: end, isWanted: { call.isQueued }) {
          call.giveUp(.deadlineExceeded("while it waited for a thread"))
        }
      }
    } onCancel: {
      call.cancel()
    }
  }

  /// Whether what was read up to a position of the log may not be told yet.
  func mustWait(for horizon: LogPosition) -> Bool {
    configuration.durability != .relaxed && log.durablePosition < horizon
  }

  /// Runs a short job on a thread of the engine, without blocking the calling task's thread.
  ///
  /// - Throws: what the job throws; `closed`.
  func onWorker<Result: Sendable>(_ job: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try enter()
    return try await withCheckedThrowingContinuation { continuation in
      workers.readers.submit { [self] in
        let result = Swift.Result { try job() }
        leave()
        continuation.resume(with: result)
      }
    }
  }
}
