/// How much of everything a round does, by the number of records.
struct RecordAmounts: Sendable {
  let records: Int
  let durability: EngineOptions.Durability

  static let bulk = 10_000
  static let threads = 8
  static let readTogether = 100

  /// Transactions of each task that writes; fewer where each waits for the device.
  var writes: Int { min(records, durability == .full ? 3_000 : 20_000) }
  var readsByID: Int { min(records, 20_000) }
  var readsByIndex: Int { min(records, 5_000) }
  var liveChanges: Int { min(records, 1_000) }

  /// The task's first new id and how many it adds.
  func newIDs(_ task: RecordTask) -> Range<Int> {
    switch task {
    case .insertBulk: 0..<records
    case .insertOne: records..<records + writes
    case .insertConcurrently: records + writes..<records + 2 * writes
    default: 0..<0
    }
  }

  /// Records when a round is over.
  var finalCount: Int { records + 2 * writes }

  /// Ids of records that the bulk has inserted, in no order, the same for each store.
  func ids(_ count: Int, stream: UInt64) -> [Int] {
    (0..<count).map { number in
      Int(Item.mix(UInt64(number) &+ stream << 32) % UInt64(records))
    }
  }

  func newItems(_ task: RecordTask) -> [Item] {
    newIDs(task).map { Item(id: $0, of: records) }
  }
}
