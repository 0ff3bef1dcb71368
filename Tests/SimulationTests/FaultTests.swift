import Environment
import RawBytes
import Simulation
import Testing

@Suite struct FaultTests {
  private let disk = Simulator(seed: 1).disk

  @Test func `the nth call of a kind fails once`() throws {
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.write], .once(at: 2)))
    try file.write([1], at: 0)
    #expect(number { try file.write([2], at: 0) } == Fault.inputOutput)
    #expect(try file.read(1, at: 0) == [1])
    try file.write([3], at: 0)
    #expect(disk.counters.count(of: .failed) == 1)
    #expect(disk.counters.count(of: .write) == 3)
  }

  @Test func `from the nth call on every call fails, until the faults are removed`() throws {
    let file = try disk.makeFile("/a")
    disk.inject(Fault(.fails(Fault.noSpace), .from(2)))
    try file.write([1], at: 0)
    #expect(number { try file.write([2], at: 0) } == Fault.noSpace)
    #expect(number { _ = try file.read(1, at: 0) } == Fault.noSpace)
    #expect(number { _ = try disk.open("/a", FileMode()) } == Fault.noSpace)
    disk.removeFaults()
    #expect(try file.read(1, at: 0) == [1])
  }

  @Test func `a fault may be meant for some files only`() throws {
    let (data, log) = (try disk.makeFile("/data"), try disk.makeFile("/log-1"))
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.write], .always, path: "log"))
    try data.write([1], at: 0)
    #expect(number { try log.write([1], at: 0) } == Fault.inputOutput)
  }

  @Test func `every kind of call can fail`() throws {
    for call in FileError.Call.allCases {
      let disk = Simulator(seed: 1).disk
      let file = try disk.makeFile("/a")
      disk.inject(Fault(.fails(Fault.inputOutput), on: [call], .always))
      #expect(throws: FileError(call: call, path: path(of: call), number: Fault.inputOutput)) {
        switch call {
        case .open: _ = try disk.open("/a", FileMode())
        case .createDirectory: try disk.createDirectory("/d")
        case .list: _ = try disk.list("/")
        case .kind: _ = try disk.kind(of: "/a")
        case .rename: try disk.rename("/a", to: "/b")
        case .remove: try disk.remove("/a")
        case .syncDirectory: try disk.syncDirectory("/")
        case .lock: _ = try disk.lock("/lock")
        case .read: _ = try file.read(1, at: 0)
        case .write: try file.write([1], at: 0)
        case .sync: try file.sync(.full)
        case .size: _ = try file.size()
        case .truncate: try file.truncate(to: 0)
        case .allocate: try file.allocate(0..<4096)
        case .punchHole: try file.punchHole(0..<1)
        }
      }
    }
  }

  private func path(of call: FileError.Call) -> String {
    switch call {
    case .createDirectory: "/d"
    case .list, .syncDirectory: "/"
    case .lock: "/lock"
    default: "/a"
    }
  }

  @Test func `a write that fails halfway leaves a part`() throws {
    var lengths: Set<Int> = []
    for seed in 0..<50 {
      let disk = Simulator(seed: UInt64(seed)).disk
      let file = try disk.makeFile("/a")
      disk.inject(Fault(.failsHalfway(Fault.noSpace), on: [.write], .always))
      #expect(number { try file.write(sectors(2, of: 1), at: 0) } == Fault.noSpace)
      let left = try file.read(4096, at: 0)
      #expect(left.allSatisfy { $0 == 1 })
      lengths.insert(left.count)
    }
    #expect(lengths.count > 10)
  }

  @Test func `after a failed sync the next one succeeds and lies (F1)`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(2, of: 1), at: 0)
    try file.sync(.full)
    try file.write(sectors(1, of: 2), at: 0)
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .once(at: 1)))
    #expect(number { try file.sync(.full) } == Fault.inputOutput)
    try file.sync(.full)
    #expect(try file.read(1, at: 0) == [2], "the page cache still has it")
    let direct = try disk.open("/a", FileMode(isWritable: false, isDirect: true))
    #expect(try direct.read(4096, at: 0) == sectors(2, of: 1), "the device does not")
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == sectors(2, of: 1))
    try file.write(sectors(1, of: 3), at: 0)
    try file.sync(.full)
    #expect(
      disk.afterPowerCut(.loseAll, seed: 0).contents(of: "/a")
        == sectors(1, of: 3) + sectors(1, of: 1), "written again it is dirty again")
  }

  @Test func `a sync of one sector does not save a lost one beside it (F1)`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(2, of: 1), at: 0)
    try file.sync(.full)
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync], .once(at: 1)))
    try file.write(sectors(1, of: 2), at: 0)
    #expect(number { try file.sync(.full) } == Fault.inputOutput)
    try file.write(sectors(1, of: 3), at: 512)
    try file.sync(.full)
    #expect(try file.read(1024, at: 0) == sectors(1, of: 2) + sectors(1, of: 3))
    #expect(
      disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a")
        == sectors(1, of: 1) + sectors(1, of: 3))
  }

  @Test func `a failed synchronous write leaves pages that claim to be clean (F1)`() throws {
    let file = try disk.makeFile("/a", synchronous: true)
    try file.write([1], at: 0)
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.write], .once(at: 1)))
    #expect(number { try file.write([2], at: 0) } == Fault.inputOutput)
    try file.sync(.full)
    #expect(try file.read(1, at: 0) == [2])
    #expect(disk.afterPowerCut(.keepAll, seed: 0).contents(of: "/a") == [1])
  }

  @Test func `a failed sync of a directory loses its changes (F1)`() throws {
    _ = try disk.open("/a", FileMode(creation: .always))
    disk.inject(Fault(.fails(Fault.inputOutput), on: [.syncDirectory], .once(at: 1)))
    #expect(number { try disk.syncDirectory("/") } == Fault.inputOutput)
    try disk.syncDirectory("/")
    #expect(try disk.kind(of: "/a") == .file)
    #expect(disk.afterPowerCut(.keepAll, seed: 0).paths == [])
  }

  @Test func `a disk that lies makes nothing durable`() throws {
    disk.inject(Fault(.lies, .always))
    let synchronous = try disk.makeFile("/s", synchronous: true)
    try synchronous.write([1], at: 0)
    let file = try disk.makeFile("/a")
    try file.write([1], at: 0)
    try file.sync(.full)
    #expect(disk.afterPowerCut(.loseAll, seed: 0).paths == [])
    let kept = disk.afterPowerCut(.keepAll, seed: 0)
    #expect(kept.contents(of: "/s") == [1])
    #expect(kept.contents(of: "/a") == [1])
    #expect(disk.counters.count(of: .lied) == 4)
  }

  @Test func `a full disk takes what fits, and goes on when space returns (F10)`() throws {
    disk.capacity = 64 * 4096
    let file = try disk.makeFile("/a")
    let other = try disk.makeFile("/b")
    try other.write(sectors(8 * 32, of: 2), at: 0)
    #expect(number { try file.allocate(0..<33 * 4096) } == Fault.noSpace)
    #expect(try file.size() == 0)
    #expect(number { try file.write(sectors(8 * 40, of: 1), at: 0) } == Fault.noSpace)
    #expect(try file.size() == 32 * 4096)
    try file.write(sectors(1, of: 3), at: 0)
    #expect(disk.snapshot.usedByteCount == 64 * 4096)
    try other.punchHole(0..<16 * 4096)
    try file.write(sectors(8 * 16, of: 1), at: 32 * 4096)
    #expect(number { try file.write([1], at: 48 * 4096) } == Fault.noSpace)
    disk.capacity = 65 * 4096
    try file.write([1], at: 48 * 4096)
    #expect(disk.counters.count(of: .full) == 3)
  }

  @Test func `a removed file gives its space back when nobody has it open`() throws {
    var file: (any File)? = try disk.makeFile("/a")
    try file?.write(sectors(8, of: 1), at: 0)
    try disk.remove("/a")
    #expect(disk.snapshot.usedByteCount == 4096)
    file = nil
    #expect(disk.snapshot.usedByteCount == 0)
  }

  @Test func `a read returns one bit flipped`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(8, of: 0), at: 0)
    disk.inject(Fault(.flipsBit, .once(at: 1)))
    let read = try file.read(4096, at: 0)
    #expect(read.reduce(0) { $0 + $1.nonzeroBitCount } == 1)
    #expect(try file.read(4096, at: 0) == sectors(8, of: 0))
  }

  @Test func `a read returns a sector as it was before`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(8, of: 1), at: 0)
    try file.sync(.full)
    disk.inject(Fault(.returnsStaleSector, .once(at: 1)))
    try file.write(sectors(8, of: 2), at: 0)
    try file.sync(.full)
    let read = try file.read(4096, at: 0)
    #expect(read.count(where: { $0 == 1 }) == 512)
    #expect(read.count(where: { $0 == 2 }) == 7 * 512)
    #expect(disk.counters.count(of: .staleSector) == 1)
  }

  @Test func `a read returns another sector in the place of one`() throws {
    let file = try disk.makeFile("/a")
    for sector in 0..<16 {
      try file.write(sectors(1, of: UInt8(sector)), at: UInt64(sector) * 512)
    }
    disk.inject(Fault(.returnsMisdirectedSector, .always))
    let read = try file.read(2048, at: 0)
    let wrong = (0..<4).filter { read[$0 * 512] != UInt8($0) }
    #expect(wrong.count == 1)
    #expect(disk.counters.count(of: .misdirectedSector) == 1)
  }

  @Test func `damage that could not show waits for a read where it can (J3)`() throws {
    let file = try disk.makeFile("/a")
    try file.write(sectors(1, of: 0), at: 0)
    try file.sync(.full)
    disk.inject(Fault(.returnsStaleSector, .once(at: 1)))
    #expect(try file.read(512, at: 0) == sectors(1, of: 0))
    #expect(disk.counters.count(of: .staleSector) == 0)
    try file.write(sectors(1, of: 2), at: 0)
    try file.sync(.full)
    #expect(try file.read(512, at: 0) == sectors(1, of: 0))
    #expect(disk.counters.count(of: .staleSector) == 1)
  }
}
