import Environment
import Primitives
import RedoLog
import Simulation
import Testing

/// A recovery that is told of damage and goes on behind it, for owners who get back what is lost from
/// elsewhere.
@Suite struct `A recovery that goes on behind damage` {
  private static let roomy = LogConfiguration(
    firstSegmentByteCount: 1 << 18, largestSegmentByteCount: 1 << 18)

  /// Twelve commits of a block each behind the opening batch, and no orderly end.
  private func image() throws -> (image: DiskImage, ends: [LogPosition]) {
    let simulator = Simulator(seed: 1)
    var image = DiskImage()
    var ends: [LogPosition] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects, Self.roomy)
      for number in 0..<12 as Range<UInt64> { ends.append(try log.commit(Entry(number))) }
      image = simulator.disk.snapshot
      log.poison()
      try? log.close()
    }
    return (image, ends)
  }

  private func recover(
    _ image: DiskImage, _ superblock: Superblock = Superblock(), beginsSegment: Bool = false,
    _ body: (RedoLog) throws -> Void = { _ in }
  ) throws -> (numbers: [UInt64], damage: [LogDamage], image: DiskImage) {
    let simulator = Simulator(seed: 2, disk: image)
    var numbers: [UInt64] = []
    var damage: [LogDamage] = []
    try simulator.run { effects in
      let log = try RedoLog.recover(
        directory: LogWorld.directory, id: LogWorld.id, from: superblock.from,
        coveredThrough: superblock.durable, generation: superblock.generation, effects: effects,
        configuration: Self.roomy, damaged: { damage.append($0) }, beginsSegment: beginsSegment,
        replay: { numbers.append($0.transaction.rawValue) })
      try body(log)
      try log.close()
    }
    return (numbers, damage, simulator.disk.snapshot)
  }

  @Test(arguments: 0..<11 as Range<UInt64>)
  func `hands out every record of every sound batch`(_ bad: UInt64) throws {
    var (image, ends) = try image()
    image.flipBit(of: LogWorld.path(0), at: (2 + bad) * 4096 + 80, bit: 1)
    let found = try recover(image) { try $0.commit(Entry(100)) }
    #expect(found.numbers == (0..<12).filter { $0 != bad })
    #expect(found.damage.count == 1)
    let lost = try #require(found.damage.first?.lost)
    #expect(lost.contains(ends[Int(bad)]))
    if bad > 0 { #expect(!lost.contains(ends[Int(bad) - 1])) }
    #expect(!lost.contains(ends[Int(bad) + 1]))
    // The log goes on, and what lies before where the next one begins is not looked at.
    let again = try recover(found.image)
    #expect(again.numbers == (0..<12).filter { $0 != bad } + [100])
    #expect(again.damage.count == 1)
    let behind = try recover(found.image, Superblock(from: ends[Int(bad) + 1]))
    #expect(behind.damage.isEmpty)
  }

  @Test func `cuts a torn tail without a word, unless it is covered`() throws {
    var (image, ends) = try image()
    image.flipBit(of: LogWorld.path(0), at: 13 * 4096 + 80, bit: 1)
    let torn = try recover(image)
    #expect(torn.numbers == Array(0..<11))
    #expect(torn.damage.isEmpty)
    let covered = try recover(image, Superblock(durable: ends[11])) { log in
      // No position of what is lost is given again.
      let position = try log.commit(Entry(100))
      #expect(position > ends[11])
    }
    #expect(covered.numbers == Array(0..<11))
    #expect(covered.damage.count == 1)
  }

  @Test func `can leave the newest segment alone`() throws {
    let (image, _) = try image()
    let found = try recover(image, beginsSegment: true) { log in
      try log.commit(Entry(100))
      #expect(log.statistics.segmentsMade == 1)
    }
    let again = try recover(found.image)
    #expect(again.numbers == Array(0..<12) + [100])
    #expect(again.damage.isEmpty)
  }
}
