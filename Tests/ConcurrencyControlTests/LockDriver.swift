import ConcurrencyControl
import Primitives

/// Short words for tests: transactions and keys are numbers.
struct LockDriver {
  var table: LockTable
  var notices: [LockNotice] = []

  init(capacity: Int = 16, exemptAfter: Int = 3) {
    table = LockTable(capacity: capacity, exemptAfter: exemptAfter)
  }

  mutating func ask(
    _ transaction: UInt64, _ mode: LockMode, _ key: UInt64, weight: UInt64 = 0,
    timesVictim: Int = 0, enclosing: UInt64? = nil
  ) -> LockOutcome {
    notices = []
    let bytes = Self.bytes(key)
    // SAFETY: the array outlives the span.
    let span = unsafe bytes.span.bytes
    return table.request(
      mode, on: Self.name(key), key: span,
      by: LockClaimant(
        TransactionID(transaction), weight: weight, timesVictim: timesVictim,
        enclosing: enclosing.map { TransactionID($0) }),
      notices: &notices)
  }

  /// Who was granted something by this release.
  mutating func release(_ transaction: UInt64) -> [UInt64] {
    notices = []
    table.releaseAll(of: TransactionID(transaction), notices: &notices)
    return granted
  }

  mutating func cancel(_ transaction: UInt64) -> [UInt64]? {
    notices = []
    return table.cancel(TransactionID(transaction), notices: &notices) ? granted : nil
  }

  func mode(_ transaction: UInt64, _ key: UInt64) -> LockMode? {
    table.mode(of: Self.name(key), heldBy: TransactionID(transaction))
  }

  var granted: [UInt64] {
    notices.filter { $0.event == .granted }.map(\.transaction.rawValue)
  }

  var victims: [UInt64] {
    notices.filter { $0.event != .granted }.map(\.transaction.rawValue)
  }

  /// Bytes in the order of the numbers, some of them prefixes of others.
  static func bytes(_ key: UInt64) -> [UInt8] {
    let high = [UInt8(truncatingIfNeeded: key >> 9), UInt8(truncatingIfNeeded: key >> 1)]
    return key.isMultiple(of: 2) ? high : high + [0]
  }

  static func name(_ key: UInt64) -> LockName {
    LockName(keyspace: KeyspaceID(UInt32(key % 3)), fingerprint: key)
  }
}
