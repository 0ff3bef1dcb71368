import ArgumentParser
import Foundation
import Martlet
import Synchronization

/// Measures what a checkpoint costs those who commit meanwhile.
///
/// One thread replaces random values, a key a transaction, without pause. First nothing else runs;
/// then, with that much dirty in memory, a checkpoint is written, again and again until enough
/// commits fell into one.
struct CheckpointLatencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint-latency",
    abstract: "Measure the latency of commits with and without a checkpoint under way.")

  @Option(help: "Mebibytes of pages that are dirty when a checkpoint begins, about.")
  var dirtyMebibytes: Int = 1024

  @Option(help: "Mebibytes of cache; twice what is dirty by default.")
  var cacheMebibytes: Int?

  @Option(help: "What a commit waits for: relaxed or full.")
  var durability: EngineOptions.Durability = .relaxed

  @Option(help: "Threads that commit.")
  var threads: Int = 1

  @Option(help: "Checkpoints to measure.")
  var checkpoints: Int = 3

  @Option(help: "The seed of keys and values.")
  var seed: UInt64 = 1

  @Option(help: "The folder of the database: it must be empty or absent.")
  var directory: String

  /// Records of ascending keys that fill a page of 16 KiB.
  private static let recordsPerPage = 120
  private static let quietSeconds = 4.0

  func run() throws {
    let recordCount = (dirtyMebibytes << 20) / (16 << 10) * Self.recordsPerPage
    let dataset = Dataset(recordCount: recordCount, seed: seed)
    var configuration = Configuration()
    configuration.cacheSize = (cacheMebibytes ?? 2 * dirtyMebibytes) << 20
    configuration.durability = .relaxed
    configuration.checkpointLogBytes = 1 << 40
    configuration.checkpointInterval = .seconds(1 << 20)
    let database = try Database(at: directory, configuration: configuration)
    let keyspace = try database.keyspace("records")
    try load(dataset, database, keyspace)
    let committers = (0..<threads).map { thread in
      Committer(
        database: database, keyspace: keyspace, dataset: dataset, stream: thread,
        durability: durability == .full ? .full : .relaxed)
    }
    let running = committers.map { committer in JoinableThread { committer.run() } }
    func enter(_ phase: Committer.Phase) { for committer in committers { committer.enter(phase) } }
    Thread.sleep(forTimeInterval: Self.quietSeconds)
    for _ in 0..<checkpoints {
      awaitDirtyPages(database)
      enter(.checkpoint)
      let begin = MonotonicClock.nanoseconds
      try database.checkpoint()
      let seconds = Double(MonotonicClock.nanoseconds - begin) / 1e9
      enter(.quiet)
      print("a checkpoint took \(seconds) s; \(database.statistics.handOvers) hand-overs so far")
    }
    enter(.over)
    for thread in running { thread.join() }
    report(committers)
    try database.close()
  }

  /// Until most pages are dirty again, or a minute has passed.
  private func awaitDirtyPages(_ database: Database) {
    for _ in 0..<240 where database.statistics.dirtyBytes < UInt64(dirtyMebibytes) << 20 * 8 / 10 {
      Thread.sleep(forTimeInterval: 0.25)
    }
  }

  private func report(_ committers: [Committer]) {
    let quiet = committers.flatMap { $0.latencies(of: .quiet) }
    let beside = committers.flatMap { $0.latencies(of: .checkpoint) }
    var table = TextTable(header: ["phase", "commits", "p50 us", "p99 us", "p99.9 us", "max us"])
    for (name, samples) in [("without", quiet), ("checkpoint", beside)] {
      guard let summary = LatencySummary(samples) else { continue }
      table.add(
        [
          name, "\(samples.count)", "\(summary.p50)", "\(summary.p99)", "\(summary.p999)",
          "\(Double(samples.max() ?? 0) / 1_000)",
        ])
    }
    print(table.lines.joined(separator: "\n"))
  }

  private func load(_ dataset: Dataset, _ database: Database, _ keyspace: Keyspace) throws {
    for first in stride(from: 0, to: dataset.recordCount, by: Scale.batchRecords) {
      let end = min(first + Scale.batchRecords, dataset.recordCount)
      let records = dataset.records(of: first..<end)
      try database.write { transaction in
        for offset in stride(from: 0, to: records.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          try transaction.set(
            Array(records[split..<offset + RecordShape.byteCount]),
            for: Array(records[offset..<split]), in: keyspace)
        }
      }
    }
  }
}

/// One thread that commits, and the time each commit took by what went on when it began.
private final class Committer: @unchecked Sendable {
  // SENDABLE: `samples` belongs to the thread in `run` until it has been joined; the phase is
  // atomic; the rest is constant.
  enum Phase: Int { case quiet, checkpoint, over }

  private let database: Database
  private let keyspace: Keyspace
  private let dataset: Dataset
  private let stream: Int
  private let durability: Durability
  private let phase = Atomic<Int>(Phase.quiet.rawValue)
  private var samples: [[UInt32]] = [[], []]

  init(
    database: Database, keyspace: Keyspace, dataset: Dataset, stream: Int, durability: Durability
  ) {
    self.database = database
    self.keyspace = keyspace
    self.dataset = dataset
    self.stream = stream
    self.durability = durability
  }

  func enter(_ phase: Phase) { self.phase.store(phase.rawValue, ordering: .releasing) }

  func latencies(of phase: Phase) -> [UInt32] { samples[phase.rawValue] }

  func run() {
    var generator = SeededGenerator(seed: dataset.streamSeed(stream))
    let values = dataset.records(of: 0..<1_000, version: 1)
    var count = 0
    while true {
      let now = phase.load(ordering: .acquiring)
      if now == Phase.over.rawValue { return }
      var key: [UInt8] = []
      dataset.appendKey(Int.random(in: 0..<dataset.recordCount, using: &generator), to: &key)
      let start = count % 1_000 * RecordShape.byteCount
      let value = Array(
        values[start + RecordShape.keyByteCount..<start + RecordShape.byteCount])
      let begin = MonotonicClock.nanoseconds
      do {
        try database.write(durability: durability) { transaction in
          try transaction.set(value, for: key, in: keyspace)
        }
      } catch {
        preconditionFailure("a commit failed: \(error)")
      }
      samples[now].append(UInt32(clamping: MonotonicClock.nanoseconds - begin))
      count += 1
    }
  }
}
