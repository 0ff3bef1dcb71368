import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Synchronization
import SystemEnvironment
import Testing
import VersionStore

/// Four threads, each with keys of its own, on a cache of 64 frames, with readers and checkpoints.
@Suite struct ConcurrencyTests {
  #if DEBUG
    private static let transferCount = 1_500
  #else
    /// Five operations each, by four threads: a million.
    private static let transferCount = 50_000
  #endif

  private static let accountCount = 60
  private static let balance: UInt64 = 1_000
  private static let configuration = StoreConfiguration(
    pageSize: 4096, cacheByteCount: 64 * 4096, compression: .lz4)

  @Test func `sums hold in every snapshot, and checkpoints are exact, under load`() throws {
    var random = SplitMix(Seed.take(for: "concurrent transfers"))
    let effects = Effects.memory()
    let store = try VersionStore.create(
      path: "/data", configuration: Self.configuration, id: DatabaseID(high: 3, low: 4),
      ownerState: [], timestamp: Timestamp(100), effects: effects)
    let pipeline = ConcurrentPipeline(store: store, effects: effects)
    let keyspace = store.nextKeyspaceID()
    try prepareAccounts(pipeline, keyspace)

    let failures = Failures()
    let isOver = Atomic<Bool>(false)
    let threads = (0..<4).map { number in
      let seed = random.next()
      return effects.background.start("transfers \(number)") {
        var worker = Worker(
          pipeline: pipeline, keyspace: keyspace, number: number,
          random: SplitMix(seed))
        failures.catching { try worker.run(transferCount: Self.transferCount) }
      }
    }
    // Checkpoints go on meanwhile; the last one is compared with a snapshot of its moment.
    let last = Mutex<(timestamp: Timestamp, contents: [Line])?>(nil)
    let checkpointer = effects.background.start("checkpoints") {
      failures.catching {
        repeat {
          let captured = pipeline.capture()
          let snapshot = captured.snapshot
          try store.write(captured.checkpoint)
          let contents = try Self.contents(store, keyspace, snapshot)
          last.withLock { $0 = (snapshot.timestamp, contents) }
          store.endSnapshot(snapshot)
        } while !isOver.load(ordering: .acquiring)
      }
    }
    for thread in threads { thread.join() }
    isOver.store(true, ordering: .releasing)
    checkpointer.join()
    #expect(failures.all.isEmpty)

    while store.maintenance() != .idle { effects.waits.yield(attempt: 50) }
    #expect(store.statistics.versionCount == 0, "garbage collection is exact")
    #expect(store.statistics.versionByteCount == 0)
    try expectClean(store)
    let end = store.beginSnapshot(.acknowledged)
    let contents = try Self.contents(store, keyspace, end)
    store.endSnapshot(end)
    store.close()

    let opened = try VersionStore.open(
      path: "/data", configuration: Self.configuration, effects: effects)
    let checkpoint = try #require(last.withLock { $0 })
    #expect(opened.checkpoint.timestamp == checkpoint.timestamp)
    let atCheckpoint = opened.store.beginSnapshot(.acknowledged)
    #expect(try Self.contents(opened.store, keyspace, atCheckpoint) == checkpoint.contents)
    opened.store.endSnapshot(atCheckpoint)
    for batch in pipeline.log.sorted(by: { $0.timestamp < $1.timestamp })
    where batch.timestamp > checkpoint.timestamp {
      try batch.bytes.withByteView {
        try opened.store.apply(
          WriteBatch(validating: $0), at: batch.timestamp, announcement: .replay)
      }
      opened.store.publish(through: batch.timestamp)
    }
    opened.store.acknowledge(through: opened.store.publishedTimestamp)
    let replayed = opened.store.beginSnapshot(.acknowledged)
    #expect(try Self.contents(opened.store, keyspace, replayed) == contents, "R1")
    opened.store.endSnapshot(replayed)
    try expectClean(opened.store)
    opened.store.close()
  }

  struct Line: Equatable, Sendable {
    let key: [UInt8]
    let value: [UInt8]
  }

  private static func contents(
    _ store: VersionStore, _ keyspace: KeyspaceID, _ snapshot: StoreSnapshot
  ) throws -> [Line] {
    var lines: [Line] = []
    var cursor = try store.makeCursor(in: keyspace, at: snapshot)
    var isThere = try cursor.seekFirst()
    while isThere {
      lines.append(Line(key: cursor.key.array, value: cursor.value.array))
      isThere = try cursor.next()
    }
    return lines
  }

  private func expectClean(_ store: VersionStore) throws {
    var findings: [CorruptionError] = []
    _ = try store.verify(progress: { _, _ in }, report: { findings.append($0) })
    #expect(findings.isEmpty)
  }

