/// How a ``MessageQueue`` treats its messages. Belongs to the handle, not to the database: consumers
/// of one queue may differ.
public struct QueueOptions: Sendable, Hashable {
  /// How long a consumer has for a message before others get it.
  public var leaseDuration: Duration
  /// Deliveries after which a message that failed becomes a dead letter.
  public var attemptLimit: Int
  /// How long a message rests after its first failed delivery; twice as long after each further one.
  public var firstBackOff: Duration
  /// The longest rest.
  public var longestBackOff: Duration
  /// How long an idempotency key is remembered.
  public var idempotencyWindow: Duration

  /// The defaults; set what differs.
  public init(
    leaseDuration: Duration = .seconds(60), attemptLimit: Int = 10,
    firstBackOff: Duration = .seconds(1), longestBackOff: Duration = .seconds(600),
    idempotencyWindow: Duration = .seconds(24 * 60 * 60)
  ) {
    self.leaseDuration = leaseDuration
    self.attemptLimit = attemptLimit
    self.firstBackOff = firstBackOff
    self.longestBackOff = longestBackOff
    self.idempotencyWindow = idempotencyWindow
  }
}
