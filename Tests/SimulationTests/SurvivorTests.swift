import Environment
import RawBytes
import Seeds
import Simulation
import Testing

/// The states that a power cut may leave, one by one.
@Suite struct SurvivorTests {
  private let disk: SimulatedDisk = {
    let disk = Simulator(seed: 1).disk
    disk.recordsPendingChanges = true
    return disk
  }()

  private func outcomes(_ path: String) -> Set<[UInt8]?> {
    let image = disk.snapshot
    return Set(image.fates().map { image.surviving($0).contents(of: path) })
  }

  @Test func `of three writes every subset survives, and torn ones`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(12, of: 9), at: 0)
    try file.sync(.full)
    #expect(disk.snapshot.pendingChanges.isEmpty)
    for byte in UInt8(1)...3 { try file.write(sectors(4, of: byte), at: UInt64(byte - 1) * 2048) }
    let image = disk.snapshot
    #expect(image.pendingChanges.count == 3)
    // Eight subsets; for each write six torn forms, of the middle one beside four sets of others.
    #expect(image.fates().count == 8 + 6 * (2 + 4 + 2))
    let all = outcomes("/a")
    for mask in 0..<8 {
      let whole = (0..<3).flatMap { sectors(4, of: mask >> $0 & 1 == 1 ? UInt8($0) + 1 : 9) }
      #expect(all.contains(whole))
    }
    #expect(all.contains(sectors(2, of: 1) + sectors(10, of: 9)))
    #expect(
      all.contains(sectors(2, of: 9) + sectors(2, of: 1) + sectors(4, of: 2) + sectors(4, of: 3)))
    for case .some(let bytes) in all {
      #expect(bytes.count == 12 * 512)
      for sector in 0..<12 {
        let part = Set(bytes[sector * 512..<(sector + 1) * 512])
        #expect(part == [9] || part == [UInt8(sector / 4) + 1])
      }
    }
  }

  @Test func `of two writes of one sector either may survive`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(1, of: 1), at: 0)
    try file.write(sectors(1, of: 2), at: 0)
    #expect(outcomes("/a") == [[], sectors(1, of: 1), sectors(1, of: 2), sectors(1, of: 0)])
  }

  @Test func `names, sizes, holes and allocations are changes like writes`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(16, of: 1), at: 0)
    try file.sync(.full)
    try file.punchHole(0..<4096)
    try file.truncate(to: 4096)
    try disk.rename("/a", to: "/b")
    let image = disk.snapshot
    #expect(image.pendingChanges.count == 3)
    let states = image.fates().map { image.surviving($0) }
    #expect(states.count == 8)
    #expect(Set(states.map { [$0.contents(of: "/a"), $0.contents(of: "/b")] }).count == 8)
    try disk.syncDirectory("/")
    #expect(disk.snapshot.pendingChanges.count == 2)
    try file.sync(.full)
    #expect(disk.snapshot.pendingChanges.isEmpty)
    try file.allocate(0..<32_768)
    #expect(Set(outcomes("/b").map { $0?.count }) == [4096, 32_768])
  }

  @Test func `a synchronous write settles its own range and no other`() throws {
    let buffered = try disk.makeFile("/a")
    let synchronous = try disk.open("/a", FileMode(isDataSynchronous: true))
    try buffered.write(sectors(3, of: 1), at: 0)
    try synchronous.write(sectors(1, of: 2), at: 512)
    let image = disk.snapshot
    #expect(image.pendingChanges.count == 2)
    let middle = sectors(1, of: 2)
    #expect(
      outcomes("/a") == [
        sectors(1, of: 0) + middle + sectors(1, of: 0),
        sectors(1, of: 1) + middle + sectors(1, of: 0),
        sectors(1, of: 0) + middle + sectors(1, of: 1),
        sectors(1, of: 1) + middle + sectors(1, of: 1),
      ])
  }

  @Test func `a lie settles nothing, a failed sync loses all`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(1, of: 1), at: 0)
    disk.inject(Fault(.lies, on: [.sync], .once(at: 1)))
    try file.sync(.full)
    #expect(disk.snapshot.pendingChanges.count == 1)
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .once(at: 1)))
    #expect(number { try file.sync(.full) } == Fault.inputOutput)
    #expect(disk.snapshot.pendingChanges.isEmpty)
    #expect(disk.snapshot.surviving([]).contents(of: "/a") == [UInt8](repeating: 0, count: 0))
  }

  @Test func `more changes than every subset is taken of are enumerated thinly`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(8 * 16, of: 9), at: 0)
    try file.sync(.full)
    for block in 0..<UInt64(14) { try file.write(sectors(1, of: 1), at: block * 512) }
    let fates = disk.snapshot.fates()
    // One or two changes, none, prefixes of three to thirteen; and what each of these lacks. The
    // prefixes and suffixes that lack one or two come from both.
    #expect(fates.count == 2 * (14 + 91 + 1 + 11) - 4)
    #expect(Set(fates).count == fates.count)
  }

  @Test func `random states of the loss model agree with the whole and the empty subset`() throws {
    let seed = Seed.take(for: #function)
    var chance = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      let disk = Simulator(seed: seed).disk
      disk.recordsPendingChanges = true
      let file = try disk.makeFile("/a")
      for _ in 0..<chance.below(9) + 1 {
        let at = UInt64(chance.below(40_000))
        switch chance.below(6) {
        case 0: try file.truncate(to: at)
        case 1: try file.punchHole(at..<at + 5000)
        case 2: try file.allocate(at..<at + 5000)
        case 3: try file.sync(.full)
        default:
          let bytes = [UInt8](repeating: UInt8(chance.below(256)), count: chance.below(9000) + 1)
          try file.write(bytes, at: at)
        }
      }
      let image = disk.snapshot
      let count = image.pendingChanges.count
      for (model, fate) in [(LossModel.keepAll, PendingChange.Fate.whole), (.loseAll, .absent)] {
        let survivor = image.surviving(Array(repeating: fate, count: count))
        let expected = image.afterPowerCut(model, seed: 0).contents(of: "/a")
        let isSame = survivor.contents(of: "/a") == expected
        #expect(isSame, "\(model)")
      }
    }
  }
}
