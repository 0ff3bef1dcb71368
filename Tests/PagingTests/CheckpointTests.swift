import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import SystemEnvironment
import Testing

@Suite struct `A checkpoint` {
  @Test func `survives closing and opening`() throws {
    let effects = Effects.memory()
    let pager = try Pages.create(effects)
    #expect(pager.durableGeneration == Generation(1))
    let ids = try (0..<500).map { try pager.make(UInt64($0)) }
    let root = [UInt8](repeating: 5, count: 10_000)
    try pager.checkpoint(42, timestamp: 7, root: root)
    pager.close()
    let (again, state) = try Pages.open(effects)
    defer { again.close() }
    #expect(
      state
        == CheckpointState(
          id: Pages.id, generation: Generation(2), timestamp: Timestamp(7), ownerState: [42],
          rootTable: root, pageSize: 4096))
    for (index, id) in ids.enumerated() { #expect(try again.value(id) == UInt64(index)) }
    #expect(Array(again.mappedPages) == ids)
    #expect(try again.findings().isEmpty)
    #expect(again.statistics.dirtyPageCount == 0)
  }

  @Test func `of nothing but its creation opens`() throws {
    let effects = Effects.memory()
    try Pages.create(effects) { _ throws(PagingError) in [] }.close()
    let (pager, state) = try Pages.open(effects)
    pager.close()
    #expect(state.rootTable == [] && state.ownerState == [9] && state.generation == Generation(1))
    #expect(try effects.files.list("/") == ["pages"])
  }

