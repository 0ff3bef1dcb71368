internal import Environment
internal import Primitives

extension MessageQueue {
  /// Takes messages that are due, oldest first, each under a lease; none when nothing is due.
  ///
  /// One transaction, however many they are: a consumer of many small messages takes them in bulk and
  /// acknowledges them in one transaction.
  /// - Parameter limit: how many at most.
  public func claim(limit: Int = 1) throws -> [QueuedMessage] { try take(limit).messages }

  /// As the synchronous `claim`, without blocking the calling task's thread.
  public func claim(limit: Int = 1) async throws -> [QueuedMessage] {
    try await engine.onWorker { try take(limit).messages }
  }

  /// What was found.
  struct Claimed: Sendable {
    var messages: [QueuedMessage] = []
    /// Wall-clock nanoseconds when something may be due that is not yet; nil when there is nothing.
    var nextDue: UInt64?
  }

  /// So many turns are looked at in one transaction, beyond those that are taken.
  private static let lookLimit = 64

  func take(_ limit: Int) throws -> Claimed {
    guard limit > 0 else {
      throw DatabaseError(.invalidArgument, "claim(limit:) takes at least one message")
    }
    tidy()
    var taking: [MessageID] = []
    defer { engine.queueClaims.end(taking, in: keyspace.id) }
    return try database.write { tx in
      engine.queueClaims.end(taking, in: keyspace.id)
      taking = []
      let moment = now
      var claimed = Claimed()
      let turns = try dueTurns(tx, moment, limit, &taking, &claimed.nextDue)
      for (key, id) in turns {
        guard let bytes = try tx.getForUpdate(key, in: keyspace) else { continue }
        if let message = try deliver(id, from: key, StoredTurn(decoding: bytes), moment, tx) {
          claimed.messages.append(message)
        }
      }
      // In the place of one that has died another may be due.
      if claimed.messages.count < turns.count { claimed.nextDue = moment }
      return claimed
    }
  }

  /// The oldest turns that are due and that nobody here is taking.
  private func dueTurns(
    _ tx: borrowing Transaction, _ moment: UInt64, _ limit: Int, _ taking: inout [MessageID],
    _ nextDue: inout UInt64?
  ) throws -> [(key: [UInt8], id: MessageID)] {
    var turns: [(key: [UInt8], id: MessageID)] = []
    var next: UInt64?
    var taken: [MessageID] = []
    // Also when the look fails: whoever is not let go is never delivered here again.
    defer { taking += taken }
    try tx.forEachKey(
      in: keyspace, .prefix(QueueKeys.turns), reverse: false,
      limit: min(limit, .max - Self.lookLimit) + Self.lookLimit
    ) { span, _ in
      let key = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
      let (due, id) = try QueueKeys.parseTurn(key)
      guard due <= moment else {
        next = next ?? due
        return .stop
      }
      guard engine.queueClaims.begin(id, in: keyspace.id) else {
        // Should its taker not come through, somebody has to look again.
        next = moment.addingSaturated(100_000_000)
        return .continue
      }
      taken.append(id)
      turns.append((key, id))
      return turns.count == limit ? .stop : .continue
    }
    nextDue = next
    return turns
  }

