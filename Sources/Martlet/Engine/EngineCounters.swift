internal import RawBytes
internal import Synchronization

/// Counts that only statistics read.
// SENDABLE: atomics and a Mutex.
final class EngineCounters: Sendable {
  let reads = Atomic<UInt64>(0)
  let retries = Atomic<UInt64>(0)
  private let abortsByCode = Mutex<[String: UInt64]>([:])

  /// Counts an abort under its cause.
  func countAbort(_ code: DatabaseError.Code) {
    abortsByCode.withLock { $0[code.name, default: 0] += 1 }
  }

  var aborts: [String: UInt64] { abortsByCode.withLock { $0 } }
}
