internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// Latches: short, held by threads and never across a wait for a lock, a frame, the log or user
/// code. Order: parent before child, left before right (PG2).
// SAFETY: word pointers come from the table and frame numbers from the pool; both live as long as
// the pager.
extension Pager {
  typealias State = UnsafeMutablePointer<Atomic<UInt64>>

  /// How often an upgrade looks again while others share the page.
  private static let upgradeAttempts = 64

  /// The exclusive latch on a page read optimistically, if it is still as it was read; nil
  /// otherwise, and when others share it for long: restart.
  ///
  /// May be called with latches held. Hold no shared latch on the same page.
  package func upgrade(_ page: OptimisticPage) -> ExclusivePage? {
    for attempt in 0..<Self.upgradeAttempts {
      let word = PageWord(unsafe page.state.pointee.load(ordering: .relaxed))
      guard word.agrees(with: page.word) else { return nil }
      if word.sharedCount == 0, let page = unsafe latch(page.id, page.state, word) { return page }
      effects.waits.yield(attempt: attempt)
    }
    return nil
  }

  /// The exclusive latch on a page, waiting for whoever has it and reading it in when needed: hold
  /// no latch.
  package func exclusive(_ id: PageID) throws(PagingError) -> ExclusivePage {
    let state = unsafe try makeState(id)
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      if !word.isResident && !word.isExclusive {
        unsafe try fault(id, state, word)
        continue
      }
      if !word.isExclusive, word.sharedCount == 0, let page = unsafe latch(id, state, word) {
        return page
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  /// The exclusive latch on a page in memory, spinning for a short holder but never for I/O; nil
  /// when it is not in memory: let everything go, look it up with `optimistic`, restart.
  package func exclusiveIfResident(_ id: PageID) -> ExclusivePage? {
    guard let state = unsafe table.word(id.rawValue) else { return nil }
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      guard word.isResident else { return nil }
      if !word.isExclusive, word.sharedCount == 0, let page = unsafe latch(id, state, word) {
        return page
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  private func latch(_ id: PageID, _ state: State, _ word: PageWord) -> ExclusivePage? {
    let latched = word.latched
    guard unsafe exchange(state, word, latched) else { return nil }
    return unsafe ExclusivePage(
      id: id, bytes: frameBytes(latched.frame), word: latched, state: state)
  }

  /// Sets the exclusive bit. The fence keeps the holder's stores behind it for readers that
  /// validate (Boehm 2012).
  func exchange(_ state: State, _ word: PageWord, _ latched: PageWord) -> Bool {
    let isDone = unsafe state.pointee.compareExchange(
      expected: word.rawValue, desired: latched.rawValue, ordering: .acquiringAndReleasing
    ).exchanged
    if isDone { atomicMemoryFence(ordering: .releasing) }
    return isDone
  }

  /// A shared latch, waiting for whoever changes the page and reading it in when needed: hold no
  /// latch.
  package func shared(_ id: PageID) throws(PagingError) -> SharedPage {
    let (state, word) = unsafe try latchShared(id)
    return unsafe SharedPage(id: id, bytes: frameBytes(word.frame).view, state: state)
  }

  private func latchShared(_ id: PageID) throws(PagingError) -> (State, PageWord) {
    let state = unsafe try makeState(id)
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      if word.isReadable, word.sharedCount < PageWord.maximumSharedCount {
        let shared = word.warmed.sharedOnce
        let isDone = unsafe state.pointee.compareExchange(
          expected: word.rawValue, desired: shared.rawValue, ordering: .acquiring
        ).exchanged
        if isDone { return unsafe (state, shared) }
      } else if !word.isResident && !word.isExclusive {
        unsafe try fault(id, state, word)
        continue
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  // MARK: For the writers of runs

  /// A shared latch on a page if it lies in this frame. Keeps it cooling: writing is no use.
  func latchShared(_ id: UInt32, frame: Int, mayWait: Bool) -> Bool {
    guard let state = unsafe table.word(id) else { return false }
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      guard word.isResident, word.frame == frame else { return false }
      if !word.isExclusive, word.sharedCount < PageWord.maximumSharedCount {
        let isDone = unsafe state.pointee.compareExchange(
          expected: word.rawValue, desired: word.sharedOnce.rawValue, ordering: .acquiring
        ).exchanged
        if isDone { return true }
      } else if !mayWait {
        return false
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func unlatchShared(_ id: UInt32) {
    guard let state = unsafe table.word(id) else { return }
    _ = unsafe state.pointee.wrappingSubtract(1, ordering: .releasing)
  }

  // MARK: Pins

  /// Keeps an immutable page in memory while user code looks at it. Hold no latch.
  package func pin(_ id: PageID) throws(PagingError) -> PinnedPage {
    let (_, word) = unsafe try latchShared(id)
    frames.pin(word.frame)
    unlatchShared(id.rawValue)
    return PinnedPage(
      id: id, bytes: frameBytes(word.frame).view, frame: word.frame, pager: self)
  }
}
