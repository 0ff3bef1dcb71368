import InMemoryLogging
import InMemoryTracing
import Logging
import Martlet
import Metrics
import MetricsTestKit
import Synchronization
import Testing
import Tracing

/// What a program gets that asks for all of the package traits.
@Suite(.serialized) struct `With the package traits` {
  @Test func `news of a database go to a logger, with their kind and their metadata`() async throws
  {
    let handler = InMemoryLogHandler()
    var logger = Logger(label: "martlet") { _ in handler }
    logger.logLevel = .debug
    var configuration = Configuration(slowTransactionThreshold: .zero)
    let before = EventCount()
    configuration.events = { _ in before.add() }
    configuration.log(to: logger)
    let database = try Database.inMemory(configuration: configuration)
    let keyspace = try database.keyspace("people")
    try await database.write(label: "import") { try $0.set("1", for: "a", in: keyspace) }
    let entry = try #require(handler.entries.first { $0.metadata["label"] == "import" })
    #expect(entry.level == .notice)
    #expect(entry.metadata["kind"] == "slowTransaction")
    #expect(entry.metadata["outcome"] == "committed")
    #expect(entry.metadata["attempts"].map { "\($0)" } == "1")
    #expect(before.count > 0, "who listened before still does")
  }

  @Test func `statistics go to a metrics system, counters by what has come since`() async throws {
    let system = TestMetrics()
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("people")
    let metrics = DatabaseMetrics(database, dimensions: [("database", "main")], factory: system)
    metrics.record()
    let commits = try system.expectCounter("martlet.commits", [("database", "main")])
    let first = commits.totalValue
    for key in ["a", "b", "c"] {
      try await database.write { try $0.set("1", for: key, in: keyspace) }
    }
    metrics.record()
    #expect(commits.totalValue == first + 3)
    metrics.record()
    #expect(commits.totalValue == first + 3)
    let pins = try system.expectGauge("martlet.snapshots.open", [("database", "main")])
    #expect(pins.lastValue == 0)
    let flush = try system.expectRecorder(
      "martlet.commit.seconds", [("database", "main"), ("quantile", "0.99")])
    #expect((flush.lastValue ?? 0) > 0)

    abortOnce(database, keyspace)
    metrics.record()
    let aborts = try system.expectCounter(
      "martlet.aborts", [("database", "main"), ("code", "writeConflict")])
    #expect(aborts.totalValue == 1)
  }

  @Test func `metrics are recorded at intervals until the task is cancelled`() async throws {
    let system = TestMetrics()
    let database = try Database.inMemory()
    let metrics = DatabaseMetrics(database, factory: system)
    let task = Task { await metrics.run(every: .milliseconds(1)) }
    while system.recorders.isEmpty { await Task.yield() }
    task.cancel()
    await task.value
  }

  @Test func `each asynchronous transaction is a span that tells how it ended`() async throws {
    let tracer = InMemoryTracer()
    InstrumentationSystem.bootstrap(tracer)
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("people")
    try await database.write(isolation: .serializable, label: "import") {
      try $0.set("1", for: "a", in: keyspace)
    }
    _ = try await database.read { try $0.get("a", in: keyspace) }
    struct Stop: Error {}
    _ = try? await database.write { _ in throw Stop() }
    let spans = tracer.finishedSpans
    #expect(
      spans.map(\.operationName).prefix(3) == ["martlet.write", "martlet.read", "martlet.write"])
    let first = try #require(spans.first)
    #expect(first.attributes["martlet.isolation"]?.toSpanAttribute() == "serializable")
    #expect(first.attributes["martlet.label"]?.toSpanAttribute() == "import")
    #expect(first.attributes["martlet.attempts"]?.toSpanAttribute() == 1)
    #expect(first.attributes["martlet.outcome"]?.toSpanAttribute() == "committed")
    #expect(first.errors.isEmpty)
    #expect(spans[1].attributes["martlet.outcome"]?.toSpanAttribute() == "read")
    #expect(spans[2].attributes["martlet.outcome"]?.toSpanAttribute() == "threw")
    #expect(spans[2].errors.count == 1)
  }
}

/// Somebody commits a key between a transaction's snapshot and its own write of it.
func abortOnce(_ database: Database, _ keyspace: Keyspace) {
  _ = try? database.write(isolation: .snapshot, retry: .never) { outer in
    _ = try outer.get("a", in: keyspace)
    try database.write { try $0.set("2", for: "a", in: keyspace) }
    try outer.set("3", for: "a", in: keyspace)
  }
}

/// How many events came.
final class EventCount: Sendable {
  private let number = Atomic<Int>(0)
  func add() { number.add(1, ordering: .relaxed) }
  var count: Int { number.load(ordering: .relaxed) }
}
