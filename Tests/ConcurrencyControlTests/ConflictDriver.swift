import ConcurrencyControl
import Primitives

/// Short words for tests: transactions are numbers, keys are strings, commits are published at
/// once.
struct ConflictDriver {
  private struct Active {
    var tracking: Tracking
    var reads = ReadSet()
    var writes: Set<String> = []
  }

  var history: ConflictHistory
  var clock: UInt64 = 1
  /// Whether commits become visible to those who begin.
  var publishing = true
  private var published: UInt64 = 1
  private var active: [Int: Active] = [:]

  init(byteBudget: Int = 1 << 20) { history = ConflictHistory(byteBudget: byteBudget) }

  mutating func begin(_ who: Int, _ role: TrackedRole = .serializableSnapshot) {
    let tracking = history.begin(
      TransactionID(UInt64(who)), as: role, floor: Timestamp(published))
    history.setSnapshot(Timestamp(published), of: tracking)
    active[who] = Active(tracking: tracking)
  }

  func tracking(_ who: Int) -> Tracking? { active[who]?.tracking }

  mutating func read(_ who: Int, _ key: String) { active[who]?.reads.note(Self.name(key)) }

  mutating func scan(_ who: Int, _ lower: String, _ upper: String?) {
    active[who]?.reads.note(Self.interval(lower, upper))
  }

  mutating func write(_ who: Int, _ key: String) { active[who]?.writes.insert(key) }

  /// Commits, or rolls back and says why.
  mutating func commit(_ who: Int) -> ConflictExplanation? {
    guard let member = active[who] else { preconditionFailure("nobody") }
    defer { rollBack(who) }
    let written = Self.written(member.writes)
    switch history.certify(member.tracking, reads: member.reads, written: written) {
    case .refused(let explanation): return explanation
    case .granted(let earliestOut):
      if written.isEmpty {
        history.recordReader(member.tracking, reads: member.reads)
      } else {
        history.record(
          TransactionID(UInt64(who)), at: tick(), written: written, reads: member.reads,
          earliestOut: earliestOut, tracking: member.tracking)
      }
      return nil
    }
  }

  mutating func rollBack(_ who: Int) {
    guard let member = active.removeValue(forKey: who) else { return }
    history.end(member.tracking)
  }

  /// A whole transaction of two-phase locking.
  mutating func commitUnderLocks(_ who: Int, reading: [String] = [], writing: [String] = []) {
    var reads = ReadSet()
    for key in reading { reads.note(Self.name(key)) }
    let transaction = TransactionID(UInt64(who))
    if writing.isEmpty {
      history.recordReader(transaction, bound: Timestamp(clock), reads: reads)
    } else {
      history.record(transaction, at: tick(), written: Self.written(Set(writing)), reads: reads)
    }
  }

  func safety(_ who: Int) -> SnapshotSafety? {
    active[who].map { history.safety(of: $0.tracking) }
  }

  private mutating func tick() -> Timestamp {
    clock += 1
    if publishing { published = clock }
    return Timestamp(clock)
  }

  static func written(_ keys: Set<String>) -> WrittenKeys {
    var written = WrittenKeys()
    for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      unsafe written.append(name(key), key: Array(key.utf8).span.bytes)
    }
    return written
  }

  static func name(_ key: String) -> LockName {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return LockName(keyspace: KeyspaceID(1), fingerprint: hash)
  }

  static func interval(_ lower: String, _ upper: String?) -> KeyInterval {
    KeyInterval(
      keyspace: KeyspaceID(1), lower: Array(lower.utf8), upper: upper.map { Array($0.utf8) })
  }
}
