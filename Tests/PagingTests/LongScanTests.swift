import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Synchronization
import SystemEnvironment
import Testing

/// Long scans of more pages than there are frames.
@Suite struct `A long scan` {
  /// A pager with some clean pages; its background does nothing more.
  private func prepare(
    _ effects: Effects, pages: Int = 400, usesSystemCache: Bool = true
  ) throws -> (Pager, [PageID]) {
    var configuration = Pages.small()
    configuration.usesSystemCache = usesSystemCache
    let pager = try Pages.create(effects, configuration)
    let ids = try (0..<pages).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    pager.close()
    return (pager, ids)
  }

  private func scan(
    _ pager: Pager, _ ids: some Collection<PageID>, _ window: inout ScanWindow
  ) throws(PagingError) {
    for id in ids {
      let isCold = try pager.enter(id, &window)
      _ = try pager.value(id)
      if isCold { pager.cool(id) }
    }
  }

  /// How many of the pages had to be read in.
  private func misses(_ pager: Pager, _ ids: some Collection<PageID>) throws(PagingError) -> Int {
    let before = pager.statistics.pageReads
    for id in ids { _ = try pager.value(id) }
    return pager.statistics.pageReads - before
  }

  @Test func `leaves the pages of others in memory, which plain reads put out`() throws {
    let (pager, ids) = try prepare(.memory())
    let hot = ids.prefix(30)
    for _ in 0..<3 { _ = try misses(pager, hot) }
    var window = ScanWindow()
    for _ in 0..<3 { try scan(pager, ids.dropFirst(30), &window) }
    #expect(try misses(pager, hot) == 0)
    for id in ids.dropFirst(30) { _ = try pager.value(id) }
    #expect(try misses(pager, hot) > 20)
  }

  @Test func `leaves a page that it read in and that somebody else uses`() throws {
    let (pager, ids) = try prepare(.memory())
    var window = ScanWindow()
    try scan(pager, ids.prefix(200), &window)
    let page = ids[200]
    try scan(pager, [page], &window)
    #expect(try pager.value(page) == 200)
    try scan(pager, ids.suffix(150), &window)
    #expect(try misses(pager, [page]) == 0)
  }

  @Test func `fills a cache that has room`() throws {
    let effects = Effects.memory()
    let (first, ids) = try prepare(effects)
    first.close()
    let (pager, _) = try Pages.open(effects, Pages.small(frames: 256))
    pager.close()
    var window = ScanWindow()
    try scan(pager, ids.prefix(150), &window)
    #expect(try misses(pager, ids.prefix(150)) == 0)
  }

  @Test func `reads ahead what is not in memory, and nothing else`() throws {
    let (pager, ids) = try prepare(.memory())
    _ = try misses(pager, ids.suffix(20))
    #expect(pager.readAhead(ids.suffix(20)) == 0)
    let absent = ids.filter { pager.optimisticIfResident($0) == nil }
    #expect(pager.readAhead(absent[0..<50]) == 50)
    #expect(pager.statistics.readAheads == 50)
    #expect(pager.readAhead([PageID(4_000_000)]) == 1)
    #expect(pager.statistics.readAheads == 50)
  }

  @Test func `leaves a page that is not there for the read to find`() throws {
    let (pager, ids) = try prepare(.memory())
    var window = ScanWindow()
    #expect(try !pager.enter(PageID(4_000_000), &window))
    try pager.delete(ids[7])
    #expect(try !pager.enter(ids[7], &window))
    #expect(window.count == 0)
    #expect(throws: PagingError.self) { try pager.value(ids[7]) }
  }

  @Test(arguments: [true, false])
  func `past the system's cache or not, the same pages`(_ usesSystemCache: Bool) throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let (pager, ids) = try prepare(effects, usesSystemCache: usesSystemCache)
      for (index, id) in ids.enumerated() { #expect(try pager.value(id) == UInt64(index)) }
      #expect(try pager.findings().isEmpty)
    }
  }

  /// Scans, reads, changes and checkpoints on 64 frames, on real threads.
  @Test func `among writers and readers sees whole pages`() throws {
    let seed = Seed.take(for: #function)
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let ids = try (0..<300).map { try pager.make(UInt64($0)) }
    let failures = Mutex<[String]>([])
    let effects = Effects.memory()
    let threads = (0..<4).map { number in
      effects.background.start("scan \(number)") {
        var random = SeededGenerator(seed: seed &+ UInt64(number))
        var window = ScanWindow()
        do throws(PagingError) {
          for _ in 0..<40 {
            let start = random.below(ids.count - 60)
            _ = pager.readAhead(ids[start..<start + 20])
            for id in ids[start..<start + 60] {
              if number == 0 {
                try pager.set(id, to: random.next() >> 1)
              } else {
                let isCold = try pager.enter(id, &window)
                let shared = try pager.shared(id)
                if Pager.value(shared.bytes) == nil { failures.withLock { $0.append("torn") } }
                if isCold { pager.cool(id) }
              }
            }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    try pager.checkpoint()
    #expect(failures.withLock { $0 } == [])
    #expect(try pager.findings().isEmpty)
  }
}
