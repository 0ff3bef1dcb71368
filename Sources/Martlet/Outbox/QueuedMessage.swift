internal import Primitives

/// The identity of a message in its queue. Ordered as messages were enqueued, as far as clocks tell.
public struct MessageID: Sendable, Hashable {
  let bytes: [UInt8]

  static let byteCount = 20

  /// By moment, transaction, and place in the transaction.
  init(moment: UInt64, transaction: TransactionID, ordinal: UInt32) {
    bytes =
      QueueKeys.bigEndian(moment) + QueueKeys.bigEndian(transaction.rawValue)
      + QueueKeys.bigEndian(UInt64(ordinal)).suffix(4)
  }

  /// Nil unless there are twenty bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }
}

extension MessageID: Comparable, CustomStringConvertible {
  /// Earlier messages first.
  public static func < (left: MessageID, right: MessageID) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Its bytes in hexadecimal digits.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// A message that was delivered to a consumer, who has it until its lease ends.
///
/// Acknowledge it when its work is done, in the very transaction that does the work where that is in
/// the same database (``Transaction/acknowledge(_:)``): then the work is done exactly once. Whatever
/// else happens it is delivered again: a consumer outside the database must bear doing it twice.
public struct QueuedMessage: Sendable {
  /// Which message it is, the same in every delivery.
  public let id: MessageID
  /// What was enqueued.
  public let body: [UInt8]
  /// How often it was delivered, this time included.
  public let attempt: Int
  /// Wall-clock nanoseconds since 1970 when it was enqueued.
  public let enqueuedAt: UInt64
  /// The key under which it was enqueued, if there was one.
  public let idempotencyKey: String?
  /// Why the delivery before failed, if it did.
  public let previousError: String?
  /// The queue it is from.
  public let queue: MessageQueue
  let due: UInt64
  let lease: UInt64

  /// The body as a type; nil when it is not of that type.
  public func decoded<Value: StoredValue>(as type: Value.Type) -> Value? {
    unsafe body.withUnsafeBytes { unsafe Value(valueBytes: $0.bytes) }
  }
}

/// A message that is delivered no more.
public struct DeadLetter: Sendable {
  /// Which message it is.
  public let id: MessageID
  /// What was enqueued.
  public let body: [UInt8]
  /// How often it was delivered.
  public let attempts: Int
  /// Wall-clock nanoseconds since 1970 when it was enqueued.
  public let enqueuedAt: UInt64
  /// The same of its last failure.
  public let diedAt: UInt64
  /// What the last failure said.
  public let error: String
}

/// How many messages a queue holds.
public struct QueueCounts: Sendable, Hashable {
  /// Those that could be delivered now.
  public var ready = 0
  /// Those that are with a consumer, or rest until a later moment.
  public var waiting = 0
  /// Dead letters.
  public var dead = 0

  /// So many of each.
  public init(ready: Int = 0, waiting: Int = 0, dead: Int = 0) {
    self.ready = ready
    self.waiting = waiting
    self.dead = dead
  }
}
