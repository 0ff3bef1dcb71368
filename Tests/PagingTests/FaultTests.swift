import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing

/// What goes wrong with the disk.
@Suite struct `A pager on a bad disk` {
  /// A pager with pages 1 to 100 of value 1000 and up, checkpointed.
  private func prepare(_ effects: Effects, frames: Int = 64) throws(PagingError) -> Pager {
    let pager = try Pages.create(effects, Pages.small(frames: frames)) {
      (pager) throws(PagingError) in
      for number in 0..<100 { _ = try pager.make(1_000 + UInt64(number)) }
      return [1]
    }
    return pager
  }

  private func expectOriginal(_ pager: Pager) throws {
    for number in 0..<100 {
      #expect(try pager.value(PageID(UInt32(number + 1))) == 1_000 + UInt64(number))
    }
  }

  /// F1.
  @Test(arguments: [1, 2])
  func `is poisoned by a failed sync, and reopens at the checkpoint before`(_ which: Int) throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      defer { pager.close() }
      try pager.set(PageID(5), to: 5)
      simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .once(at: which)))
      #expect(throws: PagingError.self) { try pager.checkpoint() }
      #expect(pager.isPoisoned)
      #expect(throws: PagingError.poisoned) { try pager.checkpoint() }
      #expect(try pager.value(PageID(5)) == 5)
    }
    let survivor = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    try Simulator(seed: 2, disk: survivor).run { effects in
      let (pager, state) = try Pages.open(effects)
      defer { pager.close() }
      #expect(state.generation == Generation(1))
      try expectOriginal(pager)
    }
  }

  /// After a sync has failed, what was written is known to the system and not to the medium: a read
  /// past the system's cache must not take that for damage.
  @Test(arguments: [false, true])
  func `of which a sync failed shows every page as it was written, also past the cache`(
    _ usesSystemCache: Bool
  ) throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      try prepare(effects).close()
      var configuration = Pages.small()
      configuration.usesSystemCache = usesSystemCache
      let (pager, _) = try Pages.open(effects, configuration)
      defer { pager.close() }
      for number in 1...100 as ClosedRange<UInt32> { try pager.set(PageID(number), to: 7) }
      simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .from(1)))
      #expect(throws: PagingError.self) { try pager.checkpoint() }
      // More pages than frames: they have been written and evicted, and are read again.
      for _ in 0..<3 {
        for number in 1...100 as ClosedRange<UInt32> {
          #expect(try pager.value(PageID(number)) == 7)
        }
      }
    }
  }

  /// The same at the very moment of the failure, when nobody knows of it yet: an image that does not
  /// fit is looked at again. What does not fit through the system's cache either is damage.
  @Test func `that lies once past the system's cache is asked again, and once through it believed`()
    throws
  {
    for usesSystemCache in [false, true] {
      let simulator = Simulator(seed: Seed.take(for: #function))
      try simulator.run { effects in
        var configuration = Pages.small(compression: .none)
        try Pages.create(effects, configuration) { (pager) throws(PagingError) in
          for number in 0..<100 { _ = try pager.make(1_000 + UInt64(number)) }
          return [1]
        }.close()
        configuration.usesSystemCache = usesSystemCache
        let (pager, _) = try Pages.open(effects, configuration)
        defer { pager.close() }
        // A bit may also fall beside the image, into the rest of its blocks: not all of them.
        var damageCount = 0
        for number in 1...32 as ClosedRange<UInt32> {
          simulator.disk.inject(Fault(.flipsBit, on: [.read], .once(at: 1)))
          do {
            #expect(try pager.value(PageID(number)) == 999 + UInt64(number))
          } catch PagingError.corrupt {
            damageCount += 1
          }
          simulator.disk.removeFaults()
        }
        #expect(simulator.disk.counters.count(of: .flippedBit) == 32)
        #expect(usesSystemCache ? damageCount > 8 : damageCount == 0)
      }
    }
  }

  /// F1: which superblock is on the medium is not known.
  @Test func `is poisoned by a failed superblock write`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      defer { pager.close() }
      try pager.set(PageID(5), to: 5)
      // Writes of the checkpoint: one run, two map blocks or one, the root table, two superblocks.
      simulator.disk.inject(Fault(.failsHalfway(Fault.inputOutput), on: [.write], .once(at: 5)))
      #expect(throws: PagingError.self) { try pager.checkpoint() }
      #expect(pager.isPoisoned)
    }
    #expect(simulator.disk.counters.count(of: .failedHalfway) == 1)
  }

  @Test(arguments: 1...3)
  func `keeps the old checkpoint when a write fails, and a later attempt works`(
    _ which: Int
  ) throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects, frames: 256)
      for number in 1...40 { try pager.set(PageID(UInt32(number)), to: UInt64(number)) }
      let used = pager.statistics.usedByteCount
      simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [.write], .once(at: which)))
      #expect(throws: PagingError.self) { try pager.checkpoint() }
      #expect(!pager.isPoisoned && pager.durableGeneration == Generation(1))
      #expect(pager.statistics.failedCheckpoints == 1)
      if which == 1 { #expect(pager.statistics.usedByteCount == used) }
      #expect(try pager.checkpoint() == Generation(3))
      #expect(try pager.findings().isEmpty)
      pager.close()
      let (again, _) = try Pages.open(effects)
      defer { again.close() }
      for number in 1...40 {
        #expect(try again.value(PageID(UInt32(number))) == UInt64(number))
      }
    }
  }

  /// F10.
  @Test func `waits out a full disk`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      defer { pager.close() }
      simulator.disk.capacity = simulator.disk.snapshot.usedByteCount + 8192
      #expect(throws: PagingError.diskFull(path: Pages.path)) {
        try pager.reserveSpace(1 << 20)
      }
      for number in 1...60 { try pager.set(PageID(UInt32(number)), to: UInt64(number) * 2 + 1) }
      #expect(throws: PagingError.diskFull(path: Pages.path)) { try pager.checkpoint() }
      #expect(!pager.isPoisoned)
      // Dirty pages fill the cache and cannot leave it: a clear error, no hang.
      #expect(throws: PagingError.diskFull(path: Pages.path)) {
        for number in 1...100 {
          try pager.set(PageID(UInt32(number)), to: UInt64(number) * 2 + 1)
        }
      }
      simulator.disk.capacity = nil
      for number in 1...100 { try pager.set(PageID(UInt32(number)), to: UInt64(number) * 2 + 1) }
      try pager.reserveSpace(1 << 20)
      try pager.checkpoint()
      for number in 1...100 {
        #expect(try pager.value(PageID(UInt32(number))) == UInt64(number) * 2 + 1)
      }
      #expect(try pager.findings().isEmpty)
    }
    #expect(simulator.disk.counters.count(of: .full) > 0)
  }

  @Test func `has the space that it reserved`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      defer { pager.close() }
      for number in 1...40 { try pager.set(PageID(UInt32(number)), to: UInt64(number) * 2 + 1) }
      try pager.reserveSpace(0)
      simulator.disk.capacity = simulator.disk.snapshot.usedByteCount
      try pager.checkpoint()
      #expect(pager.durableGeneration == Generation(2))
    }
  }

  @Test func `fails the checkpoint, not the writer, when a hand-over cannot be written`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects, frames: 128)
      defer { pager.close() }
      for number in 1...40 { try pager.set(PageID(UInt32(number)), to: 7) }
      let captured = pager.captureCheckpoint(ownerState: [], timestamp: .zero, rootTable: [])
      simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [.write], .always))
      for number in 1...40 { try pager.set(PageID(UInt32(number)), to: 8) }
      simulator.disk.removeFaults()
      #expect(pager.statistics.inlineHandOvers > 0)
      do throws(PagingError) {
        try pager.write(captured)
        Issue.record("a checkpoint without all of its pages succeeded")
      } catch {}
      #expect(!pager.isPoisoned)
      try pager.checkpoint()
      for number in 1...40 { #expect(try pager.value(PageID(UInt32(number))) == 8) }
    }
  }

  /// F7.
  @Test(arguments: [
    Fault.Effect.flipsBit, .returnsStaleSector, .returnsMisdirectedSector,
  ])
  func `never believes a bad read`(_ effect: Fault.Effect) throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      defer { pager.close() }
      for round in 2..<6 {
        for number in 1...100 {
          try pager.set(PageID(UInt32(number)), to: UInt64(number + 1_000 * round))
        }
        try pager.checkpoint()
      }
      simulator.disk.inject(Fault(effect, on: [.read], .always))
      var corruptCount = 0
      for _ in 0..<3 {
        for number in 1...100 {
          do {
            #expect(try pager.value(PageID(UInt32(number))) == UInt64(number + 5_000))
          } catch PagingError.corrupt {
            corruptCount += 1
          }
        }
      }
      #expect(corruptCount > 0)
      simulator.disk.removeFaults()
      for number in 1...100 {
        #expect(try pager.value(PageID(UInt32(number))) == UInt64(number + 5_000))
      }
    }
  }

  @Test func `opens from either copy of the superblock, and repairs the other`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      try pager.checkpoint()
      pager.close()
      // Generation 2 is in slot 1: blocks 1 and 3.
      for block in [1, 3] as [UInt64] {
        simulator.disk.edit { $0.overwrite(Pages.path, at: block * 4096 + 100, with: [0xFF]) }
        let (again, state) = try Pages.open(effects)
        #expect(state.generation == Generation(2))
        #expect(try again.findings().isEmpty)
        again.close()
      }
      for block in [0, 1, 2, 3] as [UInt64] {
        simulator.disk.edit { $0.overwrite(Pages.path, at: block * 4096 + 100, with: [0xFF]) }
      }
      #expect(throws: PagingError.self) { try Pages.open(effects) }
    }
  }

  @Test func `says what it finds in a damaged file`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let pager = try prepare(effects)
      let id = PageID(50)
      pager.close()
      let size = try effects.files.open(Pages.path, FileMode(isWritable: false)).size()
      var found = 0
      for block in stride(from: UInt64(16384), to: size, by: 4096) {
        simulator.disk.edit { $0.flipBit(of: Pages.path, at: block + 700, bit: 3) }
        do {
          let (again, _) = try Pages.open(effects)
          defer { again.close() }
          found += try again.findings().count
          _ = try? again.value(id)
        } catch PagingError.corrupt {
          found += 1
        }
        simulator.disk.edit { $0.flipBit(of: Pages.path, at: block + 700, bit: 3) }
      }
      #expect(found > 20)
    }
  }

  @Test func `refuses files that are none of its own`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    simulator.run { effects in
      simulator.disk.edit { $0.put(Pages.path, [1, 2, 3]) }
      #expect(throws: PagingError.self) { try Pages.open(effects) }
      simulator.disk.edit { $0.put(Pages.path, [UInt8](repeating: 7, count: 32768)) }
      #expect(
        throws: PagingError.notADatabase(path: Pages.path, why: "no superblock")
      ) { try Pages.open(effects) }
    }
  }
}
