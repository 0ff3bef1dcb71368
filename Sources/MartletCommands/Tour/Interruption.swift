internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Lets a long command end tidily when it is interrupted: the signal is noted, and the command
/// looks between its steps.
enum Interruption {
  private static let wasAsked = Atomic<Bool>(false)

  /// From now on SIGINT and SIGTERM are noted, not obeyed. Child processes are not affected.
  static func watch() {
    // Touched here, so that the handler does nothing but a store.
    wasAsked.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      // The handler makes one atomic store, which any moment allows.
      _ = signal(number) { _ in Interruption.wasAsked.store(true, ordering: .relaxed) }
    }
  }

  /// - Throws: `ToolError` once a signal came.
  static func check() throws {
    if wasAsked.load(ordering: .relaxed) { throw ToolError("interrupted") }
  }

  static var isAsked: Bool { wasAsked.load(ordering: .relaxed) }
}
