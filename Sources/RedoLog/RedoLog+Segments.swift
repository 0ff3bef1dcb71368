internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

// Segments come and go here; one thread at a time works on files (`isPreparing`).
extension RedoLog {
  /// The owner's checkpoint is durable: later batches say so, and segments that only recoveries
  /// before `replayFrom` would need are reused or removed. Call it after the superblock is
  /// durable and not before (rule R3).
  ///
  /// - Throws: when a file could not be renamed or removed. The log goes on; what is left of the
  ///   file is cleaned up by the next opening.
  package func checkpointCompleted(
    generation: Generation, replayFrom: LogPosition
  ) throws(LogError) {
    try tail.withLock { (tail) throws(LogError) in
      guard !tail.hasFailed else { throw .poisoned }
      precondition(generation >= tail.generation, "an older checkpoint than before")
      precondition(replayFrom <= tail.landed.recordsEnd, "a checkpoint ahead of the durable log")
      tail.generation = generation
      tail.replayFrom = Swift.max(tail.replayFrom, replayFrom)
      tail.retire(before: replayFrom)
    }
    try disposeOfRetired()
  }

  private enum Work {
    case none
    case wait(WaitTicket)
    case needsTicket
    case make(UInt64, Int)
    case remake(LogSegment, UInt64)
    case remove(LogSegment)
  }

  /// Prepares a segment in which a batch of `need` bytes fits, or waits for another thread that
  /// prepares one. Returns after one such step; the caller looks again.
  ///
  /// - Parameters:
  ///   - mayWait: whether to wait for another thread; else nothing is done while one prepares.
  ///   - between: called between the steps of making a segment, without the mutex.
  func prepareSegment(
    need: Int, mayWait: Bool = true, between: () -> Void = {}
  ) throws(LogError) {
    try perform(mayWait: mayWait, between: between) { tail in
      if tail.prepared.contains(where: { need <= $0.capacity }) { return .none }
      let number = tail.nextSegmentNumber
      let byteCount = tail.sizeOfNextSegment(need: need)
      if tail.readerCount == 0,
        let index = tail.retired.firstIndex(where: { $0.byteCount >= byteCount })
      {
        return .remake(tail.retired.remove(at: index), number)
      }
      return .make(number, byteCount)
    }
  }

  /// Reuses or removes what no recovery needs.
  func disposeOfRetired() throws(LogError) {
    var failure: LogError?
    var isDone = false
    while !isDone {
      do {
        isDone = try !perform { tail in
          guard tail.readerCount == 0, let segment = tail.retired.first else { return .none }
          tail.retired.removeFirst()
          let kept = tail.prepared.reduce(segment.byteCount) { $0 + $1.byteCount }
          return !tail.isClosing && segment.byteCount >= tail.sizeOfNextSegment(need: 0)
            && kept <= tail.configuration.spareByteCount
            ? .remake(segment, tail.nextSegmentNumber) : .remove(segment)
        }
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  // MARK: The end

  /// Removes every segment that no recovery needs, those that were ready for use as well: the next
  /// opening looks through all there are for what may be lost in them (rule W2). Call it after the
  /// closing batch.
  func removeRetired() {
    do {
      tail.withLock { tail in
        tail.retire(before: tail.replayFrom)
        tail.retired.append(contentsOf: tail.prepared)
        tail.prepared.removeAll()
      }
      try disposeOfRetired()
    } catch {
      report(.warning, "log segments that nobody needs could not be removed: \(error)")
    }
  }

  /// Chooses work under the mutex, does it without, and books the result. False: there was none.
  @discardableResult
  private func perform(
    mayWait: Bool = true, between: () -> Void = {}, _ choose: (inout LogTail) -> Work
  ) throws(LogError) -> Bool {
    var spare: WaitTicket?
    while true {
      let work = tail.withLock { tail -> Work in
        if tail.isPreparing {
          guard mayWait else { return .none }
          guard let ticket = spare.take() else { return .needsTicket }
          tail.preparationWaiters.append(ticket)
          return .wait(ticket)
        }
        let work = choose(&tail)
        switch work {
        case .make, .remake: tail.nextSegmentNumber += 1
        case .none, .wait, .needsTicket, .remove: break
        }
        if case .none = work { tail.wantsSegment = false } else { tail.isPreparing = true }
        return work
      }
      switch work {
      case .none: return false
      case .needsTicket: spare = effects.waits.makeTicket()
      case .wait(let ticket):
        _ = effects.waits.park(ticket, until: nil)
        return true
      case .make, .remake, .remove:
        try carryOut(work, between: between)
        return true
      }
    }
  }

  private func carryOut(_ work: Work, between: () -> Void) throws(LogError) {
    var segment: LogSegment?
    var failure: LogError?
    do {
      segment = try fileCall(files.directory) { () throws(FileError) -> LogSegment? in
        switch work {
        case .make(let number, let byteCount):
          return try files.make(number, byteCount: byteCount, between: between)
        case .remake(let old, let number):
          return try files.remake(old, as: number, between: between)
        case .remove(let old): try files.remove(old)
        case .none, .wait, .needsTicket: break
        }
        return nil
      }
    } catch {
      failure = error
    }
    let tickets = tail.withLock { tail in
      tail.isPreparing = false
      if let segment {
        tail.prepared.append(segment)
        tail.wantsSegment = false
        tail.isPreparingAheadSuspended = false
      }
      if failure == nil {
        switch work {
        case .make: tail.statistics.segmentsMade += 1
        case .remake: tail.statistics.segmentsReused += 1
        case .remove: tail.statistics.segmentsRemoved += 1
        case .none, .wait, .needsTicket: break
        }
      }
      defer { tail.preparationWaiters.removeAll() }
      return tail.preparationWaiters
    }
    for ticket in tickets { effects.waits.wake(ticket) }
    if let failure { throw failure }
  }
}
