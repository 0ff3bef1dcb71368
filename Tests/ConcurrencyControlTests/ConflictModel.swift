import ConcurrencyControl
import Primitives

/// Transactions of all kinds over a few keys in atomic steps, certified by a `ConflictHistory`,
/// beside the plainest account of what they did: every version, every read, nothing forgotten.
///
/// A key has 3 bits of number: the upper one is its keyspace. Sets of keys are masks.
struct ConflictModel {
  enum Role: CaseIterable { case serializable, optimistic, twoPhase, snapshot, readOnly }

  enum Stage { case idle, begun, active, ordered, ended }

  /// A bug that is planted in the way the history is used.
  enum Flaw: CaseIterable {
    case marksAreDropped, twoPhaseMarksAreDropped, absentKeysAreForgotten, intervalsAreForgotten
    case earliestOutIsIgnored, optimisticReadsAreUnchecked, marksOfReadersAreDropped
  }

  struct Sizes {
    var byteBudget = 1 << 20
    var bucketCount = 64
    var pointLimit = 1000
    var intervalLimit = 1000
    /// How many keys have a fingerprint of their own.
    var fingerprintCount = 8

    var isExact: Bool { byteBudget > 100_000 && pointLimit > 100 && intervalLimit > 100 }

    var hasCollisions: Bool { fingerprintCount < 8 }
  }

  struct Version { var timestamp: UInt64; var writer: Int }

  struct Observation { var key: Int; var version: Int; var isOfInterval: Bool }

  struct Transaction {
    var role = Role.serializable
    var stage = Stage.idle
    var tracking: Tracking?
    /// The watermark as it was loaded, before the history is told of it as the snapshot.
    var loaded: UInt64?
    var snapshot: UInt64 = 0
    var observations: [Observation] = []
    /// What the history was told that it read.
    var noted: UInt8 = 0
    var reads: ReadSet
    var writes: UInt8 = 0
    var shared: UInt8 = 0
    var exclusive: UInt8 = 0
    var timestamp: UInt64?
    var isCommitted = false
    var isSafe = false
    /// As a reader whose marks count.
    var bound: UInt64?
    var earliestOut: UInt64?
  }

  struct Counts {
    var histories = 0
    var commits = 0
    var edges: [String: Int] = [:]
    var refusals: [String: Int] = [:]
    var refusalsWithoutCircle = 0
    var circlesOfSnapshots = 0
    var safe = 0
    var unsafe = 0
    var waits = 0
  }

  let sizes: Sizes
  let flaw: Flaw?
  var random: SeededGenerator
  var history: ConflictHistory
  var counts = Counts()
  /// What went wrong, first.
  var complaint: String?

  var keyCount = 8
  var transactions: [Transaction] = []
  var versions: [[Version]] = []
  var clock: UInt64 = 1
  var published: UInt64 = 1
  var acknowledged: UInt64 = 1
  var unpublished: [Int] = []
  private var spareReads: [ReadSet] = []
  private var written = WrittenKeys()

  init(seed: UInt64, sizes: Sizes = Sizes(), flaw: Flaw? = nil) {
    self.sizes = sizes
    self.flaw = flaw
    random = SeededGenerator(state: seed)
    history = ConflictHistory(byteBudget: sizes.byteBudget, bucketCount: sizes.bucketCount)
  }

  mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

  mutating func complain(_ text: String) { if complaint == nil { complaint = text } }

  /// One history from its first step to its end.
  mutating func runHistory(roles: [Role]) {
    counts.histories += 1
    keyCount = [2, 3, 4, 8][pick(4)]
    versions = Array(repeating: [], count: 8)
    for index in transactions.indices { spareReads.append(transactions[index].reads) }
    for key in 0..<8 where pick(2) == 0 {
      versions[key].append(Version(timestamp: 1, writer: -1))
    }
    transactions = (0..<2 + pick(9)).map { _ in
      var reads =
        spareReads.popLast()
        ?? ReadSet(pointLimit: sizes.pointLimit, intervalLimit: sizes.intervalLimit)
      reads.removeAll()
      return Transaction(role: roles[pick(roles.count)], reads: reads)
    }
    let stepCount = transactions.count * (8 + pick(8))
    for _ in 0..<stepCount { step() }
    for index in transactions.indices {
      while !unpublished.isEmpty { publish() }
      acknowledged = published
      while transactions[index].stage == .begun { takeSnapshot(index) }
      if transactions[index].stage == .active { commit(index) }
    }
    while !unpublished.isEmpty { publish() }
    acknowledged = published
    for index in transactions.indices where transactions[index].stage != .ended { end(index) }
    if history.isTracking || history.recordCount != 0 || history.markCount != 0 {
      complain("something is left after all have ended")
    }
    judgeGraph()
  }

