import Environment
import RawBytes
import Seeds
import Simulation
import Testing

/// The simulated disk against plain arrays that say what each sector may hold.
@Suite struct DiskModelTests {
  /// What one file may be after a power cut, kept the slow way.
  private struct Model {
    var current: [UInt8] = []
    var durable: [UInt8] = []
    /// For each sector, every content since the last sync.
    var possible: [Int: Set<[UInt8]>] = [:]

    static func sector(_ index: Int, of bytes: [UInt8]) -> [UInt8] {
      let part = bytes.dropFirst(index * 512).prefix(512)
      return Array(part) + [UInt8](repeating: 0, count: 512 - part.count)
    }

    mutating func change(to bytes: [UInt8]) {
      for index in 0..<(max(bytes.count, current.count) + 511) / 512 {
        let (old, new) = (Self.sector(index, of: current), Self.sector(index, of: bytes))
        if old != new { possible[index, default: [old]].insert(new) }
      }
      current = bytes
    }

    mutating func sync() {
      durable = current
      possible = [:]
    }
  }

  @Test func `random changes keep to what each loss model allows`() throws {
    let seed = Seed.take(for: #function)
    var generator = SeededGenerator(seed: seed)
    for round in 0..<8 {
      let disk = Simulator(seed: seed &+ UInt64(round)).disk
      let file = try disk.makeFile("/a")
      var model = Model()
      for step in 0..<60 {
        switch generator.below(10) {
        case 0:
          try file.sync(.full)
          model.sync()
        case 1:
          let size = generator.below(60_000)
          try file.truncate(to: UInt64(size))
          let zeros = [UInt8](repeating: 0, count: max(size - model.current.count, 0))
          model.change(to: Array((model.current + zeros).prefix(size)))
        case 2:
          let start = generator.below(60_000)
          let end = start + generator.below(30_000)
          try file.punchHole(UInt64(start)..<UInt64(end))
          var bytes = model.current
          for index in min(start, bytes.count)..<min(end, bytes.count) { bytes[index] = 0 }
          model.change(to: bytes)
        default:
          let start = generator.below(50_000)
          let bytes = [UInt8](
            repeating: UInt8(1 + generator.below(255)), count: 1 + generator.below(20_000))
          try file.write(bytes, at: UInt64(start))
          var next = model.current
          if next.count < start + bytes.count {
            next += [UInt8](repeating: 0, count: start + bytes.count - next.count)
          }
          next.replaceSubrange(start..<start + bytes.count, with: bytes)
          model.change(to: next)
        }
        try check(disk, file, model, seed: seed &+ UInt64(step))
      }
    }
  }

  private func check(
    _ disk: SimulatedDisk, _ file: any File, _ model: Model, seed: UInt64
  ) throws {
    #expect(disk.snapshot.contents(of: "/a") == model.current)
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == model.current)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == model.durable)
    let survivor = disk.afterPowerCut(.random, seed: seed)
    let bytes = try #require(survivor.contents(of: "/a"))
    for index in 0..<(bytes.count + 511) / 512 {
      let found = Model.sector(index, of: bytes)
      let full = (index + 1) * 512 <= bytes.count
      let allowed = model.possible[index] ?? [Model.sector(index, of: model.current)]
      // A size that was lost, or not, may cut the last sector and zero those beyond.
      #expect(allowed.contains(found) || !full || found == sectors(1, of: 0))
    }
  }

  @Test func `a copy of a disk goes its own way`() throws {
    let disk = Simulator(seed: 1).disk
    let file = try disk.makeFile("/a")
    try file.write(sectors(64, of: 1), at: 0)
    let copy = disk.snapshot
    try file.write(sectors(1, of: 2), at: 512)
    #expect(copy.contents(of: "/a") == sectors(64, of: 1))
    var damaged = copy
    damaged.flipBit(of: "/a", at: 1000, bit: 7)
    #expect(copy.contents(of: "/a") == sectors(64, of: 1))
    #expect(damaged.contents(of: "/a")?[1000] == 0x81)
    damaged.put("/b", [1, 2, 3])
    damaged.remove("/a")
    damaged.makeDirectory("/d")
    #expect(damaged.afterPowerCut(.loseAll, seed: 0).paths == ["/b"])
    #expect(disk.snapshot.paths == ["/a"])
  }

  @Test func `an observed run shows what a run cut at each change leaves`() throws {
    let seed = Seed.take(for: #function)
    func work(_ effects: Effects) throws(FileError) {
      let file = try effects.files.open("/a", FileMode(creation: .always))
      try effects.files.syncDirectory("/")
      let threads = (0..<3).map { number in
        effects.background.start("writer \(number)") {
          for round in 0..<4 {
            do {
              try file.write(sectors(4, of: UInt8(round)), at: UInt64(number) * 2048)
              try file.sync(.full)
            } catch { return }
          }
        }
      }
      for thread in threads { thread.join() }
      try effects.files.rename("/a", to: "/b")
      try effects.files.syncDirectory("/")
    }
    func fates(_ disk: SimulatedDisk) -> [DiskFate] {
      LossModel.allCases.map { DiskFate(disk.afterPowerCut($0, seed: 5)) }
    }
    let observed = Simulator(seed: seed)
    let seen = Shared<[[DiskFate]]>([])
    observed.disk.observeChanges { [disk = observed.disk] _ in seen.value.append(fates(disk)) }
    try observed.run(work)
    #expect(observed.disk.counters.changeCount == seen.value.count)
    #expect(seen.value.count > 25)
    for change in 1...seen.value.count {
      let cut = Simulator(seed: seed)
      cut.disk.cutPower(atChange: change)
      #expect(number { try cut.run(work) } == SimulatedDisk.powerCutNumber || !cut.disk.isPowered)
      #expect(fates(cut.disk) == seen.value[change - 1])
    }
  }

  /// What a power cut left, to be compared.
  private struct DiskFate: Equatable {
    let files: [String: [UInt8]]

    init(_ image: DiskImage) {
      files = Dictionary(
        uniqueKeysWithValues: image.paths.map { ($0, image.contents(of: $0) ?? []) })
    }
  }
}
