internal import Environment

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The clocks of the machine.
package struct SystemTime: TimeSource {
  package init() {}

  package func wallClock() -> UInt64 { Self.read(CLOCK_REALTIME) }

  package func monotonic() -> UInt64 { Self.read(CLOCK_MONOTONIC) }

  // On Apple systems the monotonic clock is the one that goes on in sleep, on Linux another is.
  #if canImport(Darwin)
    package func continuous() -> UInt64 { Self.read(CLOCK_MONOTONIC) }
  #else
    package func continuous() -> UInt64 { Self.read(CLOCK_BOOTTIME) }
  #endif

  #if canImport(Darwin)
    package func coarse() -> UInt64 { clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW_APPROX) }
  #else
    package func coarse() -> UInt64 { Self.read(CLOCK_MONOTONIC_COARSE) }
  #endif

  // SAFETY: the call fills the local it is given.
  private static func read(_ clock: clockid_t) -> UInt64 {
    var now = timespec()
    _ = unsafe clock_gettime(clock, &now)
    return UInt64(max(now.tv_sec, 0)) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}

/// Chance from the machine.
package struct SystemEntropy: EntropySource {
  package init() {}

  package func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
