#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The system's monotonic clock, read without entering the kernel.
enum MonotonicClock {
  static var nanoseconds: UInt64 {
    var time = timespec()
    // SAFETY: the call writes to the variable it is given.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
