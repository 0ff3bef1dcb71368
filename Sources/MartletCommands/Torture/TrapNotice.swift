#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// When the engine traps inside a campaign, the process ends; this names the runs that were under
/// way, so that the one at fault can be repeated.
///
/// The handler runs in a process that is about to die: it uses memory made beforehand and `write`.
enum TrapNotice {
  private static let signals = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS]

  // SAFETY: made before the handlers are installed, and never freed. A worker writes its own word,
  // the handler reads them all; a word is read whole.
  nonisolated(unsafe) private static var seeds: UnsafeMutablePointer<UInt64>?
  nonisolated(unsafe) private static var width = 0
  nonisolated(unsafe) private static var command: StaticString = ""

  /// - Parameter command: what repeats a run when its seed is put behind it.
  static func install(width: Int, command: StaticString) {
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: width)
    unsafe memory.initialize(repeating: .max, count: width)
    unsafe seeds = memory
    unsafe Self.width = width
    unsafe Self.command = command
    for number in signals {
      signal(number) { number in
        TrapNotice.tell()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  static func remove() {
    for number in signals { signal(number, SIG_DFL) }
  }

  static func begin(worker: Int, seed: UInt64) { unsafe seeds?[worker] = seed }

  private static func tell() {
    put("\nthe process trapped; one of these runs did it:\n")
    for worker in unsafe 0..<width {
      guard let seed = unsafe seeds?[worker], seed != .max else { continue }
      put("  ")
      put(unsafe command)
      put(seed)
      put("\n")
    }
  }

  private static func put(_ text: StaticString) {
    _ = unsafe write(2, text.utf8Start, text.utf8CodeUnitCount)
  }

  private static func put(_ number: UInt64) {
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      var digit = UInt8(truncatingIfNeeded: 48 + number / divisor % 10)
      _ = unsafe write(2, &digit, 1)
      divisor /= 10
    }
  }
}