  private func prepareAccounts(_ pipeline: ConcurrentPipeline, _ keyspace: KeyspaceID) throws {
    var builder = WriteBatchBuilder()
    VersionStore.catalogKey(keyspace).withByteView { key in
      VersionStore.catalogValue(name: "accounts", state: .live).withByteView {
        builder.set(key, to: $0, in: .catalog)
      }
    }
    try pipeline.commit(builder.finish(), isRelaxed: false, own: nil)
    builder.removeAll()
    for thread in 0..<4 {
      for account in 0..<Self.accountCount {
        Worker.accountKey(thread, account).withByteView { key in
          Worker.value(Self.balance, padding: 10).withByteView {
            builder.set(key, to: $0, in: keyspace)
          }
        }
      }
    }
    try pipeline.commit(builder.finish(), isRelaxed: false, own: nil)
  }

  /// Moves money between its own accounts, and looks at everybody's.
  private struct Worker {
    let pipeline: ConcurrentPipeline
    let keyspace: KeyspaceID
    let number: Int
    var random: SplitMix
    var held: [StoreSnapshot] = []

    static func accountKey(_ thread: Int, _ account: Int) -> [UInt8] {
      Array("\(thread)/a/\(account < 10 ? "0" : "")\(account)".utf8)
    }

    static func value(_ balance: UInt64, padding: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 8 + padding)
      for index in 0..<8 {
        bytes[index] = UInt8(truncatingIfNeeded: balance >> (8 * UInt64(index)))
      }
      return bytes
    }

    mutating func run(transferCount: Int) throws {
      for step in 0..<transferCount {
        try transfer()
        if step % 40 == 0 { held.append(pipeline.store.beginSnapshot(.acknowledged)) }
        if step % 25 == 0, !held.isEmpty {
          let snapshot = held[random.below(held.count)]
          try checkSum(of: random.below(4), at: snapshot)
        }
        if held.count > 3 {
          pipeline.store.endSnapshot(held.swapRemove(at: random.below(held.count)))
        }
      }
      for snapshot in held { pipeline.store.endSnapshot(snapshot) }
    }

    mutating func transfer() throws {
      let store = pipeline.store
      let from = random.below(accountCount)
      let to = (from + 1 + random.below(accountCount - 1)) % accountCount
      let snapshot = store.beginSnapshot(.published)
      let balances = try (balance(from, snapshot), balance(to, snapshot))
      let amount = min(balances.0, UInt64(random.below(50)))
      var builder = WriteBatchBuilder()
      let changes = [
        (from, Self.value(balances.0 - amount, padding: random.below(200))),
        (to, Self.value(balances.1 + amount, padding: random.below(200))),
      ].sorted { $0.0 < $1.0 }
      for (account, value) in changes {
        Self.accountKey(number, account).withByteView { key in
          value.withByteView { builder.set(key, to: $0, in: keyspace) }
        }
      }
      // A key that comes and goes keeps leaves splitting, and tombstones coming.
      let filler = Array("\(number)/f/\(random.below(3000))".utf8)
      let fill: [UInt8]? = random.chance(50) ? random.bytes(random.below(150)) : nil
      filler.withByteView { key in
        if let fill {
          fill.withByteView { builder.set(key, to: $0, in: keyspace) }
        } else {
          builder.remove(key, in: keyspace)
        }
      }
      let batch = builder.finish()
      guard try store.prepare(batch, in: [keyspace], at: snapshot) == .ready(leaf: nil) else {
        throw Finding(why: "a conflict on keys of one thread")
      }
      try pipeline.commit(batch, isRelaxed: random.chance(50), own: snapshot)
      store.endSnapshot(snapshot)
    }

    private var accountCount: Int { ConcurrencyTests.accountCount }

    private func balance(_ account: Int, _ snapshot: StoreSnapshot) throws -> UInt64 {
      var scratch = ByteBuffer()
      let found = try Self.accountKey(number, account).withByteView {
        try pipeline.store.find($0, in: keyspace, at: snapshot, appendingValueTo: &scratch)
      }
      guard let found else { throw Finding(why: "account \(account) of \(number) is gone") }
      return scratch.view[found.valueRange].load(UInt64.self, at: 0)
    }

    private func checkSum(of thread: Int, at snapshot: StoreSnapshot) throws {
      var cursor = try pipeline.store.makeCursor(in: keyspace, at: snapshot)
      var count = 0
      var sum: UInt64 = 0
      let start = Array("\(thread)/a/".utf8)
      var isThere = try start.withByteView { try cursor.seek(atOrAfter: $0) }
      while isThere, cursor.key.array.starts(with: start) {
        count += 1
        sum += cursor.value.load(UInt64.self, at: 0)
        isThere = try cursor.next()
      }
      let expected = UInt64(accountCount) * ConcurrencyTests.balance
      guard count == accountCount, sum == expected else {
        throw Finding(
          why: "\(count) accounts of \(thread) with \(sum) together at \(snapshot.timestamp), seen "
            + "by \(number) (V1)")
      }
    }
  }

  private struct Finding: Error { let why: String }

  private final class Failures: Sendable {
    private let found = Mutex<[String]>([])
    var all: [String] { found.withLock { $0 } }

    func catching(_ body: () throws -> Void) {
      do { try body() } catch { found.withLock { $0.append("\(error)") } }
    }
  }
}
