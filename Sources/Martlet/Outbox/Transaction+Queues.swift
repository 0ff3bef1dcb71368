internal import Primitives

/// What became of a message that was to be enqueued.
public enum EnqueueOutcome: Sendable, Hashable {
  /// It is in the queue, once the transaction commits.
  case enqueued(MessageID)
  /// A message of the same key is or was there within the window: nothing was done.
  case duplicate(of: MessageID)
}

extension Transaction {
  /// Puts a message into a queue, if and when this transaction commits.
  ///
  /// - Parameters:
  ///   - message: its body, up to 16 MiB less 1 KiB.
  ///   - queue: where it goes.
  ///   - key: an idempotency key: while one of the same key is remembered
  ///     (``QueueOptions/idempotencyWindow``) nothing is enqueued, delivered or not. At most 255 bytes.
  ///   - delay: how long it rests before it may be delivered.
  /// - Throws: as ``set(_:for:in:)``; `invalidArgument` for a body or a key that is too long.
  @discardableResult
  public func enqueue(
    _ message: some StoredValue, to queue: MessageQueue, key: String? = nil,
    after delay: Duration = .zero
  ) throws -> EnqueueOutcome {
    let body = try message.withValueBytes { span in
      unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    guard body.count <= MessageQueue.bodyByteLimit, delay >= .zero else {
      throw DatabaseError(
        .invalidArgument,
        "a message has at most \(MessageQueue.bodyByteLimit) bytes and no negative delay; this one "
          + "has \(body.count) bytes")
    }
    let now = queue.now
    let id = MessageID(
      moment: now, transaction: self.id, ordinal: UInt32(truncatingIfNeeded: pendingByteCount))
    if let key, let earlier = try noteKey(key, of: id, now, queue) {
      return .duplicate(of: earlier)
    }
    let stored = StoredMessage(enqueuedAt: now, key: key ?? "", body: body)
    try set(stored.encoded, for: QueueKeys.message(id), in: queue.keyspace)
    try set(
      StoredTurn().encoded,
      for: QueueKeys.turn(now.addingSaturated(delay.nanoseconds), id), in: queue.keyspace)
    return .enqueued(id)
  }

  /// Remembers a key; the message that it is remembered for, if there is one already.
  private func noteKey(
    _ key: String, of id: MessageID, _ now: UInt64, _ queue: MessageQueue
  ) throws -> MessageID? {
    guard !key.isEmpty, key.utf8.count <= MessageQueue.keyByteLimit else {
      throw DatabaseError(
        .invalidArgument,
        "an idempotency key has 1 to \(MessageQueue.keyByteLimit) bytes, not \(key.utf8.count)")
    }
    let place = QueueKeys.seen(key)
    if let seen = try getForUpdate(place, in: queue.keyspace) {
      guard seen.count == 8 + MessageID.byteCount, let earlier = MessageID(bytes: Array(seen[8...]))
      else { throw QueueKeys.damaged("a remembered key", seen.count) }
      let until = QueueKeys.integer(seen.prefix(8))
      if until > now { return earlier }
      try remove(QueueKeys.expiry(until, key), in: queue.keyspace)
    }
    let until = now.addingSaturated(queue.options.idempotencyWindow.nanoseconds)
    try set(QueueKeys.bigEndian(until) + id.bytes, for: place, in: queue.keyspace)
    try set([UInt8](), for: QueueKeys.expiry(until, key), in: queue.keyspace)
    return nil
  }

  /// Ends a message with this transaction: its work is done. When the transaction does not commit the
  /// message is delivered again.
  ///
  /// - Throws: `leaseLost` when the lease has ended and somebody else was given the message, or it was
  ///   acknowledged before: nothing happened, and the work of this transaction would be done twice, so
  ///   let the error end it.
  public func acknowledge(_ message: QueuedMessage) throws {
    _ = try takeTurn(of: message)
    try remove(QueueKeys.message(message.id), in: message.queue.keyspace)
  }

  /// Removes the turn under which a message was delivered.
  func takeTurn(of message: QueuedMessage) throws -> StoredTurn {
    let place = QueueKeys.turn(message.due, message.id)
    guard let bytes = try getForUpdate(place, in: message.queue.keyspace),
      case let turn = try StoredTurn(decoding: bytes), turn.lease == message.lease
    else {
      throw DatabaseError(
        .leaseLost,
        "message \(message.id) of queue \"\(message.queue.name)\" is not with this consumer any "
          + "more: its lease ended, or it was answered before")
    }
    try remove(place, in: message.queue.keyspace)
    return turn
  }

  /// Notes that a delivery failed: the message rests, or dies.
  func fail(_ message: QueuedMessage, _ error: String) throws {
    var turn = try takeTurn(of: message)
    let queue = message.queue
    turn.lease = 0
    turn.error = error
    if Int(turn.attempts) >= queue.options.attemptLimit {
      try bury(message.id, turn, queue)
    } else {
      let due = queue.now.addingSaturated(queue.options.backOff(afterAttempts: turn.attempts))
      try set(turn.encoded, for: QueueKeys.turn(due, message.id), in: queue.keyspace)
    }
  }

  /// Makes a dead letter of a message that has no turn any more.
  func bury(_ id: MessageID, _ turn: StoredTurn, _ queue: MessageQueue) throws {
    var letter = turn
    letter.lease = 0
    letter.diedAt = queue.now
    try set(letter.encoded, for: QueueKeys.deadLetter(id), in: queue.keyspace)
  }

  /// Gives a message back as if it had not been delivered.
  func giveBack(_ message: QueuedMessage) throws {
    var turn = try takeTurn(of: message)
    turn.lease = 0
    turn.attempts -= min(turn.attempts, 1)
    try set(
      turn.encoded, for: QueueKeys.turn(message.queue.now, message.id), in: message.queue.keyspace)
  }

  /// Moves the end of a lease.
  func extendLease(of message: QueuedMessage, by duration: Duration) throws -> QueuedMessage {
    let turn = try takeTurn(of: message)
    let due = message.queue.now.addingSaturated(duration.nanoseconds)
    try set(turn.encoded, for: QueueKeys.turn(due, message.id), in: message.queue.keyspace)
    return message.with(due: due)
  }
}

extension QueuedMessage {
  fileprivate func with(due: UInt64) -> QueuedMessage {
    QueuedMessage(
      id: id, body: body, attempt: attempt, enqueuedAt: enqueuedAt, idempotencyKey: idempotencyKey,
      previousError: previousError, queue: queue, due: due, lease: lease)
  }
}

extension UInt64 {
  func addingSaturated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    // One below the greatest: something may be due after any moment.
    return overflow ? .max - 1 : sum
  }
}
