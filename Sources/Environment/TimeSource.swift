/// Clocks.
package protocol TimeSource: Sendable {
  /// Wall-clock nanoseconds since 1970. May jump.
  func wallClock() -> UInt64

  /// Nanoseconds since some moment. Never goes back.
  func monotonic() -> UInt64

  /// Nanoseconds since some moment, those too in which the machine slept. Never goes back: the
  /// clock of leases (rule L4).
  func continuous() -> UInt64
}

extension TimeSource {
  package func continuous() -> UInt64 { monotonic() }
}

/// Chance.
package protocol EntropySource: Sendable {
  /// 64 random bits.
  func next() -> UInt64
}
