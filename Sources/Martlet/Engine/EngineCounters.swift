internal import RawBytes
internal import Synchronization

/// Counts that only statistics read.
// SENDABLE: atomics and a Mutex.
final class EngineCounters: Sendable {
  let retries = Atomic<UInt64>(0)
  /// Transactions that went on under two-phase locking.
  let escalations = Atomic<UInt64>(0)
  let lookups = LookupCounters()
  private let slow = Mutex(SlowTransactionLog())
  private let commitTimes = Mutex(LatencyHistogram())
  private let abortsByCause = Mutex<[AbortCount: UInt64]>([:])

  private struct AbortCount: Hashable {
    let code: String
    let cause: AbortExplanation.Cause?
    let isCoarse: Bool
  }

  /// Counts an abort under its code and cause.
  func countAbort(_ error: DatabaseError) {
    let key = AbortCount(
      code: error.code.name, cause: error.abort?.cause, isCoarse: error.abort?.isCoarse ?? false)
    abortsByCause.withLock { $0[key, default: 0] += 1 }
  }

  /// Counts how long a durable commit took.
  func recordCommit(nanoseconds: UInt64) {
    commitTimes.withLock { $0.record(nanoseconds: nanoseconds) }
  }

  /// How long durable commits took.
  var commitLatency: LatencyHistogram { commitTimes.withLock { $0 } }

  /// Keeps a slow transaction, unless there are enough that are slower.
  func add(_ transaction: SlowTransaction, at now: UInt64) {
    slow.withLock { $0.add(transaction, at: now) }
  }

  /// How many there were, and the slowest of late.
  func slowTransactions(at now: UInt64) -> (count: UInt64, slowest: [SlowTransaction]) {
    slow.withLock { ($0.count, $0.slowest(at: now)) }
  }

  /// By code.
  var aborts: [String: UInt64] {
    abortsByCause.withLock { counts in
      counts.reduce(into: [:]) { $0[$1.key.code, default: 0] += $1.value }
    }
  }

  /// By cause, where one is known; those that rest on a summary apart (rule S12).
  var abortCauses: [String: UInt64] {
    abortsByCause.withLock { counts in
      counts.reduce(into: [:]) { result, entry in
        guard let cause = entry.key.cause else { return }
        let name = entry.key.isCoarse ? "\(cause.rawValue).coarse" : cause.rawValue
        result[name, default: 0] += entry.value
      }
    }
  }
}
