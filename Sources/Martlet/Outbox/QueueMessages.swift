internal import Environment
internal import Primitives
internal import RedoLog

/// The messages of a queue as they become due, each under a lease of whoever iterates.
///
/// Each iterator is a consumer of its own. It takes one message at a time, and only when it is asked
/// for one. It is woken by commits and by the clock, waits on no thread, and ends, with nil, when its
/// task is cancelled.
public struct QueueMessages: AsyncSequence, Sendable {
  /// A message under a lease.
  public typealias Element = QueuedMessage

  let queue: MessageQueue

  /// A new consumer.
  public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

  /// One consumer.
  public struct Iterator: AsyncIteratorProtocol {
    let queue: MessageQueue

    /// The longest sleep: a wall clock that jumps is noticed after so long.
    private static let longestSleep: UInt64 = 60_000_000_000
    /// Nanoseconds between two looks whether the database was resumed.
    private static let suspendedPause: UInt64 = 50_000_000

    /// The next message; waits until one is due. Nil when the task is cancelled.
    ///
    /// - Throws: `closed`, `keyspaceDropped`, and failures of the device.
    public mutating func next() async throws -> QueuedMessage? {
      let engine = queue.engine
      while !Task.isCancelled {
        // Before the look: what is published after it becomes durable after this.
        let seen = engine.log.durablePosition
        let queue = queue
        let rest: UInt64
        do {
          let claimed = try await engine.onWorker { try queue.take(1) }
          if let message = claimed.messages.first { return message }
          rest = claimed.nextDue.map { $0 - Swift.min($0, queue.now) } ?? Self.longestSleep
        } catch let error as DatabaseError where error.code == .suspended {
          // Nothing was taken: it goes on after `resume`.
          rest = Self.suspendedPause
        }
        let deadline = engine.effects.time.monotonic() + Swift.min(rest, Self.longestSleep)
        switch await engine.durableWatch.wait(beyond: seen, until: deadline) {
        case .closed: throw DatabaseError(.closed, "the database was closed")
        case .cancelled: return nil
        case .moved, .timedOut: break
        }
      }
      return nil
    }
  }
}

extension MessageQueue {
  /// Its messages, as they become due. Answer each: `acknowledge`, `fail` or
  /// `giveBack`.
  public var messages: QueueMessages { QueueMessages(queue: self) }

  /// Hands messages to a closure until the task is cancelled: acknowledges each when the closure
  /// returns, and has it delivered again, or made a dead letter, when it throws.
  ///
  /// A message whose closure was cut off by the cancellation is given back. One whose lease ended while
  /// its closure ran is somebody else's by then, and its answer is dropped.
  /// - Parameters:
  ///   - consumerCount: how many messages are worked on at a time.
  ///   - body: does the work. It must bear to see a message twice.
  /// - Throws: what ends the queue: `closed`, `keyspaceDropped`, failures of the device.
  public func process(
    consumerCount: Int = 1, _ body: @escaping @Sendable (QueuedMessage) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<Swift.max(1, consumerCount) { group.addTask { try await consume(body) } }
      try await group.waitForAll()
    }
  }

  private func consume(_ body: @Sendable (QueuedMessage) async throws -> Void) async throws {
    for try await message in messages {
      do {
        try await body(message)
      } catch {
        let text = "\(error)"
        let isCutOff = error is CancellationError && Task.isCancelled
        try await answer(message) { tx in
          if isCutOff { try tx.giveBack(message) } else { try tx.fail(message, text) }
        }
        continue
      }
      try await answer(message) { try $0.acknowledge(message) }
    }
  }

  /// Commits an answer, cancelled or not: the work is done, and an answer that is lost has it done
  /// again.
  private func answer(
    _ message: QueuedMessage, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
  ) async throws {
    do {
      try await engine.onWorker { try database.write(body) }
    } catch let error as DatabaseError where error.code == .leaseLost {
      engine.effects.events.report(Event(.warning, error.message))
    }
  }
}
