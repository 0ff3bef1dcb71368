package import Primitives
package import RawBytes
internal import Environment
internal import Synchronization

extension RedoLog {
  /// Sees to space for one record of so many payload bytes; the append uses the reservation up.
  /// May wait for a flush or for a new segment: call it outside the commit section.
  ///
  /// - Throws: `.diskFull` when there is no space, and it works again when space returns;
  ///   nothing is reserved then.
  package func reserve(_ byteCount: Int) throws(LogError) {
    try reserveBatch(Self.cost(byteCount))
  }

  /// Gives a reservation back whose record will not be appended.
  package func cancelReservation(_ byteCount: Int) {
    tail.withLock { $0.release(Self.cost(byteCount)) }
  }

  /// Puts a record behind all others, in memory. Takes the time of the copy. Call it in the
  /// commit section, in the order of the timestamps. `reserved` is what was reserved for it, where
  /// that was not just the payload.
  ///
  /// - Returns: the record's end, for `makeDurable`. Of a log that has failed too: an end that
  ///   never becomes durable (T4).
  package func append(
    _ kind: RecordKind, transaction: TransactionID, timestamp: Timestamp, entryCount: UInt32,
    payload: ByteView, reserved: Int? = nil
  ) -> LogPosition {
    let reserved = reserved ?? payload.count
    precondition(reserved >= payload.count, "a record longer than its reservation")
    return tail.withLock { tail in
      Self.append(
        kind, transaction, timestamp, entryCount, payload, reserved: reserved, &tail)
      marks.end.store(tail.endPosition.rawValue, ordering: .releasing)
      return tail.endPosition
    }
  }

  /// Puts two records of one commit behind all others, as `append` of one
  /// does. No flush comes between them: whoever begins to read behind a flush reads both or none.
  package func append(
    _ first: (kind: RecordKind, entryCount: UInt32, payload: ByteView),
    _ second: (kind: RecordKind, entryCount: UInt32, payload: ByteView),
    transaction: TransactionID, timestamp: Timestamp
  ) -> LogPosition {
    tail.withLock { tail in
      for record in [first, second] {
        Self.append(
          record.kind, transaction, timestamp, record.entryCount, record.payload,
          reserved: record.payload.count, &tail)
      }
      marks.end.store(tail.endPosition.rawValue, ordering: .releasing)
      return tail.endPosition
    }
  }

  @inline(__always)
  private static func append(
    _ kind: RecordKind, _ transaction: TransactionID, _ timestamp: Timestamp, _ entryCount: UInt32,
    _ payload: ByteView, reserved: Int, _ tail: inout LogTail
  ) {
    tail.release(cost(reserved))
    if !tail.hasFailed {
      tail.active.append(
        kind, transaction: transaction, timestamp: timestamp, entryCount: entryCount,
        payload: payload)
      let end = tail.activePosition.rawValue &+ UInt64(truncatingIfNeeded: tail.active.count)
      tail.endPosition = LogPosition(end)
      tail.newestRecordEnd = LogPosition(end)
    } else {
      tail.appendInVain(payload.count)
    }
  }

  /// A record as a batch of its own: no grouping needs more than the sum of these (T2).
  @inline(__always)
  private static func cost(_ byteCount: Int) -> Int {
    precondition(byteCount >= 0)
    return BatchHeader.storedByteCount(payload: LogRecord.headerByteCount &+ byteCount)
  }

  /// Reserves the bytes of one batch, preparing segments as needed.
  func reserveBatch(_ cost: Int, isUrgent: Bool = false) throws(LogError) {
    while true {
      let (step, ticket) = try tail.withLock {
        (tail) throws(LogError) -> (LogTail.Reservation, WaitTicket?) in
        guard !tail.hasFailed else { throw .poisoned }
        let step = tail.reserve(cost, isUrgent: isUrgent)
        guard case .reserved = step, tail.runsLow else { return (step, nil) }
        tail.wantsSegment = true
        return (step, tail.backgroundTicket.take())
      }
      if let ticket { effects.waits.wake(ticket) }
      switch step {
      case .reserved: return
      case .crowded(let position): try makeDurable(through: position)
      case .lacking(let need): try prepareSegment(need: need)
      }
    }
  }
}
