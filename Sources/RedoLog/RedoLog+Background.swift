internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

// The thread of the log's own: it flushes what nobody waits for, and makes segments before they
// are needed. It sleeps without a deadline while there is nothing to do, and never spins.
extension RedoLog {
  /// How long a relaxed commit waits for its flush: nanoseconds.
  static let backgroundInterval: UInt64 = 5_000_000

  /// Sees to it that everything appended so far is flushed within a few milliseconds. Call it
  /// after appending what nobody will wait for. Costs a load while the thread is awake.
  package func flushInBackground() {
    if marks.isBackgroundAwake.load(ordering: .relaxed) { return }
    wakeBackground()
  }

  @inline(never)
  private func wakeBackground() {
    let ticket = tail.withLock { tail in
      marks.isBackgroundAwake.store(true, ordering: .relaxed)
      return tail.backgroundTicket.take()
    }
    if let ticket { effects.waits.wake(ticket) }
  }

  /// Waits for the background's work on files, and lets none begin until `release`. Everything is
  /// durable and nothing is appended meanwhile.
  package func hold() {
    tail.withLock { $0.isHeld = true }
    var attempt = 0
    while tail.withLock({ $0.isPreparing || $0.isFlying }) {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  package func release() {
    tail.withLock { $0.isHeld = false }
    wakeBackground()
  }

  /// The file that the next batch is written to, and where.
  package var tailPlace: (name: String, offset: UInt64) {
    tail.withLock { tail in
      (tail.live.last?.segment.file.path ?? "", UInt64(tail.offset))
    }
  }

  private enum BackgroundTurn { case end, prepare, rest, nap }

  func runBackground() {
    while true {
      let ticket = effects.waits.makeTicket()
      let turn = tail.withLock { tail -> BackgroundTurn in
        if tail.isClosing || tail.failure != nil { return .end }
        if tail.wantsSegment, !tail.isPreparing, !tail.isHeld { return .prepare }
        tail.backgroundTicket = ticket
        if !tail.active.isEmpty, marks.isBackgroundAwake.load(ordering: .relaxed) { return .nap }
        marks.isBackgroundAwake.store(false, ordering: .relaxed)
        return .rest
      }
      switch turn {
      case .end: return
      case .prepare: prepareAhead()
      case .rest: _ = effects.waits.park(ticket, until: nil)
      case .nap:
        let deadline = effects.time.monotonic() + Self.backgroundInterval
        _ = effects.waits.park(ticket, until: deadline)
        let position = tail.withLock { tail in
          tail.backgroundTicket = nil
          return tail.endPosition
        }
        // A failure poisons the log and so ends the loop.
        try? makeDurable(through: position)
      }
    }
  }

  /// Flushes what nobody waits for between the steps of a longer work of this thread.
  private func flushMeanwhile() {
    guard marks.isBackgroundAwake.load(ordering: .relaxed) else { return }
    let position = tail.withLock { $0.active.isEmpty ? nil : $0.endPosition }
    // A failure poisons the log: whoever comes next finds out.
    if let position { try? makeDurable(through: position) }
  }

  /// Makes the next segment. A failure costs nothing yet: `reserve` tries again when it must.
  private func prepareAhead() {
    do {
      try prepareSegment(need: 0, mayWait: false, between: flushMeanwhile)
    } catch {
      tail.withLock { tail in
        tail.wantsSegment = false
        tail.isPreparingAheadSuspended = true
      }
      report(.warning, "no log segment could be prepared ahead: \(error)")
    }
  }
}
