import Environment
import Fuzzing
import Martlet
import MartletCommands
import Primitives
import RawBytes
import RedoLog
import Simulation
import Testing

/// What fuzzing has found, each with its story. The inputs themselves are in the corpus, as
/// `crash-…`.
@Suite struct `What fuzzing has found` {
  static let directory = "/database"
  static let segment = "/database/log-0000000000000000"

  /// The disk of a database that was cut off with a keyspace and two commits in its log.
  static func disk() throws -> DiskImage {
    let simulator = Simulator(seed: 3)
    return try simulator.run { effects in
      let database = try Database(at: directory, configuration: configuration, effects: effects)
      let keyspace = try database.keyspace("fruit")
      for number: UInt8 in 0..<2 {
        try database.write { try $0.set([number], for: Array("apple".utf8), in: keyspace) }
      }
      let disk = simulator.disk.snapshot
      try database.close()
      return disk.afterPowerCut(.keepAll, seed: 1)
    }
  }

  static var configuration: Configuration {
    var configuration = Configuration(pageSize: 4096, cacheSize: 64 * 4096)
    configuration.log = .init(firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 64 << 10)
    return configuration
  }

  /// Opens a disk, commits, closes: what a program does that trusts what it has opened.
  static func use(_ disk: DiskImage) throws {
    try Simulator(seed: 4, disk: disk).run { effects in
      let database = try Database(at: directory, configuration: configuration, effects: effects)
      let keyspace = try database.keyspace("fruit")
      try database.write { try $0.set([9], for: Array("pear".utf8), in: keyspace) }
      try database.checkpoint()
      try database.close()
    }
  }

  /// The disk with one integer of the log changed, and every checksum right again.
  static func forged(
    _ disk: DiskImage, at offset: Int, _ value: UInt64
  ) throws -> DiskImage {
    let bytes = try #require(disk.contents(of: segment))
    let memory = AlignedMemory(byteCount: bytes.count)
    bytes.withByteView { memory.bytes.copy($0) }
    memory.bytes.store(value, at: offset)
    Checksums.repairSegment(memory.bytes, links: true)
    var forged = disk
    forged.put(segment, memory.bytes.view.array)
    return forged
  }

  /// `load` promises to skip a byte order mark. It looked for one in the first bytes that a read
  /// gave, so a pipe that gave the mark in pieces made it part of the first key. Found by the
  /// `load` target: the same file in chunks of one byte had other rows.
  @Test(arguments: 1...5)
  func `a byte order mark that comes in pieces is skipped`(_ chunk: Int) throws {
    let bytes = Array("\u{FEFF}key\tvalue\n".utf8)
    var position = 0
    let source = ByteSource(name: "pipe", byteCount: nil) {
      defer { position = min(position + chunk, bytes.count) }
      return Array(bytes[position..<min(position + chunk, bytes.count)])
    }
    var reader = RowReader(source: source, layout: InputLayout(format: .tsv, key: .number(1)))
    #expect(try reader.next()?.key == Array("key".utf8))
    #expect(try reader.next() == nil)
  }

  /// The control of the tests below: forging itself does not make a log unusable.
  @Test func `a log that is sealed anew unchanged is used as before`() throws {
    let disk = try Self.disk()
    let number = try #require(disk.contents(of: Self.segment)?[4096 + 16])
    try Self.use(disk)
    try Self.use(Self.forged(disk, at: 4096 + 16, UInt64(number)))
  }

  /// A file `log-ffffffffffffffff` beside the log: recovery counts from the greatest number on, and
  /// one more than it trapped. Found by the `segment` and the `database` target within a minute of
  /// their first run.
  @Test func `a segment with the greatest number there is is refused`() throws {
    var disk = try Self.disk()
    let bytes = try #require(disk.contents(of: Self.segment))
    disk.put("/database/log-ffffffffffffffff", bytes)
    let error = #expect(throws: DatabaseError.self) { try Self.use(disk) }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("log-ffffffffffffffff") == true)
  }

  /// Sound batches whose numbers leave no room behind them: the log goes on from the last one, at
  /// positions, numbers and timestamps above its own. Seen in the code beside the find above.
  @Test(arguments: [("number", 16), ("position", 24), ("durable position", 32), ("ceiling", 48)])
  func `a batch from which a log cannot go on is refused`(_ field: String, _ offset: Int) throws {
    for value: UInt64 in [.max, .max - 4095, 1 << 63] {
      let disk = try Self.forged(Self.disk(), at: SegmentHeader.blockByteCount + offset, value)
      let error = #expect(throws: DatabaseError.self, "\(field) \(value)") { try Self.use(disk) }
      #expect(error?.code == .corrupt, "\(field) \(value): \(error?.message ?? "none")")
    }
  }

  /// A large value of no bytes, or of more than an `Int` counts, in a continuation record: making
  /// its pages trapped. The engine writes neither.
  @Test(arguments: [0, UInt64.max, 1 << 63] as [UInt64])
  func `a continuation of an impossible value is refused`(_ byteCount: UInt64) {
    var buffer = ByteBuffer()
    Continuation.encode(
      ordinal: 0, byteCount: byteCount, offset: 0, piece: .empty, into: &buffer)
    let bytes = buffer.view.array
    #expect(throws: CorruptionError.self) {
      try bytes.withByteView { (view) throws(CorruptionError) in
        _ = try Continuation(decoding: view)
      }
    }
  }

  /// What a superblock remembers of the log, at the end of its integers: the clock and the number of
  /// the next transaction have to go on from there.
  @Test func `an owner state from which nothing can go on is refused`() {
    let fine = OwnerState(
      applied: LogPosition(8), replayFrom: LogPosition(8), clock: Timestamp(9),
      nextTransaction: TransactionID(3))
    #expect(throws: Never.self) { _ = try OwnerState(decoding: fine.encoded) }
    var states = [fine, fine, fine]
    states[0].applied = LogPosition(.max - 1)
    states[1].clock = .max
    states[2].nextTransaction = TransactionID(.max)
    for state in states {
      #expect(throws: CorruptionError.self) { _ = try OwnerState(decoding: state.encoded) }
    }
  }
}
