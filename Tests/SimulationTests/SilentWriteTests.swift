import Environment
import RawBytes
import Simulation
import Testing

/// Writes that report success and are not where they should be.
@Suite struct SilentWriteTests {
  private let disk = Simulator(seed: 1).disk

  @Test func `a dropped write is seen by nobody`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(8, of: 1), at: 0)
    try file.sync(.full)
    disk.inject(Fault(.dropsWrite, .once(at: 1)))
    try file.write(sectors(8, of: 2), at: 0)
    #expect(disk.counters.count(of: .droppedWrite) == 1)
    #expect(try file.read(4096, at: 0) == sectors(8, of: 1))
    try file.sync(.full)
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == sectors(8, of: 1))
    try file.write(sectors(8, of: 3), at: 0)
    #expect(try file.read(4096, at: 0) == sectors(8, of: 3), "the next one is written")
  }

  @Test func `a dropped write makes the file as long as it would have`() throws {
    for synchronous in [false, true] {
      let disk = Simulator(seed: 1).disk
      let file = try disk.makeFile("/a", synchronous: synchronous)
      disk.inject(Fault(.dropsWrite, .once(at: 1)))
      try file.write(sectors(8, of: 2), at: 40_960)
      #expect(try file.size() == 45_056)
      if !synchronous { try file.sync(.full) }
      let left = disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a")
      #expect(left == [UInt8](repeating: 0, count: 45_056))
    }
  }

  @Test func `a write that changes nothing cannot be dropped (J3)`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(1, of: 1), at: 0)
    disk.inject(Fault(.dropsWrite, .once(at: 1)))
    try file.write(sectors(1, of: 1), at: 0)
    #expect(disk.counters.count(of: .droppedWrite) == 0)
    try file.write(sectors(1, of: 2), at: 0)
    #expect(disk.counters.count(of: .droppedWrite) == 1)
    #expect(try file.read(512, at: 0) == sectors(1, of: 1))
  }

  @Test func `one block of a misdirected write lands at the place of another`() throws {
    var places: Set<Int> = []
    for seed in 0..<60 {
      let disk = Simulator(seed: UInt64(seed)).disk
      let file = try disk.makeFile("/a", synchronous: seed % 2 == 0)
      try file.write(sectors(8 * 8, of: 1), at: 0)
      try file.sync(.full)
      disk.inject(Fault(.misdirectsWrite, .once(at: 1)))
      try file.write(sectors(8 * 2, of: 2), at: 8192)
      #expect(disk.counters.count(of: .misdirectedWrite) == 1)
      try file.sync(.full)
      #expect(try file.size() == 32_768)
      let medium = disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a") ?? []
      #expect(try file.read(32_768, at: 0) == medium)
      let blocks = (0..<8).map { Set(medium[$0 * 4096..<($0 + 1) * 4096]) }
      #expect(blocks.allSatisfy { $0.count == 1 }, "whole blocks")
      let written = blocks.indices.filter { blocks[$0] == [2] }
      #expect(written.count <= 2 && written != [2, 3])
      places.formUnion(written)
    }
    #expect(places == Set(0..<8), "any place of the file")
  }

  @Test func `a small write that is misdirected keeps its distance from the block's beginning`()
    throws
  {
    let file = try disk.makeFile("/a")
    try file.write(sectors(16, of: 1), at: 0)
    disk.inject(Fault(.misdirectsWrite, .once(at: 1)))
    try file.write([7, 8, 9], at: 4096 + 100)
    #expect(try file.read(8192, at: 0).firstIndex(of: 7) == 100)
    #expect(try file.read(4096, at: 4096) == sectors(8, of: 1))
  }

  @Test func `a file of one block is misdirected behind its end`() throws {
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.misdirectsWrite, .once(at: 1)))
    try file.write(sectors(8, of: 3), at: 0)
    #expect(try file.read(8192, at: 0) == sectors(8, of: 0) + sectors(8, of: 3))
  }

  @Test func `a full disk takes precedence over a silent fault`() throws {
    let file = try disk.makeFile("/a")
    disk.capacity = 4096
    for effect in [Fault.Effect.dropsWrite, .misdirectsWrite] {
      disk.inject(Fault(effect, .once(at: 1)))
      #expect(number { try file.write(sectors(16, of: 1), at: 0) } == Fault.noSpace)
      try file.truncate(to: 0)
    }
    #expect(disk.counters.count(of: .droppedWrite) == 0)
    #expect(disk.counters.count(of: .misdirectedWrite) == 0)
  }

  @Test func `silent faults happen to writes only`() throws {
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.dropsWrite, .always))
    disk.inject(Fault(.misdirectsWrite, .always))
    try file.sync(.full)
    try file.truncate(to: 9)
    try file.allocate(0..<4096)
    _ = try file.read(10, at: 0)
    #expect(disk.counters.fired.isEmpty)
  }
}
