import Foundation
import Martlet
import RawBytes
import Synchronization
import Testing

import Environment
import Simulation

/// What a database tells of itself.
@Suite struct InsightTests {
  /// Collects events.
  final class Collector: Sendable {
    private let seen = Mutex<[DatabaseEvent]>([])
    func note(_ event: DatabaseEvent) { seen.withLock { $0.append(event) } }
    func all(_ kind: DatabaseEvent.Kind) -> [DatabaseEvent] {
      seen.withLock { $0.filter { $0.kind == kind } }
    }
  }

  @Test func `a slow transaction is kept with its label and where its time went`() throws {
    let collector = Collector()
    let database = try Database.inMemory(
      configuration: Configuration(
        slowTransactionThreshold: .milliseconds(40), events: { collector.note($0) }))
    let keyspace = try database.keyspace("people")
    try database.write(label: "quick") { try $0.set("1", for: "a", in: keyspace) }
    try database.write(label: "import") { transaction in
      try transaction.set("1", for: "a", in: keyspace)
      Thread.sleep(forTimeInterval: 0.08)
    }
    try database.read(label: "report") { _ in Thread.sleep(forTimeInterval: 0.06) }
    let statistics = database.statistics
    #expect(statistics.slowTransactionCount == 2)
    let slow = try #require(statistics.slowTransactions.first)
    #expect(slow.label == "import")
    #expect(slow.outcome == "committed")
    #expect(slow.body >= .milliseconds(40))
    #expect(slow.total >= slow.body)
    #expect(slow.lockWait == .zero)
    #expect(statistics.slowTransactions.last?.label == "report")
    #expect(statistics.slowTransactions.last?.outcome == "read")
    let event = try #require(collector.all(.slowTransaction).first)
    #expect(event.metadata["label"] == .text("import"))
    #expect(event.metadata["transaction"] == .integer(Int64(slow.transaction)))
    #expect(event.message.contains("\"import\""))
  }

  @Test func `a wait for a lock is counted, timed and told apart from the body`() throws {
    let database = try Database.inMemory(
      configuration: Configuration(slowTransactionThreshold: .milliseconds(40)))
    let keyspace = try database.keyspace("people")
    let holds = DispatchSemaphore(value: 0)
    let thread = Thread {
      try? database.write(isolation: .repeatableRead, label: "holds") { transaction in
        try transaction.set("1", for: "a", in: keyspace)
        holds.signal()
        while database.waitingTransactions.isEmpty { Thread.sleep(forTimeInterval: 0.001) }
        Thread.sleep(forTimeInterval: 0.08)
      }
    }
    thread.start()
    holds.wait()
    try database.write(isolation: .repeatableRead, label: "waits") {
      try $0.set("2", for: "a", in: keyspace)
    }
    let statistics = database.statistics
    #expect(statistics.lockWaits == 1)
    #expect(statistics.lockWaitLatency.count == 1)
    #expect(statistics.lockWaitLatency.total >= .milliseconds(60))
    let slow = try #require(statistics.slowTransactions.first { $0.label == "waits" })
    #expect(slow.lockWait >= .milliseconds(60))
    #expect(slow.body < slow.lockWait)
  }

  @Test func `who pins old versions is named with its label`() throws {
    let collector = Collector()
    let database = try Database.inMemory(
      configuration: Configuration(versionBudget: 1 << 16, events: { collector.note($0) }))
    let keyspace = try database.keyspace("people")
    let value = [UInt8](repeating: 7, count: 1000)
    try database.write { try $0.set(value, for: "a", in: keyspace) }
    try database.read(label: "nightly report") { snapshot in
      for _ in 0..<4 {
        for key in 0..<10 {
          try database.write { try $0.set(value, for: "key\(key)", in: keyspace) }
        }
      }
      let pins = database.statistics.pinningSnapshots
      #expect(pins.map(\.label) == ["nightly report"])
      #expect(pins.first?.transaction == 0)
      _ = try snapshot.get("a", in: keyspace)
      // The first of each key hides nothing, and only the versions that this snapshot sees hang on
      // it: none of those keys was there. One that was is.
      try database.write { try $0.set(value, for: "a", in: keyspace) }
      let pinned = try #require(database.statistics.pinningSnapshots.first)
      #expect(pinned.pinnedBytes > 0)
      #expect(database.statistics.pinnedVersionBytes > 0)
    }
    #expect(database.statistics.pinningSnapshots.isEmpty)
    #expect(database.statistics.openSnapshots == 0)

    // Half the budget: sixty versions of a kilobyte.
    for key in 0..<60 {
      try database.write { try $0.set(value, for: "key\(key)", in: keyspace) }
    }
    _ = try? database.read(label: "long export") { snapshot in
      for key in 0..<60 {
        try database.write { try $0.set(value, for: "key\(key)", in: keyspace) }
      }
    }
    let warning = try #require(collector.all(.pinnedVersions).first)
    #expect(warning.severity == .warning)
    #expect(warning.message.contains("long export"))
    #expect(warning.metadata["label"] == .text("long export"))
    #expect(warning.metadata["budget"] == .integer(1 << 16))
  }

