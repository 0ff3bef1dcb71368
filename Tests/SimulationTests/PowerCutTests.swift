import Environment
import RawBytes
import Simulation
import Testing

@Suite struct PowerCutTests {
  private let disk = Simulator(seed: 1).disk

  private func outcomes(_ path: String, _ count: UInt64 = 200) -> Set<[UInt8]?> {
    Set((0..<count).map { disk.afterPowerCut(.random, seed: $0).contents(of: path) })
  }

  @Test func `synced bytes and names survive in every model`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(3, of: 1), at: 0)
    try file.sync(.full)
    for model in LossModel.allCases {
      for seed in 0..<20 {
        let survivor = disk.afterPowerCut(model, seed: UInt64(seed))
        #expect(survivor.contents(of: "/a") == sectors(3, of: 1))
      }
    }
  }

  @Test func `unsynced bytes are kept, lost or torn as the model says`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(8, of: 1), at: 0)
    try file.sync(.full)
    try file.write(sectors(8, of: 2), at: 0)
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == sectors(8, of: 2))
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(8, of: 1))
    let torn = outcomes("/a")
    #expect(torn.count > 50)
    for case .some(let bytes) in torn {
      for sector in 0..<8 {
        let part = Array(bytes[sector * 512..<(sector + 1) * 512])
        #expect(part == sectors(1, of: 1) || part == sectors(1, of: 2))
      }
    }
    let laterFirst = torn.contains { $0?[0] == 1 && $0?[7 * 512] == 2 }
    #expect(laterFirst, "a later sector may be there without an earlier one")
  }

  @Test func `a content in between may be the one that survives`() throws {
    var firsts: Set<UInt8?> = []
    for seed in 0..<100 {
      let disk = Simulator(seed: UInt64(seed)).disk
      let file = try disk.makeFile("/a")
      for byte in UInt8(1)...3 { try file.write(sectors(1, of: byte), at: 0) }
      let survivor = disk.afterPowerCut(.random, seed: UInt64(seed))
      firsts.insert(survivor.contents(of: "/a")?.first)
    }
    #expect(firsts.isSuperset(of: [1, 2, 3]))
    #expect(firsts.contains(nil), "or nothing")
  }

  @Test func `a content from before a durable one never comes back`() throws {
    let buffered = try disk.makeFile("/a")
    let synchronous = try disk.open("/a", FileMode(isDataSynchronous: true))
    for byte in UInt8(1)...3 { try buffered.write(sectors(1, of: byte), at: 0) }
    try synchronous.write(sectors(1, of: 4), at: 0)
    try buffered.write(sectors(1, of: 5), at: 0)
    #expect(outcomes("/a") == [sectors(1, of: 4), sectors(1, of: 5)])
  }

  @Test func `growth may be lost with or without its bytes`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(1, of: 1), at: 0)
    try file.sync(.full)
    try file.write(sectors(3, of: 2), at: 512)
    let all = outcomes("/a")
    #expect(all.contains(sectors(1, of: 1)))
    #expect(all.contains(sectors(1, of: 1) + sectors(3, of: 2)))
    #expect(all.contains { $0?.count == 2048 && $0?[512] == 0 }, "size without bytes")
    #expect(all.contains { $0?.count == 1024 }, "a size in between")
  }

  @Test func `a truncation that is not synced may be undone`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(4, of: 1), at: 0)
    try file.sync(.full)
    try file.truncate(to: 512)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(4, of: 1))
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == sectors(1, of: 1))
    try file.sync(.full)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(1, of: 1))
  }

  @Test func `a data-synchronous write is durable at its return, and torn under way`() throws {
    let file = try disk.makeFile("/a", synchronous: true)
    try file.write(sectors(4, of: 1), at: 0)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(4, of: 1))
    #expect(!disk.snapshot.hasUnsynced("/a"))
    disk.cutPower(atChange: disk.counters.changeCount + 1)
    #expect(number { try file.write(sectors(4, of: 2), at: 0) } == SimulatedDisk.powerCutNumber)
    #expect(outcomes("/a").count > 8)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(4, of: 1))
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == sectors(4, of: 2))
  }

  @Test func `names need a sync of their directory (F4)`() throws {
    let file = try disk.open("/a", FileMode(creation: .always))
    try file.write(sectors(1, of: 1), at: 0)
    try file.sync(.full)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == [])
    #expect(disk.afterPowerCut(.keepAll, seed: 0).paths == ["/a"])
    #expect(outcomes("/a") == [nil, sectors(1, of: 1)])
    #expect(disk.snapshot.hasUnsynced("/a"))
    try disk.syncDirectory("/")
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == ["/a"])
  }

  @Test func `a file in a new directory needs both names (F4)`() throws {
    try disk.createDirectory("/db")
    let file = try disk.open("/db/a", FileMode(creation: .always))
    try file.write([1], at: 0)
    try file.sync(.full)
    try disk.syncDirectory("/db")
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == [])
    try disk.syncDirectory("/")
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == ["/db/a"])
  }

  @Test func `a renaming happens wholly or not at all`() throws {
    let old = try disk.makeFile("/data")
    try old.write([1], at: 0)
    try old.sync(.full)
    let new = try disk.makeFile("/data.new")
    try new.write([2], at: 0)
    try new.sync(.full)
    try disk.rename("/data.new", to: "/data")
    #expect(try disk.list("/") == ["data"])
    let survivors = (0..<50).map { disk.afterPowerCut(.random, seed: $0) }
    #expect(
      Set(survivors.map { [$0.contents(of: "/data"), $0.contents(of: "/data.new")] }) == [
        [[1], [2]], [[2], nil],
      ])
    try disk.syncDirectory("/")
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/data") == [2])
  }

  @Test func `a removal that is not synced may be undone`() throws {
    let file = try disk.makeFile("/a")
    try file.write([1], at: 0)
    try file.sync(.full)
    try disk.remove("/a")
    #expect(try disk.kind(of: "/a") == .absent)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == [1])
    try disk.syncDirectory("/")
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == [])
  }

  @Test func `after the cut every call throws and changes nothing (J2)`() throws {
    let file = try disk.makeFile("/a")
    try file.write([1], at: 0)
    try file.sync(.full)
    disk.cutPower()
    let before = disk.snapshot.contents(of: "/a")
    for call in [
      { try file.write([2], at: 0) }, { try file.sync(.full) }, { _ = try file.read(1, at: 0) },
      { _ = try file.size() }, { try file.truncate(to: 0) }, { try file.allocate(0..<9) },
      { try file.punchHole(0..<1) }, { try disk.remove("/a") }, { try disk.syncDirectory("/") },
      { _ = try disk.open("/a", FileMode()) }, { _ = try disk.lock("/lock") },
      { try disk.rename("/a", to: "/b") }, { _ = try disk.list("/") },
    ] as [() throws -> Void] {
      #expect(number(call) == SimulatedDisk.powerCutNumber)
    }
    #expect(disk.snapshot.contents(of: "/a") == before)
    #expect(disk.counters.count(of: .powerCut) == 13)
  }

  @Test func `a process that is killed loses nothing, and still owes its syncs`() throws {
    let file = try disk.makeFile("/a")
    try file.write([1], at: 0)
    let lock = try disk.lock("/lock")
    #expect(lock != nil)
    let next = Simulator(seed: 2, disk: disk.snapshot.afterProcessCrash()).disk
    #expect(next.snapshot.contents(of: "/a") == [1])
    #expect(next.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == [])
    #expect(try next.lock("/lock") != nil, "a crash leaves no lock")
  }

  @Test func `a hole and an allocation are kept or lost like bytes`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(64, of: 1), at: 0)
    try file.sync(.full)
    try file.punchHole(0..<16_384)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") == sectors(64, of: 1))
    #expect(
      disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a")
        == sectors(32, of: 0) + sectors(32, of: 1))
    try file.allocate(32_768..<65_536)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).usedByteCount == 32_768)
    try file.sync(.full)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).usedByteCount == 49_152)
  }
}