  // MARK: - Steps

  private mutating func step() {
    let index = pick(transactions.count)
    switch transactions[index].stage {
    case .idle: if pick(4) == 0 { begin(index) }
    case .begun: takeSnapshot(index)
    case .active:
      switch pick(100) {
      case 0..<34: read(index)
      case 34..<50: scan(index)
      case 50..<78: write(index)
      case 78..<96: commit(index)
      default: end(index)
      }
    case .ordered, .ended:
      if pick(3) > 0, !unpublished.isEmpty { publish() }
      if pick(4) == 0 { acknowledged = published }
    }
  }

  private mutating func begin(_ index: Int) {
    let role: TrackedRole
    switch transactions[index].role {
    case .serializable: role = .serializableSnapshot
    case .optimistic: role = .optimistic
    case .readOnly: role = .readOnly
    case .twoPhase, .snapshot:
      transactions[index].snapshot = published
      transactions[index].stage = .active
      return
    }
    let floor = role == .readOnly ? acknowledged : published
    transactions[index].tracking = history.begin(
      TransactionID(UInt64(index)), as: role, floor: Timestamp(floor))
    transactions[index].stage = .begun
  }

  private mutating func takeSnapshot(_ index: Int) {
    guard let tracking = transactions[index].tracking else { return }
    guard let watermark = transactions[index].loaded else {
      let watermark = transactions[index].role == .readOnly ? acknowledged : published
      if Timestamp(watermark) >= tracking.leastSnapshot {
        transactions[index].loaded = watermark
      } else {
        counts.waits += 1
      }
      return
    }
    transactions[index].snapshot = watermark
    history.setSnapshot(Timestamp(watermark), of: tracking)
    transactions[index].stage = .active
  }

  private mutating func read(_ index: Int) {
    let key = pick(keyCount)
    guard transactions[index].writes & Self.bit(key) == 0 else { return }
    if transactions[index].role == .twoPhase {
      guard isFree(ofExclusive: Self.bit(key), besides: index) else { return }
      transactions[index].shared |= Self.bit(key)
    }
    observe(key, index, isOfInterval: false)
    if flaw == .absentKeysAreForgotten, transactions[index].observations.last?.version == -1 {
      return
    }
    if flaw == .optimisticReadsAreUnchecked, transactions[index].role == .optimistic { return }
    let name = name(key)
    note(Self.bit(key), index) { $0.note(name) }
  }

  private mutating func scan(_ index: Int) {
    let half = keyCount > 4 ? pick(2) : 0
    let upperEnd = min(keyCount, 4)
    let lower = pick(upperEnd)
    let upper = lower + 1 + pick(upperEnd - lower)
    let keys = (lower..<upper).map { half * 4 + $0 }
    let mask = keys.reduce(0) { $0 | Self.bit($1) }
    if transactions[index].role == .twoPhase {
      guard isFree(ofExclusive: mask, besides: index) else { return }
      transactions[index].shared |= mask
    }
    for key in keys where transactions[index].writes & Self.bit(key) == 0 {
      observe(key, index, isOfInterval: true)
    }
    if flaw == .intervalsAreForgotten { return }
    if flaw == .optimisticReadsAreUnchecked, transactions[index].role == .optimistic { return }
    let interval = KeyInterval(
      keyspace: name(half * 4).keyspace, lower: [UInt8(10 * lower)],
      upper: upper == 4 ? nil : [UInt8(10 * upper - 5)])
    note(mask, index) { $0.note(interval) }
  }

  private mutating func note(_ mask: UInt8, _ index: Int, _ body: (inout ReadSet) -> Void) {
    guard transactions[index].role != .snapshot else { return }
    if transactions[index].role == .readOnly, let tracking = transactions[index].tracking {
      switch history.safety(of: tracking) {
      case .safe:
        // From here on the transaction is unknown to the history and reads on.
        counts.safe += 1
        transactions[index].isSafe = true
        transactions[index].tracking = nil
        history.end(tracking)
      case .unsafe: counts.unsafe += 1
      case .undecided: break
      }
    }
    transactions[index].noted |= mask
    body(&transactions[index].reads)
  }

