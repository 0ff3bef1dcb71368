/// What `write` does when its transaction aborts for a reason that a second try may cure.
public struct RetryPolicy: Sendable, Hashable {
  /// Attempts in all, the first included.
  public var attemptLimit: Int
  /// No new attempt begins later than this after the first began.
  public var timeLimit: Duration

  /// A policy with both limits.
  public init(attemptLimit: Int, timeLimit: Duration) {
    self.attemptLimit = max(1, attemptLimit)
    self.timeLimit = timeLimit
  }

  /// Up to 100 attempts within 30 seconds.
  public static let automatic = RetryPolicy(attemptLimit: 100, timeLimit: .seconds(30))

  /// One attempt: every abort is thrown.
  public static let never = RetryPolicy(attemptLimit: 1, timeLimit: .zero)

  /// The longest pause before a further attempt, in nanoseconds: doubles from 20 us to 20 ms.
  func backOffBound(afterAttempt attempt: Int) -> UInt64 {
    20_000 << UInt64(min(max(attempt - 1, 0), 10))
  }
}
