package import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

extension RedoLog {
  /// Returns when everything up to a position that `append` gave is on the medium, or with
  /// `.barrier` ordered before everything later. Any number of threads may ask at once; one of
  /// them writes for all.
  ///
  /// - Throws: when the flush failed: nothing is acknowledged any more, and the fate of the
  ///   records in it is unknown until the log is opened again (rule F2).
  package func makeDurable(
    through position: LogPosition, _ grade: SyncGrade = .full
  ) throws(LogError) {
    let reached =
      grade == .full
      ? marks.durable.load(ordering: .acquiring) : marks.ordered.load(ordering: .acquiring)
    if reached >= position.rawValue { return }
    precondition(position <= endPosition, "a position that no append gave")
    try settle(grade == .full ? .durable(position) : .ordered(position))
  }

  /// Makes a batch with a fresh ceiling durable, empty if nothing was appended. The ceiling is above
  /// the wall clock, every appended timestamp and `floor`: where the owner's clock stands.
  package func extendCeiling(above floor: Timestamp = .zero) throws(LogError) {
    try reserveBatch(BatchHeader.blockByteCount)
    defer { tail.withLock { $0.release(BatchHeader.blockByteCount) } }
    let number = tail.withLock { tail in
      tail.newestTimestamp = max(tail.newestTimestamp, floor)
      return tail.activeNumber
    }
    try settle(.batch(number))
  }

  /// Writes an empty batch that says something by its flags.
  func writeMarker(_ flags: BatchFlags) throws(LogError) {
    try reserveBatch(BatchHeader.blockByteCount, isUrgent: true)
    defer { tail.withLock { $0.release(BatchHeader.blockByteCount) } }
    let number = tail.withLock { tail in
      tail.activeFlags = flags
      return tail.activeNumber
    }
    try settle(.batch(number))
  }

  private enum Turn: ~Copyable {
    case reached
    case failed(LogError)
    case needsTicket
    case wait(WaitTicket)
    case lead(Flight)
  }

  /// Waits or leads until a goal is reached.
  private func settle(_ goal: FlushGoal) throws(LogError) {
    var spare: WaitTicket?
    var hasWaited = false
    while true {
      let turn = tail.withLock { tail -> Turn in
        if tail.isReached(goal) { return .reached }
        if let failure = tail.failure {
          // Who waited learns what happened; who comes later, that it is over.
          return .failed(hasWaited ? failure : .poisoned)
        }
        guard tail.isFlying else { return .lead(tail.takeFlight(for: goal)) }
        guard let ticket = spare.take() else { return .needsTicket }
        tail.waiters.append(FlushWaiter(goal: goal, ticket: ticket))
        return .wait(ticket)
      }
      switch consume turn {
      case .reached: return
      case .failed(let error): throw error
      case .needsTicket: spare = effects.waits.makeTicket()
      case .wait(let ticket):
        _ = effects.waits.park(ticket, until: nil)
        hasWaited = true
      case .lead(let flight): try lead(flight)
      }
    }
  }

  /// Writes a batch, then lets all know.
  private func lead(_ flight: consuming Flight) throws(LogError) {
    let isDurableAtOnce = flight.segment.file.isDataSynchronous
    do {
      if flight.hasBatch {
        flight.header.ceiling = ceiling(over: flight)
        flight.header.checksum = flight.buffer.seal(flight.header)
        try flight.segment.file.write(flight.buffer.stored, at: UInt64(flight.offset))
      }
      if !isDurableAtOnce { try flight.segment.file.sync(flight.grade) }
    } catch {
      let tickets = tail.withLock { $0.fail(.file(error)) }
      for ticket in tickets { effects.waits.wake(ticket) }
      report(.failure, "a flush of the redo log failed: \(error); open the database again")
      throw .file(error)
    }
    var landing: Flight? = consume flight
    let tickets = tail.withLock { tail in
      guard let landed = landing.take() else { return [WaitTicket]() }
      let tickets = tail.land(landed, synced: !isDurableAtOnce)
      marks.durable.store(tail.landed.recordsEnd.rawValue, ordering: .releasing)
      marks.ordered.store(tail.landed.ordered.rawValue, ordering: .releasing)
      marks.ceiling.store(tail.landed.ceiling.rawValue, ordering: .releasing)
      return tickets
    }
    for ticket in tickets { effects.waits.wake(ticket) }
  }

  /// Above every timestamp used so far, and far enough ahead of the clock that commits need not
  /// wait for a batch of their own. A closing batch promises no more than was used, so that
  /// opening and closing do not carry the clock away.
  private func ceiling(over flight: borrowing Flight) -> Timestamp {
    if flight.header.flags.contains(.closing) { return flight.newestTimestamp }
    let wall = Timestamp(effects.time.wallClock())
    let ahead = Swift.max(flight.newestTimestamp, wall).rawValue
      .addingReportingOverflow(Self.ceilingLead)
    return ahead.overflow ? .max : Timestamp(ahead.partialValue)
  }
}