  private mutating func observe(_ key: Int, _ index: Int, isOfInterval: Bool) {
    let snapshot = transactions[index].role == .twoPhase ? .max : transactions[index].snapshot
    let version = (versions[key].lastIndex { $0.timestamp <= snapshot }) ?? -1
    transactions[index].observations.append(
      Observation(key: key, version: version, isOfInterval: isOfInterval))
  }

  private mutating func write(_ index: Int) {
    let key = pick(keyCount)
    let role = transactions[index].role
    guard role != .readOnly else { return }
    if role != .optimistic {
      guard isFree(ofAll: Self.bit(key), besides: index) else { return }
      if role != .twoPhase, let newest = versions[key].last,
        newest.timestamp > transactions[index].snapshot
      {
        return end(index)
      }
      transactions[index].exclusive |= Self.bit(key)
    }
    transactions[index].writes |= Self.bit(key)
  }

  private func isFree(ofExclusive mask: UInt8, besides index: Int) -> Bool {
    !transactions.indices.contains { $0 != index && transactions[$0].exclusive & mask != 0 }
  }

  private func isFree(ofAll mask: UInt8, besides index: Int) -> Bool {
    !transactions.indices.contains {
      $0 != index && (transactions[$0].exclusive | transactions[$0].shared) & mask != 0
    }
  }

  private mutating func commit(_ index: Int) {
    let transaction = transactions[index]
    if transaction.role == .optimistic {
      guard isFree(ofAll: transaction.writes, besides: index) else { return }
      transactions[index].exclusive |= transaction.writes
    }
    written.removeAll()
    for key in 0..<8 where transaction.writes & Self.bit(key) != 0 {
      unsafe written.append(name(key), key: [UInt8(10 * (key % 4))].span.bytes)
    }
    var earliestOut: EarliestOut?
    if let tracking = transaction.tracking {
      let certificate = history.certify(tracking, reads: transaction.reads, written: written)
      check(certificate, of: index)
      switch certificate {
      case .granted(let out): earliestOut = out
      case .refused: return end(index)
      }
    }
    conclude(index, earliestOut)
  }

  private mutating func conclude(_ index: Int, _ earliestOut: EarliestOut?) {
    counts.commits += 1
    transactions[index].isCommitted = true
    var reads = transactions[index].reads
    switch flaw {
    case .marksAreDropped: reads.removeAll()
    case .twoPhaseMarksAreDropped where transactions[index].role == .twoPhase: reads.removeAll()
    case .marksOfReadersAreDropped where transactions[index].writes == 0: reads.removeAll()
    default: break
    }
    let id = TransactionID(UInt64(index))
    let tracking = transactions[index].tracking
    let isReader = transactions[index].role != .snapshot && !transactions[index].isSafe
    if transactions[index].writes == 0 {
      if let tracking {
        history.recordReader(tracking, reads: reads)
        transactions[index].bound = transactions[index].snapshot
      } else if isReader {
        history.recordReader(id, bound: Timestamp(clock), reads: reads)
        transactions[index].bound = clock
      }
      return end(index)
    }
    clock += UInt64(1 + pick(2))
    transactions[index].timestamp = clock
    if isReader {
      transactions[index].bound = clock
      history.record(
        id, at: Timestamp(clock), written: written, reads: reads,
        earliestOut: flaw == .earliestOutIsIgnored ? nil : earliestOut, tracking: tracking)
    } else {
      history.record(id, at: Timestamp(clock), written: written)
    }
    for key in 0..<8 where transactions[index].writes & Self.bit(key) != 0 {
      versions[key].append(Version(timestamp: clock, writer: index))
    }
    transactions[index].stage = .ordered
    unpublished.append(index)
    if pick(2) == 0, let tracking {
      history.end(tracking)
      transactions[index].tracking = nil
    }
    if history.byteCount > sizes.byteBudget { complain("the budget is exceeded") }
  }

  private mutating func publish() {
    let index = unpublished.removeFirst()
    published = transactions[index].timestamp ?? published
    end(index)
  }

  private mutating func end(_ index: Int) {
    transactions[index].shared = 0
    transactions[index].exclusive = 0
    transactions[index].stage = .ended
    if let tracking = transactions[index].tracking { history.end(tracking) }
    transactions[index].tracking = nil
  }

  static func bit(_ key: Int) -> UInt8 { 1 << UInt8(key) }

  func name(_ key: Int) -> LockName {
    LockName(
      keyspace: KeyspaceID(UInt32(1 + key / 4)),
      fingerprint: UInt64(key % sizes.fingerprintCount))
  }
}

struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
