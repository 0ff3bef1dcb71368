import Environment
import Primitives
import RawBytes
import RedoLog
import Seeds
import Simulation
import Testing

/// Startup cases of the log (rule R4): what opening makes of each state of its files.
@Suite("Torn tails against damage")
struct DamageTests {
  private static let roomy = LogConfiguration(
    firstSegmentByteCount: 1 << 18, largestSegmentByteCount: 1 << 18)

  /// Twelve commits of a block each in segment 0, behind the opening batch, and no orderly end.
  private func image(
    commits: UInt64 = 12, byteCount: Int = 100, _ configuration: LogConfiguration = roomy
  ) throws -> (DiskImage, LogPosition) {
    let simulator = Simulator(seed: 1)
    var image = DiskImage()
    var end = LogPosition.zero
    try simulator.run { effects in
      let log = try LogWorld.create(effects, configuration)
      for number in 0..<commits { end = try log.commit(Entry(number, byteCount: byteCount)) }
      image = simulator.disk.snapshot
      log.poison()
      try? log.close()
    }
    return (image, end)
  }

  private func found(_ error: (any Error)?) -> String? {
    guard case LogError.corrupt(let error)? = error else { return nil }
    return error.found
  }

  /// The offset of the nth commit's batch.
  private func offset(_ commit: UInt64) -> UInt64 { (2 + commit) * 4096 }

  @Test func `a bad last batch is a torn tail and is cut (W2)`() throws {
    for byte in [0, 9, 17, 60, 69, 75, 150] as [UInt64] {
      var (image, _) = try image()
      image.flipBit(of: LogWorld.path(0), at: offset(11) + byte, bit: 2)
      let (entries, _) = try LogWorld.reopen(image)
      #expect(entries.map(\.number) == Array(0..<11))
    }
  }

  @Test func `a bad batch before a sound one is damage, reported and never cut (W2)`() throws {
    for commit in 0..<11 as Range<UInt64> {
      var (image, _) = try image()
      image.flipBit(of: LogWorld.path(0), at: offset(commit) + 80, bit: 1)
      let before = image.contents(of: LogWorld.path(0))
      let error = LogWorld.errorOfOpening(image)
      #expect(found(error)?.contains("batch \(commit + 3)") == true, "\(String(describing: error))")
      #expect(image.contents(of: LogWorld.path(0)) == before)
    }
  }

  @Test func `a bad last batch that the superblock covers is damage (W2)`() throws {
    var (image, end) = try image()
    image.flipBit(of: LogWorld.path(0), at: offset(11) + 80, bit: 1)
    let covered = Superblock(durable: end)
    #expect(found(LogWorld.errorOfOpening(image, covered))?.contains("was durable") == true)
    let uncovered = Superblock(durable: LogPosition(end.rawValue - 4096))
    #expect(LogWorld.errorOfOpening(image, uncovered) == nil)
  }

  @Test func `an erased middle of the log is damage`() throws {
    var (image, _) = try image()
    let zeros = [UInt8](repeating: 0, count: 2 * 4096)
    image.overwrite(LogWorld.path(0), at: offset(5), with: zeros)
    #expect(found(LogWorld.errorOfOpening(image)) != nil)
  }

  @Test func `a missing segment in the middle is damage, a missing first one too`() throws {
    let (image, end) = try image(commits: 120, byteCount: 3000, LogWorld.small)
    let names = image.paths.filter { $0.contains("/log-") }
    #expect(names.count >= 4)
    for name in names.dropLast(2) {
      var broken = image
      broken.remove(name)
      let error = LogWorld.errorOfOpening(broken)
      #expect(found(error) != nil, "\(name): \(String(describing: error))")
    }
    // The newest segment leaves no gap behind it; but the superblock may know of it.
    var broken = image
    for name in names.suffix(2) { broken.remove(name) }
    #expect(found(LogWorld.errorOfOpening(broken, Superblock(durable: end))) != nil)
  }

  @Test func `no log at all is damage`() throws {
    var (image, _) = try image()
    image.remove(LogWorld.path(0))
    #expect(found(LogWorld.errorOfOpening(image)) == "no log segments")
  }

  @Test func `a damaged segment header is damage, a cut-off segment too`() throws {
    var (image, _) = try image()
    image.flipBit(of: LogWorld.path(0), at: 33, bit: 1)
    #expect(found(LogWorld.errorOfOpening(image)) != nil)
    var (short, _) = try self.image()
    short.truncate(LogWorld.path(0), to: 1 << 17)
    #expect(found(LogWorld.errorOfOpening(short)) != nil)
  }