  @Test func `checkpoints are counted with their age and duration`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("people")
    try database.write { try $0.set("1", for: "a", in: keyspace) }
    let before = database.statistics
    #expect(before.logBytesSinceCheckpoint > 0)
    try database.checkpoint()
    let after = database.statistics
    #expect(after.checkpoints == before.checkpoints + 1)
    #expect(after.failedCheckpoints == 0)
    #expect(after.logBytesSinceCheckpoint == 0)
    #expect(after.checkpointAge < .seconds(60))
  }

  @Test func `look-ups are counted across transactions and threads`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("people")
    try database.write { try $0.set("1", for: "a", in: keyspace) }
    let before = database.statistics.keyLookups
    let threads = 4
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      for _ in 0..<100 {
        _ = try? database.read { try $0.get("a", in: keyspace) }
      }
    }
    let statistics = database.statistics
    #expect(statistics.keyLookups == before + UInt64(threads * 100))
    #expect(
      statistics.cacheHits + min(statistics.cacheMisses, statistics.keyLookups)
        == statistics.keyLookups)
  }

  @Test func `durable commits are timed, relaxed ones are not`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("people")
    let before = database.statistics.commitLatency.count
    for index in 0..<10 { try database.write { try $0.set("1", for: "\(index)", in: keyspace) } }
    try database.write(durability: .relaxed) { try $0.set("1", for: "b", in: keyspace) }
    #expect(database.statistics.commitLatency.count == before + 10)
    #expect(database.statistics.flushLatency.count >= 10)
  }

  @Test func `a disk that may be full before the next checkpoint is warned of once`() throws {
    let simulator = Simulator(seed: 1)
    simulator.disk.capacity = 32 << 20
    try simulator.run { effects in
      let database = try Database(
        at: "/db",
        configuration: Configuration(
          cacheSize: 64 << 20, durability: .relaxed, checkpointLogBytes: 1 << 20),
        effects: effects)
      let keyspace = try database.keyspace("people")
      // What is asked for by hand is the caller's to watch; the background looks after its own.
      for round in 0..<3 {
        let before = database.statistics.checkpoints
        while database.statistics.checkpoints == before {
          try database.write { transaction in
            for key in 0..<50 {
              try transaction.set(
                [UInt8](repeating: UInt8(round), count: 900), for: "key\(key)", in: keyspace)
            }
          }
        }
      }
      try database.close()
    }
    let warnings = simulator.events.filter { $0.kind == .diskSpace }
    #expect(warnings.count == 1)
    #expect(warnings.first?.facts["neededBytes"] == .integer(33 << 20))
    #expect(warnings.first?.severity == .warning)
  }

  @Test func `statistics survive being coded`() throws {
    let database = try Database.inMemory(
      configuration: Configuration(slowTransactionThreshold: .zero))
    let keyspace = try database.keyspace("people")
    try database.write(label: "one") { try $0.set("1", for: "a", in: keyspace) }
    let statistics = database.statistics
    #expect(!statistics.slowTransactions.isEmpty)
    let data = try JSONEncoder().encode(statistics)
    #expect(try JSONDecoder().decode(Statistics.self, from: data) == statistics)
  }
}

/// A histogram of powers of two.
@Suite struct LatencyHistogramTests {
  @Test func `times fall into the bucket whose bound they do not exceed`() {
    for index in 0..<LatencyHistogram.bucketCount - 1 {
      let bound = LatencyHistogram.upperBound(ofBucket: index)
      var histogram = LatencyHistogram()
      histogram.record(bound)
      histogram.record(bound + .nanoseconds(1))
      #expect(histogram.counts[index] == 1, "bucket \(index)")
      #expect(histogram.counts[index + 1] == 1, "bucket \(index)")
    }
  }

  @Test func `quantiles are bounds that the share does not exceed`() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == .zero)
    for _ in 0..<99 { histogram.record(.microseconds(3)) }
    histogram.record(.seconds(1))
    #expect(histogram.count == 100)
    #expect(histogram.quantile(0.5) == .microseconds(4))
    #expect(histogram.quantile(0.99) == .microseconds(4))
    #expect(histogram.quantile(1) >= .seconds(1))
    #expect(histogram.mean > .milliseconds(10))
  }
}

/// Where the bytes are.
@Suite struct SpaceReportTests {
  @Test func `a report adds up entries, tombstones, large values and pages`() throws {
    let database = try Database.inMemory()
    let small = try database.keyspace("small")
    let large = try database.keyspace("large")
    try database.write { transaction in
      for index in 0..<3000 {
        try transaction.set("value \(index)", for: "key \(index)", in: small)
      }
      for index in 0..<3 {
        try transaction.set([UInt8](repeating: 1, count: 100_000), for: "\(index)", in: large)
      }
    }
    try database.read { _ in
      try database.write { transaction in
        for index in 0..<100 { try transaction.remove("key \(index)", in: small) }
      }
      try database.checkpoint()
      let report = try database.spaceReport()
      #expect(report.keyspaces.map(\.name) == ["large", "small"])
      let second = report.keyspaces[1]
      #expect(second.entries == 2900)
      #expect(second.tombstones == 100)
      #expect(second.largeValues == 0)
      #expect(second.leafPages > 1 && second.innerPages == 1 && second.height == 2)
      #expect(second.storedBytes > 0 && second.storedBytes <= second.pages * report.pageSize)
      let first = report.keyspaces[0]
      #expect(first.largeValues == 3)
      #expect(first.largeValuePages >= 18)
      #expect(first.contentBytes >= 300_000 && first.contentBytes < 300_100)
      #expect(report.usedBytes <= report.fileBytes)
      #expect(report.logBytes == 0)
    }
  }
}
