import ArgumentParser
import Foundation
import Martlet

/// Measures Martlet on data larger than its cache: how long opening takes, a cold scan, random
/// reads, and what a scan costs a set of pages in use.
///
/// The database stays, so that a second run finds it. What the system caches of its files is
/// dropped before each part.
struct BeyondMemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "beyond-memory",
    abstract: "Measure Martlet on data that is larger than its cache.")

  @Option(help: "The number of records, loaded when the folder is empty.")
  var records: Int = 18_000_000

  @Option(help: "Mebibytes of cache.")
  var cacheMebibytes: Int = 256

  @Option(help: "Numbers of threads that read.")
  var threads: [Int] = [1, 8]

  @Option(help: "Random reads of all threads together.")
  var reads: Int = 20_000

  @Flag(help: "Read past the system's own memory for files.")
  var direct = false

  @Flag(help: "Load in random order.")
  var shuffled = false

  @Option(help: "What to measure: open, scan, read, hot.")
  var parts: [String] = ["open", "scan", "read", "hot"]

  @Option(help: "The seed of keys and values.")
  var seed: UInt64 = 1

  @Option(help: "The folder of the database.")
  var directory: String

  func run() throws {
    let dataset = Dataset(recordCount: records, seed: seed)
    if !FileManager.default.fileExists(atPath: directory + "/data.martlet") {
      try withDatabase { try load(dataset, $0, $1) }
    }
    if parts.contains("open") {
      for _ in 0..<3 { try withDatabase { _, _ in } }
    }
    if parts.contains("scan") {
      try withDatabase { database, keyspace in
        let seconds = try seconds { try scan(database, keyspace) }
        print("cold scan: \(seconds) s, \(Int(Double(records) / seconds)) records/s")
        print("page reads \(database.statistics.pageReads)")
      }
    }
    for threads in threads where parts.contains("read") {
      try withDatabase { database, keyspace in
        let work = try read(dataset, 0..<records, reads, threads, database, keyspace)
        let seconds = Double(work.nanoseconds) / 1e9
        let pageReads = database.statistics.pageReads
        print(
          "random reads, \(threads) threads: \(Int(Double(reads) / seconds))/s,"
            + " \(Double(work.processorNanoseconds) / 1e3 / Double(reads)) us of processor each,"
            + " \(pageReads) page reads")
      }
    }
    if parts.contains("hot") { try withDatabase { try hotSet(dataset, $0, $1) } }
  }

  /// Opens the database cold, says how long that took, and closes it.
  private func withDatabase(_ body: (Database, Keyspace) throws -> Void) throws {
    dropCaches()
    var configuration = Configuration()
    configuration.cacheSize = cacheMebibytes << 20
    configuration.durability = .relaxed
    configuration.fileCaching = direct ? .none : .system
    let begin = MonotonicClock.nanoseconds
    let database = try Database(at: directory, configuration: configuration)
    let opened = MonotonicClock.nanoseconds
    let keyspace = try database.keyspace("records")
    let statistics = database.statistics
    print(
      "open: \(Double(opened - begin) / 1e6) ms, file \(statistics.fileBytes >> 20) MiB,"
        + " used \(statistics.usedBytes >> 20) MiB, \(statistics.mappedPages) pages")
    try body(database, keyspace)
    let resident = ProcessMemory.currentByteCount
    try database.close()
    print("  resident \(resident >> 20) MiB, peak \(ProcessMemory.peakByteCount >> 20) MiB")
  }

  private func load(_ dataset: Dataset, _ database: Database, _ keyspace: Keyspace) throws {
    let order = shuffled ? dataset.shuffledOrder : dataset.ascendingOrder
    for first in stride(from: 0, to: records, by: Scale.batchRecords) {
      let batch = dataset.records(of: order[first..<min(first + Scale.batchRecords, records)])
      try database.write { transaction in
        for offset in stride(from: 0, to: batch.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          try transaction.set(
            Array(batch[split..<offset + RecordShape.byteCount]), for: Array(batch[offset..<split]),
            in: keyspace)
        }
      }
    }
  }

  private func scan(_ database: Database, _ keyspace: Keyspace) throws {
    var count = 0
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { _, _ in
        count += 1
        return .continue
      }
    }
    guard count == records else {
      throw BenchmarkError.wrongRecordCount(expected: records, found: count)
    }
  }

  private func read(
    _ dataset: Dataset, _ range: Range<Int>, _ reads: Int, _ threads: Int, _ database: Database,
    _ keyspace: Keyspace
  ) throws -> Team.Teamwork<Void> {
    try Team.run(threads: threads) { thread in
      SeededGenerator(seed: dataset.streamSeed(thread))
    } work: { _, generator in
      var generator = generator
      for _ in 0..<reads / threads {
        var key: [UInt8] = []
        dataset.appendKey(Int.random(in: range, using: &generator), to: &key)
        try database.read { snapshot in
          let found: Void? = try snapshot.withBytes(for: key, in: keyspace) { _ in }
          if found == nil { throw BenchmarkError.missingKey(engine: "martlet") }
        }
      }
    }
  }

  /// Reads within half a cache of neighbours until they are in memory, scans everything, and reads
  /// among them again.
  private func hotSet(_ dataset: Dataset, _ database: Database, _ keyspace: Keyspace) throws {
    let pages = Int(database.statistics.mappedPages)
    let hotPages = (cacheMebibytes << 20) / Int(database.statistics.pageSize) / 2
    let hot = 0..<min(records, records / pages * hotPages)
    let rounds = 20 * hotPages
    for part in ["filled", "before the scan", "after it"] {
      if part == "after it" { try scan(database, keyspace) }
      let before = database.statistics.pageReads
      _ = try read(dataset, hot, rounds, 1, database, keyspace)
      let missed = database.statistics.pageReads - before
      print("hot set, \(part): \(missed) page reads in \(rounds) reads of \(hotPages) pages")
    }
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = MonotonicClock.nanoseconds
    try body()
    return Double(MonotonicClock.nanoseconds - begin) / 1e9
  }

  private func dropCaches() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    for name in names { FileCache.drop("\(directory)/\(name)") }
  }
}
