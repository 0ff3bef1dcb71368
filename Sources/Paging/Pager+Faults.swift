internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// Reading a page into memory.
///
/// - Invariant FA1: a page is read by one thread, which holds its exclusive latch meanwhile;
///   the others wait for that latch.
/// - Invariant FA2: while a page is absent its map entry does not change, so the place that is
///   being read is not given to another image.
extension Pager {
  /// Brings an absent page in, or finds that somebody else did: look again.
  @inline(never)
  func fault(_ id: PageID, _ state: State, _ word: PageWord) throws(PagingError) {
    var chain = try takeFrames(1)
    _ = unsafe try fill(frames.pop(from: &chain)!, id, state, word, asCold: false)
  }

  /// Reads an absent page into a frame, which goes back when somebody else was first or when that
  /// fails.
  ///
  /// - Parameter asCold: whether the eviction clock may take the page when it comes by next.
  /// - Returns: whether the page was read.
  func fill(
    _ frame: UInt32, _ id: PageID, _ state: State, _ word: PageWord, asCold: Bool
  ) throws(PagingError) -> Bool {
    let latched = word.latched
    guard unsafe exchange(state, word, latched) else {
      frames.giveBack(frame, waits: effects.waits)
      return false
    }
    do throws(PagingError) {
      // A scan's image was fetched ahead, by the system.
      let isDirect = !asCold && !configuration.usesSystemCache && !file.isPoisoned
      try load(id, into: Int(frame), isDirect: isDirect)
    } catch {
      unsafe state.pointee.store(latched.evicted.rawValue, ordering: .releasing)
      frames.giveBack(frame, waits: effects.waits)
      throw error
    }
    frames.setDirty(0, frame: Int(frame))
    frames.bind(Int(frame), to: id.rawValue)
    let placed = latched.placed(inFrame: Int(frame)).unlatched
    unsafe state.pointee.store(
      (asCold ? placed.cooled : placed).rawValue, ordering: .releasing)
    return true
  }

  /// The word of a page that must exist. A stale or torn id makes no chunk of words.
  func makeState(_ id: PageID) throws(PagingError) -> State {
    if let state = unsafe table.word(id.rawValue) { return unsafe state }
    guard !ledger.withLock({ $0.entry(of: id.rawValue) }).isAbsent else { throw noImage(id) }
    return unsafe table.makeWord(id.rawValue)
  }

  private func noImage(_ id: PageID) -> PagingError {
    .corrupt(
      CorruptionError(
        location: "page \(id.rawValue)", expected: "an image in the page map", found: "none"))
  }

  private func load(_ id: PageID, into frame: Int, isDirect: Bool) throws(PagingError) {
    let entry = ledger.withLock { $0.entry(of: id.rawValue) }
    guard !entry.isAbsent else { throw noImage(id) }
    if isDirect {
      do throws(PagingError) {
        return try read(entry, of: id, into: frames.bytes(of: frame), isDirect: true)
      } catch {
        // A sync may have failed this moment: then the system knows what was written, and the medium
        // does not. What is damaged for both is damaged.
        guard case .corrupt = error else { throw error }
      }
    }
    try read(entry, of: id, into: frames.bytes(of: frame))
  }

  /// Reads and checks one image.
  func read(
    _ entry: PageMapEntry, of id: PageID, into page: MutableByteView, isDirect: Bool = false
  ) throws(PagingError) {
    counters.pageReads.add(1)
    let place = entry.place
    guard place.byteCount <= pageSize else {
      throw .corrupt(
        PageImage.corruption(id, entry, "at most \(pageSize) bytes", "\(place.byteCount)"))
    }
    let buffer = buffers.borrow()
    defer { buffers.giveBack(buffer) }
    let stored = try file.readImage(
      at: place, into: buffer.bytes, isDirect: isDirect, "page \(id.rawValue)")
    do {
      try PageImage.decode(stored.view, entry: entry, id: id, into: page)
    } catch {
      throw .corrupt(error)
    }
  }

  // MARK: Frames

  /// How long a thread waits before it believes that there is no space, or that the cache is too
  /// small, and how often it looks for itself in between. Nanoseconds.
  private static let sliceOfWait: UInt64 = 20_000_000
  private static let patienceWithFailures: UInt64 = 1_000_000_000
  private static let patience: UInt64 = 30_000_000_000

  /// So many frames at once: free ones, else frames of clean pages that nobody used for a round
  /// of the clock, else whatever the background writer makes clean. Hold no latch.
  func takeFrames(_ count: Int) throws(PagingError) -> FrameChain {
    if let chain = frames.tryTake(count) {
      if frames.wantsTouching { background.signal(.touch, waits: effects.waits) }
      return chain
    }
    return try waitForFrames(count)
  }

  @inline(never)
  private func waitForFrames(_ count: Int) throws(PagingError) -> FrameChain {
    precondition(count <= frames.count / 2, "more frames reserved than half the cache")
    evictClean(atLeast: count)
    let waits = effects.waits
    var ticket = waits.makeTicket()
    switch frames.takeOrQueue(count, ticket: ticket) {
    case .taken(let chain): return chain
    case .queued(let waiter):
      let start = effects.time.monotonic()
      var now = start
      while true {
        background.signal(.evict, waits: waits)
        _ = waits.park(ticket, until: now + Self.sliceOfWait)
        ticket = waits.makeTicket()
        if let chain = frames.granted(waiter, next: ticket) { return chain }
        evictClean(atLeast: count)
        now = effects.time.monotonic()
        guard let error = reasonToGiveUp(after: now - start) else { continue }
        if let chain = frames.withdraw(waiter) { return chain }
        throw error
      }
    }
  }

  private func reasonToGiveUp(after waited: UInt64) -> PagingError? {
    if file.isPoisoned { return .poisoned }
    if waited > Self.patienceWithFailures, let failure = background.failure { return failure }
    return waited > Self.patience ? .cacheExhausted(frames: frames.count) : nil
  }
}
