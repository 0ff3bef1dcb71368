import ConcurrencyControl
import Primitives

/// Short words for tests: transactions and keys are numbers.
struct LockDriver {
  static let keyspaceCount = 3

  var table: LockTable
  var notices: [LockNotice] = []

  init(capacity: Int = 16, exemptAfter: Int = 3, byteBudget: Int = 1 << 20) {
    table = LockTable(capacity: capacity, exemptAfter: exemptAfter, byteBudget: byteBudget)
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
      by: Self.claimant(transaction, weight, timesVictim, enclosing), notices: &notices)
  }

  /// Asks for the keys from one number to below another, or without bound, of a keyspace.
  mutating func scan(
    _ transaction: UInt64, _ lower: UInt64, _ upper: UInt64?, in keyspace: UInt32 = 0,
    weight: UInt64 = 0, timesVictim: Int = 0, enclosing: UInt64? = nil
  ) -> LockOutcome {
    notices = []
    return table.request(
      Self.interval(lower, upper, in: keyspace),
      by: Self.claimant(transaction, weight, timesVictim, enclosing), notices: &notices)
  }

  mutating func askAll(
    _ transaction: UInt64, _ mode: KeyspaceLockMode, of keyspace: UInt32 = 0, weight: UInt64 = 0,
    timesVictim: Int = 0, enclosing: UInt64? = nil
  ) -> LockOutcome {
    notices = []
    return table.request(
      mode, onAll: KeyspaceID(keyspace),
      by: Self.claimant(transaction, weight, timesVictim, enclosing), notices: &notices)
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

  func modeOfAll(_ transaction: UInt64, _ keyspace: UInt32 = 0) -> KeyspaceLockMode? {
    table.mode(ofAll: KeyspaceID(keyspace), heldBy: TransactionID(transaction))
  }

  func covers(
    _ transaction: UInt64, _ lower: UInt64, _ upper: UInt64?, in keyspace: UInt32 = 0
  ) -> Bool {
    table.covers(
      Self.interval(lower, upper, in: keyspace), heldBy: TransactionID(transaction))
  }

  func isWaiting(_ transaction: UInt64) -> Bool {
    table.isWaiting(TransactionID(transaction))
  }

  func blockers(_ transaction: UInt64) -> [UInt64] {
    table.blockers(of: TransactionID(transaction)).map(\.rawValue)
  }

  var granted: [UInt64] {
    notices.filter { $0.event == .granted }.map(\.transaction.rawValue)
  }

  var victims: [UInt64] {
    notices.filter { $0.event != .granted }.map(\.transaction.rawValue)
  }

  private static func claimant(
    _ transaction: UInt64, _ weight: UInt64, _ timesVictim: Int, _ enclosing: UInt64?
  ) -> LockClaimant {
    LockClaimant(
      TransactionID(transaction), weight: weight, timesVictim: timesVictim,
      enclosing: enclosing.map { TransactionID($0) })
  }

  static func interval(_ lower: UInt64, _ upper: UInt64?, in keyspace: UInt32) -> KeyInterval {
    KeyInterval(
      keyspace: KeyspaceID(keyspace), lower: bytes(lower), upper: upper.map { bytes($0) })
  }

  /// Bytes in the order of the numbers, some of them prefixes of others.
  static func bytes(_ key: UInt64) -> [UInt8] {
    let high = [UInt8(truncatingIfNeeded: key >> 9), UInt8(truncatingIfNeeded: key >> 1)]
    return key.isMultiple(of: 2) ? high : high + [0]
  }

  static func name(_ key: UInt64) -> LockName {
    LockName(keyspace: KeyspaceID(UInt32(key % UInt64(keyspaceCount))), fingerprint: key)
  }
}
