import Environment
import Martlet
import Paging
import Primitives
import RawBytes
import RedoLog
import Simulation

/// A small database that the engine wrote, to begin from: its files, and where its structures lie
/// in them.
struct FolderTemplate: Sendable {
  /// A stretch that means something: a superblock's fields, a map entry, a node, a batch's header.
  struct Region: Sendable {
    let file: Int
    let bytes: Range<Int>
  }

  let disk: DiskImage
  /// The data file first, then the segments of the log.
  let paths: [String]
  let contents: [[UInt8]]
  let regions: [Region]

  static let directory = "/database"

  static var configuration: Configuration {
    var configuration = Configuration(
      pageSize: 4096, cacheSize: 64 * 4096, compression: .none, versionBudget: 1 << 20,
      checkpointLogBytes: 1 << 20, checkpointInterval: .seconds(3600))
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10, spareByteCount: 0)
    return configuration
  }

  init(disk: DiskImage) {
    self.disk = disk
    let names = disk.paths.filter { $0.hasSuffix("data.martlet") || $0.contains("/log-") }
    paths = names.sorted {
      ($0.hasSuffix("data.martlet") ? 0 : 1, $0) < ($1.hasSuffix("data.martlet") ? 0 : 1, $1)
    }
    contents = paths.map { disk.contents(of: $0) ?? [] }
    var regions: [Region] = []
    for (index, bytes) in contents.enumerated() {
      let found = bytes.withByteView { view in
        index == 0 ? Self.dataRegions(view) : Self.logRegions(view)
      }
      regions += found.map { Region(file: index, bytes: $0) }
    }
    self.regions = regions
  }

  // MARK: The databases to begin from

  /// Pages as they are; a tree of two levels, a large value, a dropped keyspace, and commits that
  /// only the log holds.
  static let plain = made(compression: .none, isClosed: false)
  /// The same with compressed images, closed in order.
  static let compressed = made(compression: .lz4, isClosed: true)
  /// A database that was only just created.
  static let empty = made(compression: .none, isClosed: false, isEmpty: true)

  static let all = [plain, compressed, empty]

  private static func made(
    compression: ImageCompression, isClosed: Bool, isEmpty: Bool = false
  ) -> FolderTemplate {
    let simulator = Simulator(seed: 42)
    var configuration = Self.configuration
    configuration.compression = compression
    do {
      let disk = try simulator.run { effects in
        let database = try Database(at: directory, configuration: configuration, effects: effects)
        if !isEmpty { try fill(database) }
        if isClosed { try database.close() }
        let disk = simulator.disk.snapshot
        try database.close()
        return disk
      }
      return FolderTemplate(disk: disk.afterPowerCut(.keepAll, seed: 1))
    } catch {
      violated("the database to begin from cannot be made: \(error)")
    }
  }

  private static func fill(_ database: Database) throws {
    let fruit = try database.keyspace("fruit")
    let big = try database.keyspace("big")
    let gone = try database.keyspace("gone")
    func key(_ number: Int) -> [UInt8] { Array("key-\(100_000 + number)".utf8) }
    try database.write { transaction in
      for number in 0..<160 {
        let value = [UInt8](repeating: UInt8(number & 127), count: 20 + number % 60)
        try transaction.set(value, for: key(number), in: fruit)
      }
      try transaction.set([1, 2, 3], for: key(0), in: gone)
      try transaction.set([UInt8](repeating: 7, count: 9000), for: key(1), in: big)
    }
    try database.write { transaction in
      for number in 40..<60 { try transaction.remove(key(number), in: fruit) }
    }
    try database.checkpoint()
    try database.dropKeyspace("gone")
    try database.write { transaction in
      try transaction.set([9], for: key(200), in: fruit)
      try transaction.remove(key(3), in: fruit)
    }
    try database.write { transaction in
      try transaction.set([UInt8](repeating: 8, count: 6000), for: key(2), in: big)
    }
    try database.write { transaction in try transaction.set([10], for: key(201), in: fruit) }
  }

  // MARK: Where structures lie

  private static func dataRegions(_ file: ByteView) -> [Range<Int>] {
    var regions: [Range<Int>] = []
    for block in 0..<4 where (block + 1) * Superblock.byteCount <= file.count {
      let start = block * Superblock.byteCount
      guard
        case .valid(let superblock) = Superblock.read(file[start..<start + Superblock.byteCount])
      else { continue }
      regions.append(start..<start + 224)
      let table = Int(superblock.rootTablePlace.byteOffset)
      regions.append(table..<table + superblock.rootTableByteCount)
      if superblock.mapDepth > 0 {
        collect(superblock.mapRoot, level: superblock.mapDepth, file, &regions)
      }
    }
    return regions
  }

  private static func collect(
    _ entry: PageMapEntry, level: Int, _ file: ByteView, _ regions: inout [Range<Int>]
  ) {
    let start = Int(entry.place.byteOffset)
    let bytes = start..<start + entry.place.byteCount
    guard bytes.upperBound <= file.count, !regions.contains(bytes) else { return }
    guard level > 0 else { return regions.append(bytes) }
    for slot in 0..<PageMap.entriesPerBlock {
      let offset = start + slot * PageMapEntry.byteCount
      let below = PageMapEntry(file, at: offset)
      guard !below.isAbsent else { continue }
      regions.append(offset..<offset + PageMapEntry.byteCount)
      collect(below, level: level - 1, file, &regions)
    }
  }

  private static func logRegions(_ file: ByteView) -> [Range<Int>] {
    var regions = [0..<SegmentHeader.byteCount]
    var offset = SegmentHeader.blockByteCount
    while offset + BatchHeader.blockByteCount <= file.count {
      guard let header = BatchHeader(peeking: file.dropFirst(offset)) else { break }
      regions.append(offset..<offset + BatchHeader.byteCount)
      var record = offset + BatchHeader.byteCount
      let end = record + Int(header.payloadByteCount)
      while record + LogRecord.headerByteCount <= end {
        let count = Int(file.load(UInt32.self, at: record + 4))
        regions.append(record..<record + LogRecord.headerByteCount)
        record += LogRecord.headerByteCount + count
        if count > 0, record <= end { regions.append(record - count..<record) }
      }
      offset += header.storedByteCount
    }
    return regions
  }
}
