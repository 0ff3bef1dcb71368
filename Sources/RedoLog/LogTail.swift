internal import Environment
internal import Primitives
internal import RawBytes

/// What the threads of a log share, under one mutex: the batch being filled, who flushes, who
/// waits, and which segments there are. Pure: the calls into the world that follow from it are
/// made by `RedoLog` after the mutex is let go (E1).
///
/// - Invariant T1: one flight at a time; while it is under way `idle` is nil and the batch behind
///   it is being filled.
/// - Invariant T2: the bytes appended and those reserved, each reservation counted as a batch of
///   its own, fit into the rest of the newest live segment or into one prepared segment. So a
///   flight always finds its place, however reservations fall into batches.
/// - Invariant T3: the active batch's position is the end of the batch before, whatever segment
///   either lies in, so a record's position is known when it is appended.
/// - Invariant T4: the end of a record that a failed log did not take lies behind everything that
///   is or becomes durable, so nobody can take it for durable (F1).
struct LogTail: ~Copyable, Sendable {
  // The batches.
  var active = BatchBuffer()
  var idle: BatchBuffer? = BatchBuffer()
  var isFlying = false
  var activePosition: LogPosition
  var activeNumber: UInt64
  var activeFlags: BatchFlags = []
  var landed: LandedBatch
  /// Behind the newest batch that is on its way or durable, and behind the newest that is durable.
  var landedMark: LogMark
  var durableMark: LogMark
  var endPosition: LogPosition
  var newestTimestamp: Timestamp
  var generation: Generation
  // Space.
  var reservedByteCount = 0
  /// Segments that no recovery needs and followers may want, in order, all before `live`.
  var kept: [LiveSegment]
  var live: [LiveSegment]
  var offset: Int
  var prepared: [LogSegment] = []
  var retired: [LogSegment] = []
  var nextSegmentNumber: UInt64
  var isPreparing = false
  var wantsSegment = false
  var isPreparingAheadSuspended = false
  var readerCount = 0
  // What a checkpoint trigger asks for.
  var newestRecordEnd: LogPosition
  var replayFrom: LogPosition
  var recoveredByteCount: UInt64
  let firstPosition: LogPosition
  // Waits.
  var waiters: [FlushWaiter] = []
  var preparationWaiters: [WaitTicket] = []
  /// Who waits for the durable end to move, beyond which position.
  var followers: [(ticket: WaitTicket, position: LogPosition)] = []
  var backgroundTicket: WaitTicket?
  var isClosing = false
  /// The background leaves the files alone.
  var isHeld = false
  var failure: LogError? {
    didSet { hasFailed = failure != nil }
  }
  /// Whether `failure` is there, without a copy of it.
  private(set) var hasFailed = false
  var statistics = LogStatistics()
  let configuration: LogConfiguration

  init(beginning: LogBeginning, configuration: LogConfiguration) {
    activePosition = beginning.position
    activeNumber = beginning.number
    landed = LandedBatch(
      number: beginning.number - 1, checksum: beginning.previousChecksum,
      recordsEnd: beginning.recordsEnd, ordered: beginning.recordsEnd, ceiling: .zero)
    landedMark = LogMark(
      number: beginning.number - 1, position: beginning.position,
      checksum: beginning.previousChecksum, recordCount: 0, isWhole: true)
    durableMark = landedMark
    kept = beginning.kept
    endPosition = beginning.recordsEnd
    newestTimestamp = beginning.ceiling
    generation = beginning.generation
    live = beginning.live
    offset = beginning.offset
    retired = beginning.retired
    nextSegmentNumber = beginning.nextSegmentNumber
    newestRecordEnd = beginning.newestRecordEnd
    replayFrom = beginning.replayFrom
    recoveredByteCount = beginning.byteCount
    firstPosition = beginning.position
    self.configuration = configuration
  }
}

/// Where a log object takes over.
struct LogBeginning {
  var position = LogPosition.zero
  /// Of the first batch.
  var number: UInt64 = 1
  var previousChecksum: UInt32 = 0
  var recordsEnd = LogPosition.zero
  /// The same, empty batches left aside.
  var newestRecordEnd = LogPosition.zero
  var ceiling = Timestamp.zero
  var generation = Generation(0)
  var kept: [LiveSegment] = []
  var live: [LiveSegment] = []
  var offset = 0
  var retired: [LogSegment] = []
  var nextSegmentNumber: UInt64 = 0
  var replayFrom = LogPosition.zero
  /// Bytes from `replayFrom` to the end.
  var byteCount: UInt64 = 0
}

/// The newest batch on the device.
struct LandedBatch: Sendable {
  var number: UInt64
  var checksum: UInt32
  /// Durable up to here.
  var recordsEnd: LogPosition
  /// Ordered up to here; ahead of `recordsEnd` only where barriers are weaker than syncs.
  var ordered: LogPosition
  var ceiling: Timestamp
}

/// What a thread wants of a flush.
enum FlushGoal: Sendable {
  case durable(LogPosition)
  case ordered(LogPosition)
  /// The batch with this number, even an empty one.
  case batch(UInt64)
}

struct FlushWaiter: Sendable {
  let goal: FlushGoal
  let ticket: WaitTicket
}

extension LogTail {
  func isReached(_ goal: FlushGoal) -> Bool {
    switch goal {
    case .durable(let position): landed.recordsEnd >= position
    case .ordered(let position): landed.ordered >= position
    case .batch(let number): landed.number >= number
    }
  }

  /// All tickets there are, when nothing more will come of waiting.
  mutating func takeAllTickets() -> [WaitTicket] {
    var tickets = waiters.map(\.ticket) + preparationWaiters + followers.map(\.ticket)
    waiters.removeAll()
    followers.removeAll()
    preparationWaiters.removeAll()
    if let ticket = backgroundTicket.take() { tickets.append(ticket) }
    return tickets
  }

  var replayByteCount: UInt64 {
    guard newestRecordEnd > replayFrom else { return 0 }
    let end = activePosition.rawValue + UInt64(active.isEmpty ? 0 : active.storedByteCount)
    return replayFrom >= firstPosition
      ? end - Swift.min(end, replayFrom.rawValue)
      : recoveredByteCount + end - firstPosition.rawValue
  }
}
