import Environment
import Primitives
import RawBytes
import RedoLog
import Simulation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One record as a test knows it.
struct Entry: Equatable, Sendable, CustomStringConvertible {
  var kind = RecordKind.commit
  var number: UInt64
  var byteCount: Int

  var timestamp: Timestamp { Timestamp(kind == .continuation ? 0 : 1000 + number) }

  var payload: [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: UInt64($0) &* 31 &+ number &* 7 &+ 1) }
  }

  init(_ number: UInt64, byteCount: Int = 100, kind: RecordKind = .commit) {
    self.number = number
    self.byteCount = byteCount
    self.kind = kind
  }

  init?(_ record: LogRecord) {
    self.init(record.transaction.rawValue, byteCount: record.payload.count, kind: record.kind)
    guard record.payload.array == payload, record.timestamp == timestamp,
      record.entryCount == UInt32(truncatingIfNeeded: number &+ 5)
    else { return nil }
  }

  var description: String { "\(kind) \(number) (\(byteCount) B)" }
}

/// What the owner of a log keeps in its superblock.
struct Superblock: Equatable, Sendable {
  var from = LogPosition.zero
  var durable = LogPosition.zero
  var generation = Generation(0)
}

enum LogWorld {
  static let directory = "/db"
  static let id = DatabaseID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
  static let small = LogConfiguration(
    firstSegmentByteCount: 1 << 16, largestSegmentByteCount: 1 << 18,
    spareByteCount: 1 << 19, unflushedByteLimit: 1 << 18)

  static func create(
    _ effects: Effects, _ configuration: LogConfiguration = small
  ) throws -> RedoLog {
    try effects.files.createDirectory(directory)
    try effects.files.syncDirectory("/")
    return try RedoLog.create(
      directory: directory, id: id, effects: effects, configuration: configuration)
  }

  struct UnreadableRecord: Error { let start: LogPosition }

  /// Opens the log again; the records are all that come after the superblock's position.
  static func recover(
    _ effects: Effects, _ superblock: Superblock = Superblock(),
    _ configuration: LogConfiguration = small
  ) throws -> (log: RedoLog, entries: [Entry], ends: [LogPosition]) {
    var entries: [Entry] = []
    var ends: [LogPosition] = []
    let log = try RedoLog.recover(
      directory: directory, id: id, from: superblock.from, coveredThrough: superblock.durable,
      generation: superblock.generation, effects: effects, configuration: configuration
    ) { record in
      guard let entry = Entry(record) else { throw UnreadableRecord(start: record.start) }
      entries.append(entry)
      ends.append(record.end)
    }
    return (log, entries, ends)
  }

  /// Opens a disk in a world of its own, looks at the records, and leaves in order or by a power
  /// cut. Returns the disk after it.
  static func reopen(
    _ image: DiskImage, _ superblock: Superblock = Superblock(), seed: UInt64 = 1,
    leavingInOrder: Bool = true, _ body: (RedoLog, [Entry]) throws -> Void = { _, _ in }
  ) throws -> (entries: [Entry], image: DiskImage) {
    let simulator = Simulator(seed: seed, disk: image)
    let entries = try simulator.run { effects in
      let (log, entries, _) = try recover(effects, superblock)
      do {
        try body(log, entries)
      } catch {
        log.poison()
        try? log.close()
        throw error
      }
      if leavingInOrder {
        try log.close()
      } else {
        log.poison()
        try? log.close()
      }
      return entries
    }
    return (entries, simulator.disk.afterPowerCut(.loseAll, seed: seed))
  }

  /// The error that opening a disk gives; nil when it opens.
  static func errorOfOpening(
    _ image: DiskImage, _ superblock: Superblock = Superblock()
  ) -> (any Error)? {
    do {
      _ = try reopen(image, superblock)
      return nil
    } catch {
      return error
    }
  }

  static func path(_ segment: UInt64) -> String { directory + "/" + SegmentName.name(segment) }
}

extension RedoLog {
  /// Reserves and appends.
  @discardableResult
  func add(_ entry: Entry) throws(LogError) -> LogPosition {
    try reserve(entry.byteCount)
    return append(entry)
  }

  /// Appends what there is a reservation for.
  func append(_ entry: Entry) -> LogPosition {
    entry.payload.withByteView { payload in
      append(
        entry.kind, transaction: TransactionID(entry.number), timestamp: entry.timestamp,
        entryCount: UInt32(truncatingIfNeeded: entry.number &+ 5), payload: payload)
    }
  }

  /// Reserves, appends and waits for the device.
  @discardableResult
  func commit(_ entry: Entry) throws(LogError) -> LogPosition {
    let end = try add(entry)
    try makeDurable(through: end)
    return end
  }
}
