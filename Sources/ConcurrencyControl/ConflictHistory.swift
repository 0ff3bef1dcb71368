package import Primitives

/// Certifies the commits of serializable transactions, whatever protocols they use: optimistic,
/// serializable snapshot isolation and two-phase locking at once (rule M1).
///
/// **What it guarantees.** The transactions of those three kinds that commit are serializable
/// together, beside writers of weaker levels that nothing is promised to. It relies on its owner
/// for two things: every writer of every level holds its keys exclusively until it is published
/// (rule M2), and one of the SSI kind writes a key only if its snapshot shows the newest version
/// (rule M7).
///
/// **The naive way** keeps, for each active transaction, markers that writers look up and lists of
/// edges that both sides edit while they run. Every read then writes to shared memory, and a
/// reader that makes its last check while a writer records an edge needs a protocol of its own.
///
/// **The way taken.** An edge R -rw-> W, "W overwrote what R had read", is between two
/// transactions, and whichever commits second finds it, alone, in the one section that all commits
/// pass (rules S14, O2, M8). A read is only noted in the reader's own `ReadSet`. At its commit a
/// transaction looks both ways (rule S1):
///
/// - *out*: committed records of what others wrote, newer than its snapshot, on what it read;
/// - *in*: marks that committed readers left on what it writes (rule M3b).
///
/// **Why that is enough.** In a circle of dependencies let `Tout` be the first to commit. Who
/// stands before it, `Tpivot`, committed later, so the edge to `Tout` is an rw-dependency, and
/// `Tpivot` had read an old state: it is of the snapshot kind (rules M3, M4: the others read the
/// newest state up to their commit). Who stands before `Tpivot`, `Tin`, cannot have committed
/// before the pivot's snapshot, which is older than `Tout`: so that edge is an rw-dependency too.
/// If `Tin` writes nothing it is reached from a commit that its snapshot shows, and `Tout` is not
/// later than that one (rule S3). Hence, with `earliestOut` of a pivot for the least timestamp
/// among its out-neighbours at its commit, there is no circle unless for some `Tin -rw-> Tpivot`
/// the `Tin` has a *bound* of at least the pivot's `earliestOut`: its own timestamp if it writes,
/// its snapshot if not. If the pivot commits last it finds the mark of `Tin` with the bound; if
/// `Tin` does, it finds the pivot's record with `earliestOut`. `Tout` committed before both, and
/// the two may be one (write skew). That they were concurrent follows and is never asked: the
/// bound is at least `earliestOut`, which is newer than the pivot's snapshot.
///
/// Writers of weaker levels are recorded like all others, since they can be `Tout` (rule M6). They
/// are never pivots: what they read is not tracked, so that no circle through it is prevented.
///
/// - Invariant H1: every commit newer than `leastSnapshot` of whoever is tracked is recorded, or
///   summarised, or is the transaction's own.
/// - Invariant H2: every reader whose bound is newer than the snapshot of an active transaction of
///   the SSI kind has left its marks, or they are summarised, or it is the transaction itself.
/// - Invariant H3: nothing is kept that no active transaction can need (rules S5, S11): records up
///   to the oldest floor, marks up to the oldest floor of the SSI kind.
/// - Invariant H4: records and marks stay within the budget; what falls out is summarised (rules
///   S12, O9). Nobody is refused a beginning.
///
/// A value with no lock of its own: the commit section holds it and serializes every call.
///
/// Sources: Cahill, Röhm, Fekete 2008; Ports and Grittner 2012 (safe snapshots, the read-only rule,
/// summaries); Fekete 2005 (mixed protocols).
package struct ConflictHistory: Sendable {
  /// What is known of an active transaction.
  struct Member: Sendable {
    var transaction: TransactionID
    var role: TrackedRole
    var generation: UInt32
    var isActive: Bool
    /// Not newer than the snapshot, known before it is taken.
    var floor: Timestamp
    var snapshot: Timestamp?
    /// Read-only: a pivot committed that makes the snapshot dangerous (rule S13).
    var isUnsafe: Bool
  }

  /// A commit that wrote something; its keys are in `writes`.
  struct Commit: Sendable {
    let transaction: TransactionID
    let timestamp: Timestamp
    let earliestOut: EarliestOut?
    let writes: Range<Int>
  }

  /// One key of a commit.
  struct Write: Sendable, BitwiseCopyable {
    let timestamp: Timestamp
    /// The sequence number of the commit.
    let commit: Int
    /// Where the key's bytes are in `keyBytes`.
    let keyStart: Int
    let keyEnd: Int

    var key: Range<Int> { keyStart..<keyEnd }
  }

  /// A committed reader; its marks are in `pointMarks` and `intervalMarks`.
  struct Reader: Sendable, BitwiseCopyable {
    let transaction: TransactionID
    let bound: Timestamp
    let pointsEnd: Int
    let intervalsEnd: Int
  }

  /// A key that a committed reader read.
  struct PointMark: Sendable, BitwiseCopyable {
    let bound: Timestamp
    let transaction: TransactionID
  }

  /// An interval that a committed reader read.
  struct IntervalMark: Sendable {
    let interval: ReadSet.Interval
    let bound: Timestamp
    let transaction: TransactionID

    /// With the heap blocks of its two bounds.
    var byteCount: Int {
      MemoryLayout<IntervalMark>.stride + 2 * 48 + interval.interval.lower.count
        + (interval.interval.upper?.count ?? 0)
    }
  }

  let byteBudget: Int

  var members: [Member] = []
  var freeMembers: [Int32] = []
  var trackedCount = 0
  /// How many of them are read-write transactions of the SSI kind: those who can be pivots.
  var serializableCount = 0
  var oldestFloor = Timestamp.max
  var oldestSerializableFloor = Timestamp.max

  var commits = Queue<Commit>()
  var writes = NameQueue<Write>()
  var keyBytes = Queue<UInt8>()

  var readers = Queue<Reader>()
  var pointMarks = NameQueue<PointMark>()
  var intervalMarks = Queue<IntervalMark>()
  /// Of the interval marks.
  var intervalMarkByteCount = 0

  var summary: ConflictSummary

  /// Up to here commits may be neither recorded nor summarised.
  var unrecordedThrough = Timestamp.zero
  /// Up to here readers may have left no marks.
  var unmarkedThrough = Timestamp.zero

  /// - Parameters:
  ///   - byteBudget: for records and marks; the summary's table comes on top.
  ///   - bucketCount: of the summary, 24 bytes each.
  package init(byteBudget: Int, bucketCount: Int = 4096) {
    precondition(byteBudget > 0)
    self.byteBudget = byteBudget
    summary = ConflictSummary(bucketCount: bucketCount)
  }

  /// Whether commits must be recorded: somebody is tracked.
  package var isTracking: Bool { trackedCount > 0 }

  /// What was committed up to here may be unrecorded or unmarked: who begins takes no older
  /// snapshot. `Tracking.leastSnapshot` says the same for the role, more precisely.
  package var untrackedThrough: Timestamp { Swift.max(unrecordedThrough, unmarkedThrough) }

  /// A transaction begins. From now on commits are recorded for it.
  ///
  /// - Parameter floor: The published watermark now, or anything that is not newer than the
  ///   snapshot will be.
  /// - Complexity: constant.
  package mutating func begin(
    _ transaction: TransactionID, as role: TrackedRole, floor: Timestamp
  ) -> Tracking {
    let leastSnapshot = role == .serializableSnapshot ? untrackedThrough : unrecordedThrough
    let floor = Swift.max(floor, leastSnapshot)
    let index: Int32
    if let free = freeMembers.popLast() {
      index = free
    } else {
      index = Int32(members.count)
      members.append(
        Member(
          transaction: transaction, role: role, generation: 0, isActive: false, floor: floor,
          snapshot: nil, isUnsafe: false))
    }
    let generation = members[Int(index)].generation
    members[Int(index)] = Member(
      transaction: transaction, role: role, generation: generation, isActive: true, floor: floor,
      snapshot: nil, isUnsafe: false)
    trackedCount += 1
    oldestFloor = Swift.min(oldestFloor, floor)
    if role == .serializableSnapshot {
      serializableCount += 1
      oldestSerializableFloor = Swift.min(oldestSerializableFloor, floor)
    }
    return Tracking(index: index, generation: generation, leastSnapshot: leastSnapshot)
  }

  /// The transaction has taken its snapshot.
  package mutating func setSnapshot(_ snapshot: Timestamp, of tracking: Tracking) {
    let index = indexOfMember(tracking)
    precondition(members[index].snapshot == nil, "a second snapshot")
    precondition(snapshot >= members[index].floor, "H1: a snapshot older than its floor")
    members[index].snapshot = snapshot
    if members[index].role == .readOnly { judge(snapshot, ofMemberAt: index) }
  }

  /// The transaction has ended: rolled back, or after `record` or `recordReader`.
  package mutating func end(_ tracking: Tracking) {
    let index = indexOfMember(tracking)
    let member = members[index]
    members[index].isActive = false
    members[index].generation &+= 1
    freeMembers.append(tracking.index)
    trackedCount -= 1
    if member.role == .serializableSnapshot { serializableCount -= 1 }
    findOldestFloors()
    prune()
  }

  /// The place of an active transaction.
  func indexOfMember(_ tracking: Tracking) -> Int {
    let index = Int(tracking.index)
    precondition(
      members[index].isActive && members[index].generation == tracking.generation,
      "S5: a transaction that has ended")
    return index
  }

  private mutating func findOldestFloors() {
    (oldestFloor, oldestSerializableFloor) = (.max, .max)
    guard trackedCount > 0 else { return }
    for member in members where member.isActive {
      let floor = member.snapshot ?? member.floor
      oldestFloor = Swift.min(oldestFloor, floor)
      guard member.role == .serializableSnapshot else { continue }
      oldestSerializableFloor = Swift.min(oldestSerializableFloor, floor)
    }
  }
}
