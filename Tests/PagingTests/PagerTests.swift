import Environment
import Paging
import Primitives
import RawBytes
import SystemEnvironment
import Testing

@Suite struct `The pager` {
  @Test func `makes pages of zeros that carry their id`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    var reservation = try pager.reserve(frames: 2)
    #expect(reservation.count == 2)
    let first = pager.allocate(from: &reservation)
    let second = pager.allocate(from: &reservation)
    let (ids, bytes, left) = ([first.id, second.id], first.bytes, reservation.count)
    #expect(ids == [PageID(1), PageID(2)] && left == 0)
    #expect(bytes.load(UInt32.self, at: 4) == 1)
    #expect((0..<4096).allSatisfy { (4..<8).contains($0) || bytes[$0] == 0 })
    #expect(pager.dirtyByteCount == 2 * 4096)
  }

  @Test func `gives unused frames of a reservation back`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let before = pager.statistics.freeFrameCount
    do {
      let reservation = try pager.reserve(frames: 10)
      let count = reservation.count
      #expect(count == 10 && pager.statistics.freeFrameCount == before - 10)
    }
    #expect(pager.statistics.freeFrameCount == before)
  }

  @Test func `invalidates an optimistic read by every exclusive latch`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let id = try pager.make(1)
    let page = try pager.optimistic(id)
    #expect(pager.isValid(page))
    do {
      let shared = try pager.shared(id)
      let value = shared.bytes.load(UInt64.self, at: 8)
      #expect(value == 1)
      #expect(pager.isValid(page))
    }
    do {
      let exclusive = try pager.exclusive(id)
      #expect(!pager.isValid(page))
      let latched = exclusive.id
      #expect(pager.optimisticIfResident(latched) == nil)
      if pager.upgrade(page) != nil { Issue.record("upgraded under a latch") }
    }
    #expect(!pager.isValid(page))
    let again = try pager.optimistic(id)
    guard let upgraded = pager.upgrade(again) else {
      Issue.record("no upgrade of a page that did not change")
      return
    }
    let upgradedID = upgraded.id
    #expect(!pager.isValid(again) && upgradedID == id)
  }

  @Test func `does not upgrade a page that others share`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let id = try pager.make(1)
    let page = try pager.optimistic(id)
    let shared = try pager.shared(id)
    if pager.upgrade(page) != nil { Issue.record("upgraded under a sharer") }
    let sharedID = shared.id
    #expect(sharedID == id)
  }

  @Test func `keeps far more pages than it has frames`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let ids = try (0..<1_000).map { try pager.make(UInt64($0)) }
    for round in 0..<2 {
      for (index, id) in ids.enumerated() {
        #expect(try pager.value(id) == UInt64(index + round * 5_000))
        try pager.set(id, to: UInt64(index + (round + 1) * 5_000))
      }
    }
    let statistics = pager.statistics
    #expect(statistics.dirtyEvictions > 900 && statistics.pageReads > 900)
    #expect(statistics.frameCount == 64)
    #expect(try pager.findings().isEmpty)
  }

  @Test func `evicts clean pages without writing`() throws {
    let pager = try Pages.create(.memory())
    let ids = try (0..<300).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    pager.close()
    let writes = pager.statistics.pageWrites
    for _ in 0..<3 {
      for (index, id) in ids.enumerated() { #expect(try pager.value(id) == UInt64(index)) }
    }
    #expect(pager.statistics.pageWrites == writes)
    #expect(pager.statistics.evictions > 600)
  }

  @Test func `keeps a page in memory that is used between the rounds of the clock`() throws {
    let pager = try Pages.create(.memory())
    let ids = try (0..<400).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    // Without the background writer the clock moves only with this thread.
    pager.close()
    let hot = ids[0]
    _ = try pager.value(hot)
    let page = try pager.optimistic(hot)
    for id in ids[1...] {
      _ = try pager.value(id)
      _ = try pager.value(hot)
    }
    #expect(pager.isValid(page), "a page in steady use was evicted")
  }

  @Test func `says that a page without an image is corrupt`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    for id in [PageID(0), PageID(77), PageID(1 << 20), PageID(UInt32.max)] {
      #expect(throws: PagingError.self) { try pager.optimistic(id) }
      #expect(pager.optimisticIfResident(id) == nil)
    }
    if pager.exclusiveIfResident(PageID(77)) != nil { Issue.record("latched nothing") }
  }

  @Test func `reuses the id of a freed page, and its version rises on`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let id = try pager.make(1)
    let page = try pager.optimistic(id)
    try pager.delete(id)
    #expect(!pager.isValid(page))
    #expect(throws: PagingError.self) { try pager.optimistic(id) }
    #expect(try pager.make(2) == id)
    #expect(!pager.isValid(page))
    #expect(try pager.optimistic(id).word.version > page.word.version)
    #expect(pager.dirtyByteCount == 4096)
  }

  @Test func `frees a page without reading it`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let ids = try (0..<300).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    let reads = pager.statistics.pageReads
    for id in ids { pager.free(id) }
    #expect(pager.statistics.pageReads == reads)
    #expect(Array(pager.mappedPages).isEmpty && pager.statistics.mappedPageCount == 0)
    #expect(pager.dirtyByteCount == 0)
    try pager.checkpoint()
    try pager.checkpoint()
    #expect(pager.statistics.usedByteCount <= 6 * 4096)
  }

  @Test func `keeps a pinned page where it is, and frees it with the last pin`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let id = try pager.make(3)
    do {
      let pin = try pager.pin(id)
      for value in 0..<300 { _ = try pager.make(UInt64(value)) }
      let second = try pager.pin(id)
      try pager.delete(id)
      let values = [Pager.value(pin.bytes), Pager.value(second.bytes)]
      #expect(values == [3, 3])
      #expect(try pager.make(9) != id)
      #expect(!pager.mappedPages.contains(id))
    }
    #expect(throws: PagingError.self) { try pager.optimistic(id) }
    #expect(try pager.make(9) == id)
  }

  @Test func `lists the pages of the committed state`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    var expected: [PageID] = []
    for number in 0..<700 {
      let id = try pager.make(UInt64(number), volatile: number % 7 == 0)
      if number % 7 != 0 { expected.append(id) }
    }
    #expect(Array(pager.mappedPages) == expected)
    #expect(pager.statistics.volatilePageCount == 100)
  }

  @Test func `reads on after poisoning and makes nothing durable`() throws {
    let pager = try Pages.create(.memory())
    defer { pager.close() }
    let ids = try (0..<200).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    pager.poison()
    #expect(pager.isPoisoned)
    for (index, id) in ids.enumerated() { #expect(try pager.value(id) == UInt64(index)) }
    #expect(throws: PagingError.poisoned) { try pager.checkpoint() }
    #expect(throws: PagingError.poisoned) { try pager.reserveSpace(1) }
    #expect(pager.durableGeneration == Generation(2))
  }
}
