internal import Primitives

// Space for batches, ahead of the appends: see invariant T2.
extension LogTail {
  /// What came of asking for space.
  enum Reservation {
    case reserved
    /// Too much is appended and not flushed: flush up to here first.
    case crowded(LogPosition)
    /// A segment of so many bytes must be prepared first.
    case lacking(need: Int)
  }

  /// What must fit into one segment: everything that is not in flight.
  private var outstandingByteCount: Int {
    reservedByteCount + (active.isEmpty ? 0 : active.storedByteCount)
  }

  private var roomInNewest: Int { (live.last?.segment.byteCount ?? 0) - offset }

  /// Asks for the space of a batch of so many bytes. `isUrgent`: the headroom may be used.
  mutating func reserve(_ cost: Int, isUrgent: Bool = false) -> Reservation {
    if !isUrgent, !active.isEmpty, active.count > configuration.unflushedByteLimit {
      return .crowded(endPosition)
    }
    let need = outstandingByteCount + cost
    guard
      need <= roomInNewest - (isUrgent ? 0 : LogSegment.headroom)
        || prepared.contains(where: { need <= $0.capacity })
    else { return .lacking(need: need) }
    reservedByteCount += cost
    return .reserved
  }

  mutating func release(_ cost: Int) {
    precondition(reservedByteCount >= cost, "an append or a cancellation without a reservation")
    reservedByteCount -= cost
  }

  /// Whether the background should prepare a segment: the newest is half full, and none is ready.
  var runsLow: Bool {
    guard prepared.isEmpty, !isPreparing, !wantsSegment, !isPreparingAheadSuspended,
      let newest = live.last
    else { return false }
    return offset + outstandingByteCount > newest.segment.byteCount / 2
  }

  /// The size of the segment to prepare next.
  func sizeOfNextSegment(need: Int) -> Int {
    let schedule = SegmentSchedule(
      first: configuration.firstSegmentByteCount, largest: configuration.largestSegmentByteCount)
    let previous = prepared.last ?? live.last?.segment
    return schedule.byteCount(
      after: previous?.byteCount,
      atLeast: need + SegmentHeader.blockByteCount + LogSegment.headroom)
  }

  /// The segment and offset for the batch about to be written; changes segments where it must.
  mutating func place(_ byteCount: Int, isUrgent: Bool) -> (segment: LogSegment, offset: Int) {
    let headroom = isUrgent ? 0 : LogSegment.headroom
    if byteCount > roomInNewest - headroom {
      guard let index = prepared.firstIndex(where: { byteCount <= $0.capacity }) else {
        preconditionFailure("a batch of \(byteCount) bytes that nobody reserved (T2)")
      }
      retired.append(contentsOf: prepared[..<index])
      live.append(LiveSegment(segment: prepared[index], start: activePosition.rawValue))
      prepared.removeSubrange(...index)
      offset = SegmentHeader.blockByteCount
    }
    guard let newest = live.last else { preconditionFailure("a log without segments") }
    defer { offset += byteCount }
    return (newest.segment, offset)
  }

  /// Segments whose content no recovery needs from now on are kept for followers, as far as there
  /// is room for them, and then go to the retired ones, the oldest first: those followed by one that
  /// begins at or before the position where a replay would begin.
  mutating func retire(before position: LogPosition) {
    while live.count > 1, live[1].start <= position.rawValue { kept.append(live.removeFirst()) }
    while keptByteCount > configuration.retainedByteCount {
      retired.append(kept.removeFirst().segment)
    }
  }

  /// Bytes of the files that are kept for followers only.
  var keptByteCount: Int { kept.reduce(0) { $0 + $1.segment.byteCount } }
}
