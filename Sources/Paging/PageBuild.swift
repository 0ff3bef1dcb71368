internal import Environment
package import Primitives
package import RawBytes
internal import Synchronization

/// Pages made beside the committed state, many at a time and past the cache.
///
/// Filling frames one by one costs a page that nobody reads soon a frame, a latch, a word and the
/// eviction of somebody else's page. Here pages are filled side by side in private memory, and
/// threads of the build encode and write them in runs of about a megabyte, while the next run is
/// being filled. What is written is in the page map and volatile: no checkpoint has it, so a crash
/// leaves nothing of it (PL3), and a page read before its publication comes from the file like any.
///
/// ```text
///  addPage ──► run being filled ──full──► ready ──► writer: encode, space, write, enter in the map
///                     ▲                                          │
///                     └──────────────── idle ◄───────────────────┘
/// ```
///
/// One thread owns a build. It ends it with `finish` and `publish`, or with `abandon`.
///
/// - Invariant PB1: until `publish` every page of the build is volatile.
/// - Invariant PB2: after `abandon` no page id and no place of the build is in use.
/// - Invariant PB3: memory is bounded: `runCount` runs, and one buffer for each writer and
///   the owner.
// SENDABLE: the owner's state is used by one thread at a time; what threads share is in `queue`.
package final class PageBuild: @unchecked Sendable {
  private let pager: Pager
  private let queue: BuildQueue
  /// The run being filled; nil when there is none.
  private var current: BuildRun?
  /// Every page id that the build was given and has not returned.
  private var ids: [UInt32] = []
  private var threads: [any BackgroundThread] = []
  /// For runs that the owner writes itself.
  private lazy var buffer = pager.makeRunBuffer()

  /// Runs in memory: one is filled, two are written, and two wait, so that nobody does.
  private static let runCount = 5
  /// Compression takes longer than packing, and a device likes to have the next write at hand.
  private static let writerCount = 2

  package init(pager: Pager) {
    self.pager = pager
    queue = BuildQueue(waits: pager.effects.waits, limit: Self.runCount)
  }

  deinit { precondition(threads.isEmpty, "a page build was neither finished nor abandoned") }

  package var pageSize: Int { pager.pageSize }

  /// Pages added so far, those being filled included.
  package var pageCount: Int { ids.count - (current?.remainingCount ?? 0) }

  // MARK: Filling

  /// A new page, to be filled before the next call: its id stands in its bytes, all others are
  /// anything.
  ///
  /// - Throws: what ended a writer, or `.pageIDsExhausted`. Only `abandon` is left then.
  package func addPage() throws(PagingError) -> (id: PageID, bytes: MutableByteView) {
    if let run = current, run.isFull { try submit(run) }
    if let run = current { return run.addPage() }
    return try beginRun().addPage()
  }

  private func beginRun() throws(PagingError) -> BuildRun {
    let run = try takeEmptyRun()
    let ids = try pager.takeVolatileIDs(run.pageLimit)
    self.ids += ids
    run.begin(ids)
    current = run
    return run
  }

  private func takeEmptyRun() throws(PagingError) -> BuildRun {
    while true {
      switch try queue.takeTurn() {
      case .fill(let run): return run
      case .make: return BuildRun(pageSize: pager.pageSize, byteCount: RunBuffer.byteCount)
      case .write(let run): write(run, buffer)
      }
    }
  }

  private func submit(_ run: BuildRun) throws(PagingError) {
    current = nil
    startWriters()
    try queue.submit(run)
  }

  private func startWriters() {
    guard threads.isEmpty else { return }
    for number in 0..<Self.writerCount {
      threads.append(
        pager.effects.background.start("martlet build \(number)") { [queue, pager] in
          let buffer = pager.makeRunBuffer()
          while let run = queue.takeReady() { queue.write(run, buffer, pager) }
        })
    }
  }

  private func write(_ run: BuildRun, _ buffer: RunBuffer) { queue.write(run, buffer, pager) }

  /// Writes what is not written yet and waits until all of it is. Pages may be added afterwards.
  ///
  /// - Throws: what ended a writer; only `abandon` is left then.
  package func flush() throws(PagingError) {
    if let run = current {
      let unused = run.remainingCount
      for id in ids.suffix(unused) { pager.free(PageID(id)) }
      ids.removeLast(unused)
      current = nil
      // A build of one run needs no writers.
      try queue.submit(run)
    }
    while let run = try queue.takeLeft() { write(run, buffer) }
  }

  // MARK: The end

  /// Takes pages out of the build and frees them; they are flushed.
  package func discard(_ discarded: Set<PageID>) {
    guard !discarded.isEmpty else { return }
    ids.removeAll { discarded.contains(PageID($0)) }
    for id in discarded { pager.free(id) }
  }

  /// Ends the writers of a build that was flushed.
  package func finish() { endWriters(isAbandoned: false) }

  private func endWriters(isAbandoned: Bool) {
    queue.close(isAbandoned: isAbandoned)
    for thread in threads { thread.join() }
    threads.removeAll()
  }

  /// Checkpoints have the pages from now on. The caller keeps captures away until something in
  /// them refers to the pages.
  package func publish() { setVolatile(false) }

  /// Undoes `publish`: the pages must be freed next.
  package func retire() { setVolatile(true) }

  private func setVolatile(_ isVolatile: Bool) {
    // In steps: commits allocate pages under the same mutex.
    var start = 0
    while start < ids.count {
      let end = min(start + 256, ids.count)
      pager.setVolatile(ids[start..<end], isVolatile)
      start = end
    }
  }

  /// Ends the build and frees all its pages. Hold no latch.
  package func abandon() {
    endWriters(isAbandoned: true)
    current = nil
    for id in ids { pager.free(PageID(id)) }
    ids.removeAll()
  }
}