  /// Pages changed, freed and made after the capture, with hand-overs into frames and, when those
  /// are used up, written by the writer itself.
  @Test func `is the state at its capture whatever is written before it is`() throws {
    let effects = Effects.memory()
    let pager = try Pages.create(effects)
    let ids = try (0..<50).map { try pager.make(UInt64($0)) }
    let captured = pager.captureCheckpoint(
      ownerState: [], timestamp: Timestamp(1), rootTable: [1])
    for (index, id) in ids.enumerated() where index % 2 == 0 { try pager.set(id, to: 900) }
    for (index, id) in ids.enumerated() where index % 5 == 1 { try pager.delete(id) }
    for _ in 0..<10 { _ = try pager.make(901) }
    try pager.write(captured)
    let statistics = pager.statistics
    #expect(statistics.handOvers == 30 && statistics.inlineHandOvers == 30 - 64 / 8)
    for (index, id) in ids.enumerated() where index % 2 == 0 && index % 5 != 1 {
      #expect(try pager.value(id) == 900)
    }
    pager.close()
    let (again, _) = try Pages.open(effects)
    defer { again.close() }
    for (index, id) in ids.enumerated() { #expect(try again.value(id) == UInt64(index)) }
    #expect(Array(again.mappedPages) == ids)
    #expect(try again.findings().isEmpty)
  }

  @Test func `leaves volatile pages out, and takes published ones in`() throws {
    let effects = Effects.memory()
    let pager = try Pages.create(effects)
    let kept = try pager.make(1)
    let hidden = try pager.make(2, volatile: true)
    let published = try pager.make(3, volatile: true)
    // Out of memory before they are published: the map must learn of them although no byte changes.
    for value in 0..<200 { try pager.delete(try pager.make(UInt64(value))) }
    for value in 0..<200 { _ = try pager.make(UInt64(value), volatile: true) }
    try pager.checkpoint()
    pager.setVolatile(published, false)
    try pager.checkpoint()
    #expect(try pager.value(hidden) == 2 && pager.value(published) == 3)
    pager.setVolatile(kept, true)
    let captured = pager.captureCheckpoint(ownerState: [], timestamp: .zero, rootTable: [])
    try pager.delete(kept)
    try pager.write(captured)
    pager.close()
    let (again, _) = try Pages.open(effects)
    defer { again.close() }
    #expect(Array(again.mappedPages) == [published])
    #expect(try again.value(published) == 3)
    #expect(throws: PagingError.self) { try again.value(kept) }
    #expect(throws: PagingError.self) { try again.value(hidden) }
  }

  @Test func `that is dropped unwritten leaves the one before in force`() throws {
    let effects = Effects.memory()
    let pager = try Pages.create(effects)
    let id = try pager.make(1)
    try pager.checkpoint()
    try pager.set(id, to: 2)
    do {
      let captured = pager.captureCheckpoint(ownerState: [], timestamp: .zero, rootTable: [])
      try pager.set(id, to: 3)
      let generation = captured.generation
      #expect(generation == Generation(3))
    }
    #expect(pager.durableGeneration == Generation(2))
    #expect(pager.statistics.freeFrameCount == 63)
    #expect(try pager.checkpoint() == Generation(4))
    pager.close()
    let (again, _) = try Pages.open(effects)
    defer { again.close() }
    #expect(try again.value(id) == 3)
  }

  @Test func `gives space back when much was freed`() throws {
    let pager = try Pages.create(.memory(), Pages.small(frames: 4096))
    defer { pager.close() }
    let ids = try (0..<4_000).map { try pager.make(UInt64($0) | 1) }
    try pager.checkpoint()
    let grown = pager.statistics.fileByteCount
    #expect(grown > 4_000 * 4096)
    for id in ids[1000...] { try pager.delete(id) }
    for _ in 0..<3 {
      for id in ids[..<1000] { try pager.set(id, to: 5) }
      try pager.checkpoint()
    }
    #expect(pager.statistics.truncations > 0)
    #expect(pager.statistics.fileByteCount < grown / 3 * 2)
    for id in ids[200..<900] { try pager.delete(id) }
    for _ in 0..<3 {
      try pager.set(ids[0], to: 5)
      try pager.checkpoint()
    }
    #expect(pager.statistics.holePunches > 0)
    for id in ids[..<200] { #expect(try pager.value(id) != 0) }
    #expect(try pager.findings().isEmpty)
  }

  @Test func `writes only the map blocks that changed`() throws {
    let pager = try Pages.create(.memory(), Pages.small(frames: 2048))
    defer { pager.close() }
    let ids = try (0..<1_500).map { try pager.make(UInt64($0)) }
    try pager.checkpoint()
    let disk = pager.statistics.usedByteCount
    try pager.set(ids[700], to: 1)
    let writes = pager.statistics.pageWrites
    try pager.checkpoint()
    #expect(pager.statistics.pageWrites == writes + 1)
    #expect(pager.statistics.usedByteCount - disk <= 2 * 4096)
  }

  /// Random work against a dictionary, reopened again and again.
  @Test func `agrees with a model`() throws {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    let effects = Effects.memory()
    var pager = try Pages.create(effects)
    var ids: [PageID] = []
    var model: [PageID: UInt64] = [:]
    for _ in 0..<5 {
      for _ in 0..<4 {
        for _ in 0..<150 {
          let value = random.next() >> 1
          let index = ids.isEmpty ? 0 : random.below(ids.count)
          switch random.below(8) {
          case 0...2:
            let id = try pager.make(value)
            ids.append(id)
            model[id] = value
          case 3 where !ids.isEmpty:
            try pager.delete(ids[index])
            model[ids.remove(at: index)] = nil
          case 4... where !ids.isEmpty:
            try pager.set(ids[index], to: value)
            model[ids[index]] = value
          default: break
          }
        }
        let captured = pager.captureCheckpoint(
          ownerState: [], timestamp: .zero, rootTable: [UInt8(model.count & 127)])
        for id in ids where random.oneIn(3) { try pager.set(id, to: 1) }
        try pager.write(captured)
        for id in ids { try pager.set(id, to: model[id] ?? 0) }
      }
      try pager.checkpoint()
      #expect(try pager.findings().isEmpty)
      pager.close()
      pager = try Pages.open(effects).pager
      #expect(Array(pager.mappedPages) == ids.sorted())
      for id in ids { #expect(try pager.value(id) == model[id]) }
    }
    pager.close()
  }
}
