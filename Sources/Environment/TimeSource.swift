/// Clocks.
package protocol TimeSource: Sendable {
  /// Wall-clock nanoseconds since 1970. May jump.
  func wallClock() -> UInt64

  /// Nanoseconds since some moment. Never goes back.
  func monotonic() -> UInt64

  /// Nanoseconds since some moment, those too in which the machine slept. Never goes back: the
  /// clock of leases (rule L4).
  func continuous() -> UInt64

  /// Nanoseconds since some moment of its own, to about ten milliseconds. Never goes back. For
  /// what must know the time and may not spend any: a tenth of the cost of the exact clocks.
  func coarse() -> UInt64
}

extension TimeSource {
  package func continuous() -> UInt64 { monotonic() }
  package func coarse() -> UInt64 { monotonic() }
}

/// Chance.
package protocol EntropySource: Sendable {
  /// 64 random bits.
  func next() -> UInt64
}