  /// Moves a turn behind the end of a lease; nil when the message has died meanwhile.
  private func deliver(
    _ id: MessageID, from key: [UInt8], _ turn: StoredTurn, _ moment: UInt64,
    _ tx: borrowing Transaction
  ) throws -> QueuedMessage? {
    var turn = turn
    try tx.remove(key, in: keyspace)
    if Int(turn.attempts) >= options.attemptLimit {
      // Its last consumer never answered.
      if turn.lease != 0 { turn.error = "the lease of the last delivery ended without an answer" }
      try tx.bury(id, turn, self)
      return nil
    }
    guard let bytes = try tx.get(QueueKeys.message(id), in: keyspace) else {
      throw QueueKeys.damaged("message \(id), which has a turn", 0)
    }
    let stored = try StoredMessage(decoding: bytes)
    let previousError = turn.error.isEmpty ? nil : turn.error
    // At most: what is stored may lie.
    turn.attempts = max(turn.attempts, turn.attempts &+ 1)
    turn.lease = engine.effects.entropy.next() | 1
    let due = moment.addingSaturated(options.leaseDuration.nanoseconds)
    try tx.set(turn.encoded, for: QueueKeys.turn(due, id), in: keyspace)
    return QueuedMessage(
      id: id, body: stored.body, attempt: Int(turn.attempts), enqueuedAt: stored.enqueuedAt,
      idempotencyKey: stored.key.isEmpty ? nil : stored.key, previousError: previousError,
      queue: self, due: due, lease: turn.lease)
  }

  // MARK: Answers

  /// Ends a message: its work is done.
  ///
  /// - Throws: `leaseLost`, as ``Transaction/acknowledge(_:)``.
  public func acknowledge(_ message: QueuedMessage) throws {
    try database.write { try $0.acknowledge(message) }
  }

  /// As the synchronous `acknowledge`, without blocking the calling task's thread.
  public func acknowledge(_ message: QueuedMessage) async throws {
    try await database.write { try $0.acknowledge(message) }
  }

  /// Says that a delivery failed: the message is delivered again after a while, or becomes a dead letter
  /// with this error's text when it was its last attempt.
  ///
  /// - Throws: `leaseLost` when the message is not with this consumer any more.
  public func fail(_ message: QueuedMessage, _ error: any Error) throws {
    let text = "\(error)"
    try database.write { try $0.fail(message, text) }
  }

  /// As the synchronous `fail`, without blocking the calling task's thread.
  public func fail(_ message: QueuedMessage, _ error: any Error) async throws {
    let text = "\(error)"
    try await database.write { try $0.fail(message, text) }
  }

  /// Gives a message back untried: it is due at once, and the delivery does not count.
  ///
  /// - Throws: `leaseLost`.
  public func giveBack(_ message: QueuedMessage) throws {
    try database.write { try $0.giveBack(message) }
  }

  /// As the synchronous `giveBack`, without blocking the calling task's thread.
  public func giveBack(_ message: QueuedMessage) async throws {
    try await database.write { try $0.giveBack(message) }
  }

  /// Lets a lease end so much later from now: for work that takes long. The message that it returns
  /// stands for the delivery from now on.
  ///
  /// - Throws: `leaseLost`.
  public func extendLease(
    of message: QueuedMessage, by duration: Duration
  ) throws -> QueuedMessage {
    try database.write { try $0.extendLease(of: message, by: duration) }
  }

  /// As the synchronous `extendLease`, without blocking the calling task's thread.
  public func extendLease(
    of message: QueuedMessage, by duration: Duration
  ) async throws -> QueuedMessage {
    try await database.write { try $0.extendLease(of: message, by: duration) }
  }

  // MARK: Tidying

  /// Forgets idempotency keys whose window is over, some at a time. What fails is tried again later.
  private func tidy() {
    guard engine.queueClaims.mayTidy(keyspace.id, at: engine.effects.time.monotonic()) else {
      return
    }
    let moment = now
    try? database.write(durability: .relaxed, retry: .never) { tx in
      var old: [[UInt8]] = []
      try tx.forEachKey(
        in: keyspace,
        .range(from: QueueKeys.expiries, to: QueueKeys.expiries(after: moment)), reverse: false,
        limit: 256
      ) { span, _ in
        old.append(unsafe span.withUnsafeBytes { unsafe [UInt8]($0) })
        return .continue
      }
      for key in old {
        try tx.remove(QueueKeys.seen(try QueueKeys.parseExpiry(key)), in: keyspace)
        try tx.remove(key, in: keyspace)
      }
    }
  }
}
