import Foundation
import Martlet
import Testing

@Suite struct PerformanceSamples {
  private struct Reading: Codable, Identifiable, Sendable, Equatable {
    var id: Int
    var celsius: Double

    static let all = RecordCollection("readings", of: Reading.self)
  }

  private let readings = (1...100).map { Reading(id: $0, celsius: Double($0) / 4) }

  @Test func `batches and grades`() throws {
    let db = try Database.inMemory()
    try db.open(Schema(Reading.all))
    // sample: PerformanceTuning
    // A hundred waits for the medium.
    for reading in readings { try db.put(reading, in: Reading.all) }

    // One.
    try db.write { tx in
      for reading in readings { try tx.put(reading, in: Reading.all) }
    }

    // None: a crash may take it, whole, with whatever was committed after it.
    try db.write(durability: .relaxed) { tx in
      for reading in readings { try tx.put(reading, in: Reading.all) }
    }
    // end sample
    #expect(try db.fetch(Reading.all) == readings)
    #expect(db.statistics.commits >= 102)
  }

  @Test func `sizes of a server`() throws {
    // sample: PerformanceTuning
    let configuration = Configuration(
      pageSize: 8 << 10, cacheSize: 4 << 30, fileCaching: .none, checkpointLogBytes: 1 << 30)
    // end sample
    #expect(configuration.pageSize == 8192)
    var small = configuration
    small.cacheSize = 64 * configuration.pageSize
    #expect(try Database.inMemory(configuration: small).statistics.pageSize == 8192)
  }

  @Test func `statistics tell of what was slow`() throws {
    var output: [String] = []
    func print(_ items: Any...) { output.append(items.map { "\($0)" }.joined(separator: " ")) }
    let db = try Database.inMemory(
      configuration: Configuration(slowTransactionThreshold: .zero))
    try db.open(Schema(Reading.all))
    // sample: PerformanceTuning
    try db.write(label: "import") { tx in
      for reading in readings { try tx.put(reading, in: Reading.all) }
    }

    let statistics = db.statistics
    print(statistics.commits, "commits,", statistics.retries, "attempts made again")
    print(statistics.cacheMisses, "misses in", statistics.keyLookups, "look-ups")
    for slow in statistics.slowTransactions.prefix(3) { print(slow.summary) }
    // end sample
    #expect(output.count > 2)
    #expect(output.contains { $0.contains("import") })
  }
}
