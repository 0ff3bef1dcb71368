import Paging
import Primitives
import Seeds
import Simulation
import Testing

/// What a killed process wrote is in the page cache: the next one reads it, and a power cut may
/// still take it.
@Suite struct `A process killed during a checkpoint` {
  /// What is told between simulated worlds.
  private final class Notes: @unchecked Sendable {
    // SENDABLE: touched by the one body of a simulation, and by its observer in between.
    var states: [UInt8: [PageID: UInt64]] = [:]
    var images: [DiskImage] = []
    var isWatching = false
  }

  private func write(
    _ round: UInt8, over model: inout [PageID: UInt64], _ pager: Pager,
    _ random: inout SeededGenerator
  ) throws {
    for id in model.keys.sorted() where random.below(3) > 0 {
      let value = random.next() >> 1
      try pager.set(id, to: value)
      model[id] = value
    }
  }

  /// R3: the next process syncs the checkpoint that it finds before it reuses the places of the
  /// one before. Else a power cut brings the older superblock back, and its images are gone.
  @Test(arguments: LossModel.allCases)
  func `leaves a next one whose power cuts leave one checkpoint or the next`(
    _ model: LossModel
  ) throws {
    let seed = Seed.take(for: #function)
    let notes = Notes()
    let first = Simulator(seed: seed)
    first.disk.observeChanges { _ in
      if notes.isWatching { notes.images.append(first.disk.snapshot.afterProcessCrash()) }
    }
    try first.run { effects in
      var random = SeededGenerator(seed: seed)
      var pages: [PageID: UInt64] = [:]
      let pager = try Pages.create(effects) { (pager) throws(PagingError) in
        for number in 1...40 as ClosedRange<UInt64> { pages[try pager.make(number)] = number }
        return [1]
      }
      defer { pager.close() }
      notes.states[1] = pages
      try write(2, over: &pages, pager, &random)
      notes.states[2] = pages
      notes.isWatching = true
      try pager.checkpoint(2, root: [2])
      notes.isWatching = false
    }
    #expect(notes.images.count > 4)
    for (killed, image) in notes.images.enumerated() {
      try liveOn(image, killed, model, seed, notes)
    }
  }

  private func liveOn(
    _ image: DiskImage, _ killed: Int, _ model: LossModel, _ seed: UInt64, _ notes: Notes
  ) throws {
    let second = Simulator(seed: seed &+ 1, disk: image)
    let survivors = Notes()
    second.disk.observeChanges { change in
      survivors.images.append(second.disk.afterPowerCut(model, seed: seed &+ UInt64(change)))
    }
    let found = try second.run { effects in
      var random = SeededGenerator(seed: seed &+ 1)
      let (pager, state) = try Pages.open(effects)
      defer { pager.close() }
      var pages = try #require(notes.states[state.rootTable[0]])
      try write(3, over: &pages, pager, &random)
      survivors.states[3] = pages
      try pager.checkpoint(3, root: [3])
      return state.rootTable[0]
    }
    for (cut, image) in survivors.images.enumerated() {
      let label: Comment = "killed at \(killed), cut at \(cut), \(model)"
      #expect(throws: Never.self, label) {
        try Simulator(seed: seed &+ 2, disk: image).run { effects in
          let (pager, state) = try Pages.open(effects)
          defer { pager.close() }
          let round = state.rootTable[0]
          let pages = round == 3 ? survivors.states[3] : notes.states[round]
          #expect([1, found, 3].contains(round), label)
          for (id, value) in pages ?? [:] { #expect(try pager.value(id) == value, label) }
          let findings = try pager.findings()
          #expect(findings.isEmpty, label)
        }
      }
    }
  }
}
