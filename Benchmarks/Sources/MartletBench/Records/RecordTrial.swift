import Foundation
import Synchronization

/// One task on one store: what was asked for lies ready before the clock starts, and what comes back
/// is added up.
struct RecordTrial: Sendable {
  let task: RecordTask
  let amounts: RecordAmounts
  let store: any RecordStore

  /// What was found.
  struct Found: Sendable {
    /// In the task's unit.
    let figure: Double
    /// What the process spent on it on any processor, a record, query or value; little depends on what
    /// else the machine does.
    let processorNanoseconds: Double
    /// Over everything read: both stores must agree.
    let checksum: Int
  }

  func run() throws -> Found {
    switch task {
    case .insertOne:
      let items = amounts.newItems(task)
      return try timed(items.count) {
        for item in items { try store.insert(item) }
        return 0
      }
    case .insertBulk:
      let items = amounts.newItems(task)
      let batches = stride(from: 0, to: items.count, by: RecordAmounts.bulk).map {
        Array(items[$0..<min($0 + RecordAmounts.bulk, items.count)])
      }
      return try timed(items.count) {
        for batch in batches { try store.insert(batch) }
        return 0
      }
    case .fetchByID:
      let ids = amounts.ids(amounts.readsByID, stream: 1)
      return try timed(ids.count) { try ids.reduce(0) { try $0 &+ present(store.item($1), $1) } }
    case .fetchByIDTogether:
      let ids = amounts.ids(amounts.readsByID, stream: 2)
      let groups = stride(from: 0, to: ids.count, by: RecordAmounts.readTogether).map {
        Array(ids[$0..<min($0 + RecordAmounts.readTogether, ids.count)])
      }
      return try timed(ids.count) { try groups.reduce(0) { try $0 &+ sum(store.items($1)) } }
    case .fetchByIndex:
      let cities = amounts.ids(amounts.readsByIndex, stream: 3).map {
        Item.city($0, of: amounts.records)
      }
      return try timed(cities.count) { try cities.reduce(0) { try $0 &+ sum(store.items(in: $1)) } }
    case .fetchAll:
      return try timed(amounts.records) { try sum(store.all()) }
    case .updateField:
      let ids = amounts.ids(amounts.writes, stream: 4)
      return try timed(ids.count) {
        for (number, id) in ids.enumerated() { _ = try store.setScore(number, of: id) }
        return 0
      }
    case .insertConcurrently: return try insertConcurrently()
    case .liveQuery: return try followLive()
    }
  }

  private func timed(_ count: Int, _ body: () throws -> Int) throws -> Found {
    var checksum = 0
    let begin = ProcessorClock.nanoseconds
    let seconds = try Trial.seconds { checksum = try body() }
    let spent = ProcessorClock.nanoseconds - begin
    return Found(
      figure: Double(count) / seconds, processorNanoseconds: Double(spent) / Double(count),
      checksum: checksum)
  }

  private func insertConcurrently() throws -> Found {
    let items = amounts.newItems(task)
    let work = try Team.run(
      threads: RecordAmounts.threads,
      prepare: { thread in
        stride(from: thread, to: items.count, by: RecordAmounts.threads).map { items[$0] }
      },
      work: { _, own in for item in own { try store.insert(item) } })
    let count = Double(items.count)
    return Found(
      figure: count * 1e9 / Double(work.nanoseconds),
      processorNanoseconds: Double(work.processorNanoseconds) / count, checksum: 0)
  }

  /// The records of one city are observed while one of them changes again and again, each time when
  /// the last change has arrived. The clock runs from the beginning of the commit, when the
  /// transaction has said all, until the consumer has the records.
  private func followLive() throws -> Found {
    let id = amounts.ids(1, stream: 5)[0]
    let city = Item(id: id, of: amounts.records).city
    let arrivals = Arrivals()
    let watching = store.watch(city) { arrivals.add($0) }
    defer { watching.cancel() }
    _ = try arrivals.next { !$0.isEmpty }
    var samples: [Double] = []
    let processorBegin = ProcessorClock.nanoseconds
    for number in 1...amounts.liveChanges {
      let score = 1_000_000 + number
      let begin = try store.setScore(score, of: id)
      let end = try arrivals.next { items in
        items.contains { $0.id == id && $0.score == score }
      }
      samples.append(Double(end - begin) / 1_000)
    }
    guard let spread = Spread(samples) else { throw BenchmarkError.trial("nothing was observed") }
    let spent = ProcessorClock.nanoseconds - processorBegin
    return Found(
      figure: spread.median, processorNanoseconds: Double(spent) / Double(samples.count),
      checksum: 0)
  }

  private func present(_ item: Item?, _ id: Int) throws -> Int {
    guard let item, item.id == id else { throw BenchmarkError.missingRecord(id) }
    return Self.checksum(item)
  }

  private func sum(_ items: [Item]) -> Int { items.reduce(0) { $0 &+ Self.checksum($1) } }

  /// Touches every field; the order of records does not matter.
  static func checksum(_ item: Item) -> Int {
    item.id &* 31 &+ item.name.utf8.count &+ (item.email?.utf8.count ?? 7) &* 3
      &+ item.city.utf8.count &* 5 &+ Int(item.born.timeIntervalSince1970) &+ item.score &* 11
      &+ (item.isActive ? 13 : 0)
  }

  /// What the consumer of a live query was given, and when.
  private final class Arrivals: Sendable {
    private let arrived = DispatchSemaphore(value: 0)
    private let list = Mutex<[(time: UInt64, items: [Item])]>([])

    func add(_ items: [Item]) {
      let time = MonotonicClock.nanoseconds
      list.withLock { $0.append((time, items)) }
      arrived.signal()
    }

    /// When that came which is waited for; what came before it is dropped.
    func next(_ isWanted: ([Item]) -> Bool) throws -> UInt64 {
      while true {
        guard arrived.wait(timeout: .now() + 30) == .success else {
          throw BenchmarkError.trial("a change did not arrive at the live query within 30 s")
        }
        let first = list.withLock { $0.removeFirst() }
        if isWanted(first.items) { return first.time }
      }
    }
  }
}
