#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The system's monotonic clock, read without entering the kernel.
enum MonotonicClock {
  static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }
}

/// The processor time of all threads of this process, those an engine keeps in the background too.
///
/// On a machine that has other work it tells more than the wall clock.
enum ProcessorClock {
  static var nanoseconds: UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }
}

/// The processor time of the calling thread.
enum ThreadClock {
  static var nanoseconds: UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }
}

private func read(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  // SAFETY: the call writes to the variable it is given.
  unsafe clock_gettime(clock, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}
