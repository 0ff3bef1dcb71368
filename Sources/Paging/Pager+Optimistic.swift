internal import Environment
public import Primitives
public import RawBytes
public import Synchronization

extension Pager {
  // SAFETY: a chunk address, once stored, stays good (PT1), and the low half of an id is inside
  // its chunk.
  @inlinable
  func word(of id: PageID) -> UnsafeMutablePointer<Atomic<UInt64>>? {
    let chunk = unsafe directory[Int(truncatingIfNeeded: id.rawValue &>> 16)]
      .load(ordering: .acquiring)
    guard let words = unsafe UnsafeMutablePointer<Atomic<UInt64>>(bitPattern: chunk) else {
      return nil
    }
    return unsafe words + Int(truncatingIfNeeded: id.rawValue & 0xFFFF)
  }

  // SAFETY: the frame numbers in words come from the pool.
  @inlinable
  func frameBytes(_ frame: Int) -> MutableByteView {
    unsafe MutableByteView(base: frameBase + frame &<< pageShift, count: pageSize)
  }

  /// A page as it is now, read in when it is not in memory. Takes no latch: nothing read from it
  /// is true before `isValid` said so.
  ///
  /// Hold no latch: it may wait for a frame, for the file, or for an exclusive latch. An id that
  /// was itself read optimistically may be stale; an error says nothing before the page that the id
  /// came from was validated.
  ///
  /// - Throws: `.corrupt` when the page has no image or a wrong one; `.file`, `.diskFull` and
  ///   `.cacheExhausted` when it cannot be read now. Nothing is changed.
  @inlinable
  package func optimistic(_ id: PageID) throws(PagingError) -> OptimisticPage {
    if let state = unsafe word(of: id) {
      let word = PageWord(unsafe state.pointee.load(ordering: .acquiring))
      if word.isHot {
        return unsafe OptimisticPage(
          id: id, word: word, bytes: frameBytes(word.frame).view, state: state)
      }
    }
    return try optimisticSlowly(id)
  }

  /// Whether every page is in memory, as far as that shows: none has left it, and as many were read
  /// as there were when the file was opened.
  package var seemsWhollyResident: Bool {
    counters.evictions.value == 0 && counters.pageReads.value >= pageCountAtOpening
  }

  /// The same without any wait: nil when the page is not in memory or somebody changes it.
  @inlinable
  package func optimisticIfResident(_ id: PageID) -> OptimisticPage? {
    guard let state = unsafe word(of: id) else { return nil }
    let word = PageWord(unsafe state.pointee.load(ordering: .acquiring))
    guard word.isReadable else { return nil }
    return unsafe OptimisticPage(
      id: id, word: word, bytes: frameBytes(word.frame).view, state: state)
  }

  /// Whether what was read from the page since it was looked up is true: nobody changed or moved
  /// it in between.
  @inlinable
  package func isValid(_ page: OptimisticPage) -> Bool {
    atomicMemoryFence(ordering: .acquiring)
    let now = PageWord(unsafe page.state.pointee.load(ordering: .relaxed))
    return now.agrees(with: page.word)
  }

  @inline(never)
  @usableFromInline
  func optimisticSlowly(_ id: PageID) throws(PagingError) -> OptimisticPage {
    let state = unsafe try makeState(id)
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .acquiring))
      if word.isReadable {
        if word.isCooling { unsafe warm(state, word) }
        return unsafe OptimisticPage(
          id: id, word: word, bytes: frameBytes(word.frame).view, state: state)
      }
      if word.isExclusive {
        effects.waits.yield(attempt: attempt)
        attempt += 1
      } else {
        unsafe try fault(id, state, word)
      }
    }
  }

  /// A second chance for a page that the clock had marked.
  func warm(_ state: UnsafeMutablePointer<Atomic<UInt64>>, _ word: PageWord) {
    _ = unsafe state.pointee.compareExchange(
      expected: word.rawValue, desired: word.warmed.rawValue, ordering: .relaxed)
  }
}
