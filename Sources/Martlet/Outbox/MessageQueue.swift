internal import Environment

/// A queue of messages inside the database: what is enqueued commits or vanishes with the rest of its
/// transaction, and is delivered until it is acknowledged.
///
/// ```swift
/// let mails = try database.queue("mails")
/// try await database.write { tx in
///   try tx.set("paid", for: order.id, in: orders)
///   try tx.enqueue("confirm \(order.id)", to: mails, key: "confirm \(order.id)")
/// }
/// try await mails.process { message in try await send(message.decoded(as: String.self)) }
/// ```
///
/// The naive outbox is a table that somebody polls and empties: two pollers deliver twice or wait for
/// each other, one that dies in the middle loses what it has taken, and a message that always fails
/// blocks all behind it. Here a consumer takes a message by moving its turn into the future: until then
/// it is the consumer's alone, and afterwards, unless it was acknowledged, anybody's again.
///
/// ```text
///            claim                     acknowledge
///   ready ───────────▶ with a consumer ───────────▶ gone
///     ▲                     │  │
///     └── lease ends, ──────┘  └── failed attemptLimit times ──▶ dead letter
///         or back-off after a failure                               │
///     ▲                                                             │
///     └──────────────────────────── redrive ────────────────────────┘
/// ```
///
/// - Invariant MQ1: a message whose enqueuing committed is delivered until an acknowledgement of it has
///   committed, or it is a dead letter: at least once.
/// - Invariant MQ2: an acknowledgement commits at most once, and only by the consumer whose lease is
///   the newest. One that comes too late throws `leaseLost` and changes nothing.
/// - Invariant MQ3: nothing is handed out before it is as durable as the database promises.
/// - Invariant MQ4: consumers of one queue do not wait for each other: those of this process tell each
///   other which messages they are taking.
///
/// Messages come in the order of their enqueuing, as far as several consumers, failures and delays
/// leave an order; one consumer without failures sees it exactly. Leases, delays and windows are
/// measured by the wall clock, so that they hold across restarts.
public struct MessageQueue: Sendable {
  /// Its name.
  public let name: String
  /// How this handle treats messages.
  public let options: QueueOptions
  let keyspace: Keyspace
  let database: Database

  /// The keyspace that holds a queue.
  static func keyspaceName(_ name: String) -> String { "queue:" + name }

  /// The largest body.
  static let bodyByteLimit = LargeValue.lendingLimit - 1024
  /// The longest idempotency key, in bytes of UTF-8.
  static let keyByteLimit = 255

  var engine: Engine { database.engine }

  /// Wall-clock nanoseconds.
  var now: UInt64 { engine.effects.time.wallClock() }
}

extension Database {
  /// The queue of a name, made now if there is none. It lives in a keyspace of its own,
  /// `queue:` and the name; dropping that drops the queue.
  ///
  /// - Throws: `invalidArgument` for an empty name or one above 249 bytes of UTF-8, or options that
  ///   cannot be.
  public func queue(_ name: String, options: QueueOptions = QueueOptions()) throws -> MessageQueue {
    try options.validate()
    guard !name.isEmpty else {
      throw DatabaseError(.invalidArgument, "the name of a queue is empty")
    }
    let keyspace = try keyspace(MessageQueue.keyspaceName(name))
    return MessageQueue(name: name, options: options, keyspace: keyspace, database: self)
  }
}

extension QueueOptions {
  func validate() throws(DatabaseError) {
    func require(_ holds: Bool, _ message: String) throws(DatabaseError) {
      if !holds { throw DatabaseError(.invalidArgument, message) }
    }
    try require(leaseDuration > .zero, "leaseDuration must be positive")
    try require(attemptLimit >= 1, "attemptLimit is \(attemptLimit); at least 1")
    try require(firstBackOff >= .zero, "firstBackOff must not be negative")
    try require(longestBackOff >= firstBackOff, "longestBackOff is less than firstBackOff")
    try require(idempotencyWindow >= .zero, "idempotencyWindow must not be negative")
  }

  /// How long a message rests after so many failed deliveries: nanoseconds.
  func backOff(afterAttempts attempts: UInt32) -> UInt64 {
    let doublings = UInt64(min(max(attempts, 1) - 1, 62))
    let (product, overflow) = firstBackOff.nanoseconds.multipliedReportingOverflow(
      by: 1 << doublings)
    return min(overflow ? .max : product, longestBackOff.nanoseconds)
  }
}
