internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// New pages and pages that are no more.
extension Pager {
  /// Sets frames aside for `allocate`, so that nobody waits for a frame under a latch. Hold no
  /// latch. All or nothing; what is not used returns when the reservation goes.
  ///
  /// - Throws: `.pageIDsExhausted`, and what waiting for a frame throws. Nothing is changed.
  package func reserve(frames count: Int) throws(PagingError) -> FrameReservation {
    guard ledger.withLock({ $0.canTakeIDs }) else { throw .pageIDsExhausted }
    return FrameReservation(chain: count > 0 ? try takeFrames(count) : FrameChain(), pager: self)
  }

  /// A new page: a fresh id, bytes of zeros but for the id at offset 4, dirty, exclusively
  /// latched. Waits for nothing and cannot fail.
  ///
  /// - Parameter volatile: whether checkpoints leave it out until it is published.
  package func allocate(
    from reservation: inout FrameReservation, volatile isVolatile: Bool = false
  ) -> ExclusivePage {
    let frame = Int(reservation.take())
    let (id, now) = ledger.withLock { ledger in
      (ledger.takeID(volatile: isVolatile), epoch.load(ordering: .relaxed))
    }
    let state = unsafe table.makeWord(id)
    let word = unsafe latchAbsent(state).placed(inFrame: frame)
    let bytes = frames.bytes(of: frame)
    bytes.zero(0..<bytes.count)
    bytes.store(id, at: PageImage.pageIDOffset)
    frames.setDirty(now, frame: frame)
    counters.dirtyPages.add(1)
    frames.bind(frame, to: id)
    unsafe state.pointee.store(word.rawValue, ordering: .releasing)
    return unsafe ExclusivePage(id: PageID(id), bytes: bytes, word: word, state: state)
  }

  /// Latches the word of a page that is nowhere. Only a reader with a stale id can be in the way,
  /// and it finds no image.
  private func latchAbsent(_ state: State) -> PageWord {
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      precondition(!word.isResident, "a new page id is in use")
      if !word.isExclusive, unsafe exchange(state, word, word.latched) { return word.latched }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  /// The page is no more; its id may name another page from now on, and its place is free when no
  /// map needs it. A pinned page stays readable through its pins until the last one goes.
  package func free(_ page: consuming ExclusivePage) {
    if frames.mayFree(page.word.frame) {
      release(page)
    } else {
      // No checkpoint from now on includes it, so a crash does not bring it back.
      let id = page.id.rawValue
      ledger.withLock { $0.setVolatile(id, true) }
    }
  }

  /// Frees a page that nobody refers to any more, without reading it in. Hold no latch.
  package func free(_ id: PageID) {
    let state = unsafe table.makeWord(id.rawValue)
    var attempt = 0
    while true {
      if let page = exclusiveIfResident(id) {
        free(page)
        return
      }
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      if !word.isResident, !word.isExclusive, unsafe exchange(state, word, word.latched) {
        let wasThere = ledger.withLock { $0.remove(id.rawValue) }
        unsafe state.pointee.store(word.latched.evicted.rawValue, ordering: .releasing)
        if wasThere { ledger.withLock { $0.giveBackID(id.rawValue) } }
        return
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func unpin(_ id: PageID, frame: Int) {
    guard frames.unpin(frame) else { return }
    guard let page = exclusiveIfResident(id) else {
      preconditionFailure("a pinned page left memory")
    }
    release(page)
  }

  private func release(_ page: consuming ExclusivePage) {
    let id = page.id.rawValue
    let frame = page.word.frame
    let state = unsafe page.state
    let word = page.word
    page.disarm()
    let dirtyEpoch = frames.dirtyEpoch(of: frame)
    let isKept =
      dirtyEpoch != 0
      && saveForCheckpoint(id, frame: frame, dirtyEpoch: dirtyEpoch, mayKeep: true)
    ledger.withLock { _ = $0.remove(id) }
    if dirtyEpoch != 0 { counters.dirtyPages.subtract(1) }
    if !isKept {
      frames.setDirty(0, frame: frame)
      frames.unbind(frame)
    }
    unsafe state.pointee.store(word.evicted.rawValue, ordering: .releasing)
    ledger.withLock { $0.giveBackID(id) }
    if !isKept { frames.giveBack(UInt32(frame), waits: effects.waits) }
  }

  /// Whether checkpoints leave a page out: one that the committed state does not reach, not yet or
  /// no longer. A page that was published and made volatile again must be freed next.
  package func setVolatile(_ id: PageID, _ isVolatile: Bool) {
    ledger.withLock { $0.setVolatile(id.rawValue, isVolatile) }
  }
}
