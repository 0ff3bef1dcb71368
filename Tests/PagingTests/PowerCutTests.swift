import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing

/// R3, F4, F5: the power is cut at every change that a run makes to the disk.
@Suite struct `A power cut` {
  /// What a capture must show: its root table names the round.
  private final class Expectation: @unchecked Sendable {
    // SENDABLE: touched by the one body of a simulation, and by its observer in between.
    var states: [UInt8: [PageID: UInt64]] = [:]
    /// Rounds that a crash now may show: the durable one, and the one being written.
    var allowed: ClosedRange<UInt8> = 0...0
    var isCreated = false
    var cuts = 0
  }

  /// Checkpoints of a random working set larger than the cache, with work between capture and
  /// write, so that evictions, hand-overs and reuse of places all happen.
  private func work(
    _ effects: Effects, _ random: inout SeededGenerator, _ expectation: Expectation,
    rounds: UInt8
  ) throws {
    var model: [PageID: UInt64] = [:]
    func change(_ pager: Pager, _ count: Int, _ random: inout SeededGenerator) throws {
      for _ in 0..<count {
        let ids = model.keys.sorted()
        let id = ids.isEmpty ? nil : ids[random.below(ids.count)]
        let value = random.next() >> 1
        switch (random.below(5), id) {
        case (0, let id?) where ids.count > 60:
          try pager.delete(id)
          model[id] = nil
        case (0...1, _) where ids.count < 110: model[try pager.make(value)] = value
        case (_, let id?):
          try pager.set(id, to: value)
          model[id] = value
        default: break
        }
      }
    }
    expectation.states[0] = [:]
    let pager = try Pages.create(effects) { _ throws(PagingError) in [0] }
    expectation.isCreated = true
    defer { pager.close() }
    for round in 1...rounds {
      try change(pager, 50, &random)
      expectation.states[round] = model
      let captured = pager.captureCheckpoint(
        ownerState: [round], timestamp: Timestamp(UInt64(round)), rootTable: [round])
      expectation.allowed = round - 1...round
      try change(pager, 25, &random)
      try pager.write(captured)
      expectation.allowed = round...round
    }
    let statistics = pager.statistics
    #expect(statistics.handOvers > 0 && statistics.dirtyEvictions > 0)
    #expect(statistics.checkpoints == Int(rounds) + 1)
  }

  private func expectRecovery(
    _ image: DiskImage, _ expectation: Expectation, seed: UInt64, _ label: Comment
  ) {
    do {
      try Simulator(seed: seed, disk: image).run { effects in
        let isThere = try effects.files.kind(of: Pages.path) == .file
        #expect(isThere || !expectation.isCreated, label)
        guard isThere else { return }
        let (pager, state) = try Pages.open(effects)
        defer { pager.close() }
        let round = state.rootTable[0]
        #expect(expectation.allowed.contains(round), label)
        let model = expectation.states[round] ?? [:]
        #expect(Array(pager.mappedPages) == model.keys.sorted(), label)
        for (id, value) in model { #expect(try pager.value(id) == value, label) }
        #expect(try pager.findings().isEmpty, label)
        // And the second life is as good as the first.
        let id = try pager.make(77)
        #expect(model[id] == nil, label)
        try pager.checkpoint(0, root: [0])
        #expect(try pager.findings().isEmpty, label)
      }
    } catch {
      Issue.record("\(label): \(error)")
    }
  }

  @Test(arguments: LossModel.allCases)
  func `anywhere leaves one checkpoint or the next`(_ model: LossModel) throws {
    let seed = Seed.take(for: #function)
    var random = SeededGenerator(seed: seed)
    let simulator = Simulator(seed: seed)
    let expectation = Expectation()
    simulator.disk.observeChanges { change in
      expectation.cuts += 1
      let image = simulator.disk.afterPowerCut(model, seed: seed &+ UInt64(change))
      expectRecovery(image, expectation, seed: seed, "cut at change \(change), \(model)")
    }
    try simulator.run { effects in
      try work(effects, &random, expectation, rounds: 6)
    }
    #expect(expectation.cuts > 50)
  }

  /// The errors after the cut unwind the engine: nothing hangs, nothing traps.
  @Test func `unwinds whatever was under way`() throws {
    let seed = Seed.take(for: #function)
    for cut in stride(from: 3, to: 90, by: 7) {
      var random = SeededGenerator(seed: seed)
      let simulator = Simulator(seed: seed &+ UInt64(cut))
      let expectation = Expectation()
      simulator.disk.cutPower(atChange: cut)
      #expect(throws: PagingError.self) {
        try simulator.run { effects in try work(effects, &random, expectation, rounds: 30) }
      }
      let image = simulator.disk.afterPowerCut(.random, seed: seed)
      expectRecovery(image, expectation, seed: seed, "unwound at change \(cut)")
    }
  }

  /// The negative control: a disk whose syncs lie is beyond any engine, and the test sees it.
  @Test func `on a disk that lies about syncs is noticed`() throws {
    let seed = Seed.take(for: #function)
    var random = SeededGenerator(seed: seed)
    let simulator = Simulator(seed: seed)
    let expectation = Expectation()
    simulator.disk.inject(Fault(.lies, on: [.sync], .always))
    try simulator.run { effects in try work(effects, &random, expectation, rounds: 3) }
    let image = simulator.disk.afterPowerCut(.loseAll, seed: seed)
    #expect(throws: PagingError.self) {
      try Simulator(seed: seed, disk: image).run { effects in
        try Pages.open(effects).pager.close()
      }
    }
  }

  @Test func `of the same seed is the same run`() throws {
    let seed = Seed.take(for: #function)
    let hashes = try (0..<2).map { _ in
      var random = SeededGenerator(seed: seed)
      let simulator = Simulator(seed: seed)
      try simulator.run { effects in
        try work(effects, &random, Expectation(), rounds: 4)
      }
      return simulator.traceHash
    }
    #expect(hashes[0] == hashes[1])
  }
}
