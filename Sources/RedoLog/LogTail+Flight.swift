internal import Environment
internal import Primitives
internal import RawBytes

/// A batch on its way to the device, and what has to be known to write it without the mutex.
struct Flight: ~Copyable, Sendable {
  var buffer: BatchBuffer
  let segment: LogSegment
  let offset: Int
  /// Complete but for ceiling and checksum.
  var header: BatchHeader
  /// False: there is nothing to write, and only a stronger sync is owed.
  let hasBatch: Bool
  let grade: SyncGrade
  /// The newest timestamp ever appended up to here.
  let newestTimestamp: Timestamp
}

extension LogTail {
  /// Takes everything appended since the last flight. The caller writes it, then calls `land` or
  /// `fail`.
  mutating func takeFlight(for goal: FlushGoal) -> Flight {
    guard !isFlying, var buffer = idle.take() else { preconditionFailure("two flights (T1)") }
    isFlying = true
    var grade = SyncGrade.barrier
    for waiter in waiters {
      if case .ordered = waiter.goal { continue }
      grade = .full
    }
    var mustWrite = !active.isEmpty
    switch goal {
    case .ordered: break
    case .durable: grade = .full
    case .batch:
      grade = .full
      mustWrite = true
    }
    swap(&buffer, &active)
    if buffer.newestTimestamp > newestTimestamp { newestTimestamp = buffer.newestTimestamp }
    let (segment, offset) = place(
      mustWrite ? buffer.storedByteCount : 0, isUrgent: buffer.isEmpty && !activeFlags.isEmpty)
    let header = BatchHeader(
      flags: activeFlags, salt: segment.salt, number: activeNumber, position: activePosition,
      durablePosition: landed.recordsEnd, generation: generation, ceiling: .zero,
      payloadByteCount: UInt32(buffer.payloadByteCount), recordCount: buffer.recordCount,
      previousChecksum: landed.checksum)
    if mustWrite {
      activeNumber += 1
      activePosition = header.endPosition
      activeFlags = []
    }
    return Flight(
      buffer: buffer, segment: segment, offset: offset, header: header, hasBatch: mustWrite,
      grade: grade, newestTimestamp: newestTimestamp)
  }

  /// The flight is on the device. Returns the tickets to wake, in order: first that of a thread
  /// that must lead the next flight, then those whose wait is over.
  mutating func land(_ flight: consuming Flight, synced: Bool) -> [WaitTicket] {
    isFlying = false
    if flight.hasBatch {
      landed.number = flight.header.number
      landed.checksum = flight.header.checksum
      landed.ceiling = flight.header.ceiling
      landedMark = LogMark(behind: flight.header)
      if flight.header.recordCount > 0 { landed.ordered = flight.header.recordsEnd }
      statistics.batches += 1
      statistics.records += UInt64(flight.header.recordCount)
      statistics.bytes += UInt64(flight.header.storedByteCount)
    }
    if synced { statistics.syncs += 1 }
    if flight.grade == .full || !synced {
      landed.recordsEnd = landed.ordered
      durableMark = landedMark
    }
    var buffer = flight.buffer
    buffer.removeAll()
    idle = consume buffer

    guard !waiters.isEmpty || !followers.isEmpty else { return [] }
    var tickets: [WaitTicket] = []
    var waiting: [FlushWaiter] = []
    for waiter in waiters {
      if isReached(waiter.goal) { tickets.append(waiter.ticket) } else { waiting.append(waiter) }
    }
    statistics.followers += UInt64(tickets.count)
    if !waiting.isEmpty { tickets.insert(waiting.removeFirst().ticket, at: 0) }
    waiters = waiting
    if !followers.isEmpty { tickets += takeReachedFollowers() }
    return tickets
  }

  private mutating func takeReachedFollowers() -> [WaitTicket] {
    let end = landed.recordsEnd
    let reached = followers.filter { $0.position < end }.map(\.ticket)
    if !reached.isEmpty { followers.removeAll { $0.position < end } }
    return reached
  }

  /// The flight failed: nothing becomes durable any more (rule F1). Returns everybody's ticket.
  /// The batch is given up; who appends from now on appends nothing (T4).
  mutating func fail(_ error: LogError) -> [WaitTicket] {
    isFlying = false
    failure = error
    return takeAllTickets()
  }

  /// An append that came after the failure, by somebody who had reserved before it. Nothing is kept
  /// of the record, and still the end moves on: where it stood, everything may be durable.
  mutating func appendInVain(_ payloadByteCount: Int) {
    let byteCount = UInt64(LogRecord.headerByteCount + payloadByteCount)
    endPosition = LogPosition(endPosition.rawValue + byteCount)
  }
}