  @Test func `damage in a segment that no recovery needs does not matter`() throws {
    let (image, end) = try image(commits: 120, byteCount: 3000, LogWorld.small)
    let superblock = Superblock(from: end, durable: end)
    var broken = image
    broken.flipBit(of: LogWorld.path(0), at: 33, bit: 1)
    broken.flipBit(of: LogWorld.path(0), at: offset(3), bit: 1)
    #expect(try LogWorld.reopen(broken, superblock).entries == [])
  }

  @Test func `a segment of another database is refused (F9)`() throws {
    let (image, _) = try image()
    let simulator = Simulator(seed: 2, disk: image)
    let other = DatabaseID(high: 1, low: 2)
    #expect(
      throws: LogError.wrongDatabase(path: LogWorld.path(0), found: LogWorld.id)
    ) {
      try simulator.run { effects in
        try RedoLog.recover(
          directory: LogWorld.directory, id: other, from: .zero, coveredThrough: .zero,
          generation: Generation(0), effects: effects, replay: { _ in })
      }
    }
  }

  @Test func `a segment under another segment's name is damage`() throws {
    var (image, _) = try image()
    let bytes = try #require(image.contents(of: LogWorld.path(0)))
    image.put(LogWorld.path(7), bytes)
    #expect(found(LogWorld.errorOfOpening(image)) != nil)
  }

  @Test func `old batches in a reused segment are none (W1)`() throws {
    // Segment 0's bytes under a header with a new salt, as reuse leaves them.
    var (image, _) = try image()
    var bytes = try #require(image.contents(of: LogWorld.path(0)))
    let block = AlignedMemory(byteCount: 4096)
    SegmentHeader(database: LogWorld.id, number: 1, salt: 42, size: UInt64(bytes.count))
      .encode(into: block.bytes)
    bytes.replaceSubrange(0..<4096, with: block.bytes.view.array)
    image.put(LogWorld.path(1), bytes)
    #expect(try LogWorld.reopen(image).entries.count == 12)
  }

  @Test func `what is being made is no part of the log and is cleared away`() throws {
    var (image, _) = try image()
    image.put(LogWorld.directory + "/" + SegmentName.temporaryName(9), [1, 2, 3])
    let (entries, after) = try LogWorld.reopen(image)
    #expect(entries.count == 12)
    #expect(!after.paths.contains { $0.hasSuffix(".new") })
  }

  @Test func `a cut tail never comes back, although the next crash comes at once (W4)`() throws {
    // The last batch spans five blocks; its tail is torn, its other blocks stay as they are.
    var (image, _) = try image(commits: 6)
    let simulator = Simulator(seed: 3, disk: image)
    try simulator.run { effects in
      let (log, _, _) = try LogWorld.recover(effects)
      try log.commit(Entry(50, byteCount: 18_000))
      image = simulator.disk.snapshot
      log.poison()
      try? log.close()
    }
    let whole = image
    let batch = offset(7)
    image.flipBit(of: LogWorld.path(0), at: batch + 4096 * 3, bit: 0)
    var (entries, after) = try LogWorld.reopen(image, leavingInOrder: false)
    #expect(entries.count == 6)
    // Even the very bytes that were torn do not bring it back once its first block is gone.
    let bytes = try #require(whole.contents(of: LogWorld.path(0)))
    let rest = Int(batch) + 4096..<Int(batch) + 4096 * 5
    after.overwrite(LogWorld.path(0), at: UInt64(rest.lowerBound), with: Array(bytes[rest]))
    (entries, after) = try LogWorld.reopen(after, leavingInOrder: false)
    #expect(entries.count == 6)
    (entries, after) = try LogWorld.reopen(after) { log, _ in try log.commit(Entry(51)) }
    #expect(try LogWorld.reopen(after).entries.map(\.number) == [0, 1, 2, 3, 4, 5, 51])
  }

  @Test func `random damage never traps, and never gives a record that was not written`() throws {
    let seed = Seed.take(for: #function)
    var generator = SeededGenerator(seed: seed)
    let (image, _) = try image(commits: 30, byteCount: 2500)
    var refusals = 0
    for _ in 0..<150 {
      var broken = image
      for _ in 0..<1 + generator.below(3) {
        let offset = UInt64(generator.below(1 << 16))
        broken.flipBit(of: LogWorld.path(0), at: offset, bit: generator.below(8))
      }
      do {
        let (entries, _) = try LogWorld.reopen(broken)
        #expect(entries.map(\.number) == Array(0..<UInt64(entries.count)))
      } catch {
        #expect(error is LogError)
        refusals += 1
      }
    }
    #expect(refusals > 20)
  }
}
