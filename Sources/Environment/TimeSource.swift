/// Clocks.
package protocol TimeSource: Sendable {
  /// Wall-clock nanoseconds since 1970. May jump.
  func wallClock() -> UInt64

  /// Nanoseconds since some moment. Never goes back.
  func monotonic() -> UInt64
}

/// Chance.
package protocol EntropySource: Sendable {
  /// 64 random bits.
  func next() -> UInt64
}
