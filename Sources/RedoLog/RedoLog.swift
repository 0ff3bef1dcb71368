internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// The redo log: what is acknowledged is durable, in order.
///
/// Committers append records to memory and then ask for durability; a flush writes everything
/// appended meanwhile as one batch. Records never name pages; replaying any suffix of the log
/// over a checkpoint before it gives the same state (rule R1).
///
/// The naive way writes and syncs a record at a time: a device that syncs 7,000 times a second
/// then commits 7,000 times a second, whatever the number of threads. A writer thread of its own
/// costs a hand-over to it and one back with each commit. Here the first thread that wants
/// durability and finds no flight under way leads: it takes the filled buffer, leaves the empty
/// one to those who append, writes, and wakes all whom the batch covers, first of all the leader
/// of the next flight. No knob: the longer a flight takes, the more go with the next.
///
/// ```
///   append ─▶ [active buffer] ─ takeFlight ─▶ [in flight] ─ write ─▶ device
///                  ▲                                │
///                  └───────── emptied ◀── land ─────┘
///
///   position  0        b1        b2    b3        (skips ahead here only)   b4
///             ├────────┼─────────┼─────┤ ◀─ crash    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ ├───
///   segment   [ h b1 b2 ......... ][ h b3 b4 ............................... ][ h 0 0 0 ...
///               live                 live, newest                             prepared
/// ```
///
/// - Invariant W-order: a batch is on the device before the next one is written, so a sound batch
///   proves all before it durable; what may be missing is a suffix and never a hole (W2, W3).
/// - Invariant W-once: a block that holds a part of a batch is not written again while its
///   segment keeps its name, except the first block of a tail that recovery cut.
/// - Invariant W-final: after a failed write or sync of a batch nothing becomes durable and
///   nothing is acknowledged until the log is opened again (rules F1, F2).
/// - Invariant W-space: whoever holds a reservation can append and flush it; a full disk shows in
///   `reserve` only, and is not final (rule F10).
/// - Invariant W-ceiling: every timestamp of an acknowledged commit is at or below the ceiling of
///   a durable batch (rule R6). The owner keeps it, by `extendCeiling` before it acknowledges a
///   commit above `durableCeiling`.
///
/// Not kept by this type: the lock on the directory, and that `append` is called in the order of
/// the timestamps. One `close` ends a log; before it, the background thread keeps it alive.
package final class RedoLog: Sendable {
  let effects: Effects
  let files: SegmentFiles
  let tail: ShortMutex<LogTail>
  let marks = LogMarks()
  private let backgroundThread = Mutex<(any BackgroundThread)?>(nil)

  /// The newest ceiling that recovery found, zero after creation: the owner's clock starts above
  /// it (rule R6).
  package let recoveredCeiling: Timestamp

  /// How far a ceiling is ahead of the clock: nanoseconds.
  static let ceilingLead: UInt64 = 10_000_000_000

  init(beginning: LogBeginning, files: SegmentFiles, configuration: LogConfiguration) {
    effects = files.effects
    self.files = files
    recoveredCeiling = beginning.ceiling
    marks.end.store(beginning.recordsEnd.rawValue, ordering: .relaxed)
    marks.durable.store(beginning.recordsEnd.rawValue, ordering: .relaxed)
    marks.ordered.store(beginning.recordsEnd.rawValue, ordering: .relaxed)
    tail = ShortMutex(LogTail(beginning: beginning, configuration: configuration))
  }

  /// Writes the opening batch, whose ceiling then is durable, and starts the background thread.
  func begin() throws(LogError) {
    try writeMarker(.opening)
    let thread = effects.background.start("martlet log") { self.runBackground() }
    backgroundThread.withLock { $0 = thread }
  }

  /// Flushes what is left, marks the end as orderly, removes what no recovery needs, and stops the
  /// background thread, that also when it throws. `clock` is the newest timestamp that the owner
  /// ever used.
  ///
  /// - Throws: what the flush threw. A full disk only costs the mark.
  package func close(clock: Timestamp = .zero) throws(LogError) {
    let (ticket, position) = tail.withLock { tail in
      tail.isClosing = true
      tail.newestTimestamp = Swift.max(tail.newestTimestamp, clock)
      return (tail.backgroundTicket.take(), tail.endPosition)
    }
    if let ticket { effects.waits.wake(ticket) }
    backgroundThread.withLock { $0.take() }?.join()
    defer { poison() }
    try makeDurable(through: position)
    do {
      try writeMarker(.closing)
    } catch .diskFull {
      return
    }
    removeRetired()
  }
}

/// The positions that threads look at without the mutex. Written under it.
final class LogMarks: Sendable {
  let end = Atomic<UInt64>(0)
  let durable = Atomic<UInt64>(0)
  let ordered = Atomic<UInt64>(0)
  let ceiling = Atomic<UInt64>(0)
  let isBackgroundAwake = Atomic<Bool>(true)
}

extension RedoLog {
  /// The end of the newest appended record.
  package var endPosition: LogPosition { LogPosition(marks.end.load(ordering: .acquiring)) }

  /// The end of the newest durable record; never above `endPosition`.
  package var durablePosition: LogPosition {
    LogPosition(marks.durable.load(ordering: .acquiring))
  }

  /// A commit above it must not be acknowledged before a new batch is durable.
  package var durableCeiling: Timestamp { Timestamp(marks.ceiling.load(ordering: .acquiring)) }

  /// Bytes that a recovery would replay now, zero when no record has come since the checkpoint: the
  /// measure for triggering the next. Differences of positions are none, since positions skip ahead
  /// where a crash was.
  package var replayByteCount: UInt64 { tail.withLock { $0.replayByteCount } }

  package var statistics: LogStatistics { tail.withLock { $0.statistics } }

  package var isPoisoned: Bool { tail.withLock { $0.failure != nil } }

  /// Nothing becomes durable any more: the owner has found that its memory cannot be trusted.
  package func poison() {
    let tickets = tail.withLock { tail in
      if tail.failure == nil { tail.failure = .poisoned }
      return tail.takeAllTickets()
    }
    for ticket in tickets { effects.waits.wake(ticket) }
  }

  func report(_ severity: Event.Severity, _ message: String) {
    effects.events.report(Event(severity, kind: .log, message))
  }
}