/// Pages side by side, filled by the owner of a build and written by one of its threads.
// SENDABLE: one thread at a time has a run (BQ1).
final class BuildRun: @unchecked Sendable {
  var memory: AlignedMemory
  private let pageSize: Int
  private(set) var ids: [UInt32] = []
  private(set) var pageCount = 0

  let pageLimit: Int

  init(pageSize: Int, byteCount: Int) {
    memory = AlignedMemory(byteCount: byteCount)
    self.pageSize = pageSize
    pageLimit = byteCount / pageSize
  }

  var isFull: Bool { pageCount == pageLimit }
  var remainingCount: Int { ids.count - pageCount }
  var byteCount: Int { pageCount * pageSize }

  func begin(_ ids: [UInt32]) {
    self.ids = ids
    pageCount = 0
  }

  func addPage() -> (id: PageID, bytes: MutableByteView) {
    let id = ids[pageCount]
    let bytes = memory.bytes[pageCount * pageSize..<(pageCount + 1) * pageSize]
    bytes.store(id, at: PageImage.pageIDOffset)
    pageCount += 1
    return (PageID(id), bytes)
  }
}

extension BuildQueue {
  /// Writes a run, unless that is of no use any more, and gives it back.
  fileprivate func write(_ run: BuildRun, _ buffer: RunBuffer, _ pager: Pager) {
    var failure: PagingError?
    if !isGivenUp {
      do throws(PagingError) { try pager.write(run, buffer) } catch { failure = error }
    }
    giveBack(run, failure)
  }
}

extension Pager {
  /// Fresh ids of volatile pages.
  fileprivate func takeVolatileIDs(_ count: Int) throws(PagingError) -> [UInt32] {
    let ids = ledger.withLock { ledger -> [UInt32]? in
      guard ledger.canTakeIDs else { return nil }
      return (0..<count).map { _ in ledger.takeID(volatile: true) }
    }
    guard let ids else { throw .pageIDsExhausted }
    return ids
  }

  fileprivate func setVolatile(_ ids: ArraySlice<UInt32>, _ isVolatile: Bool) {
    ledger.withLock { ledger in
      for id in ids { ledger.setVolatile(id, isVolatile) }
    }
  }

  fileprivate func makeRunBuffer() -> RunBuffer {
    RunBuffer(pageSize: pageSize, compression: configuration.compression)
  }

  /// Encodes and writes the pages of a run. Compression runs beside other writers; the file has
  /// one at a time (RW1).
  fileprivate func write(_ run: BuildRun, _ buffer: RunBuffer) throws(PagingError) {
    buffer.takePages(of: run)
    defer { buffer.removeAll() }
    counters.builtPages.add(run.pageCount)
    counters.builtBytes.add(run.byteCount)
    defer { counters.builtBytes.subtract(run.byteCount) }
    try reserveSpace(0)
    writeTurn.take()
    defer { writeTurn.pass() }
    defer { settle(buffer) }
    try write(buffer)
  }
}
