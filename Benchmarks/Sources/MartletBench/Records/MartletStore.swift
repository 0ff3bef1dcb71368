import Martlet

/// Items in a `RecordCollection` with its default coder.
final class MartletStore: RecordStore {
  private static let byCity = RecordIndex("city", on: \Item.city)
  private static let items = RecordCollection("items", of: Item.self, indexes: byCity)

  private let database: Database

  init(directory: String, durability: EngineOptions.Durability) throws {
    var configuration = Configuration()
    configuration.cacheSize = RecordStoreKind.cacheByteCount
    configuration.durability = durability == .full ? .full : .relaxed
    database = try Database(at: directory, configuration: configuration)
    try database.open(Self.items)
  }

  func insert(_ item: Item) throws {
    try database.insert(item, into: Self.items)
  }

  func insert(_ items: [Item]) throws {
    try database.write { transaction in
      for item in items { try transaction.insert(item, into: Self.items) }
    }
  }

  func item(_ id: Int) throws -> Item? {
    try database.get(id, in: Self.items)
  }

  func items(_ ids: [Int]) throws -> [Item] {
    try database.read { snapshot in
      try ids.compactMap { try snapshot.get($0, in: Self.items) }
    }
  }

  func items(in city: String) throws -> [Item] {
    try database.fetch(Self.items.where(Self.byCity.equals(city)))
  }

  func all() throws -> [Item] {
    try database.fetch(Self.items)
  }

  func setScore(_ score: Int, of id: Int) throws -> UInt64 {
    try database.write { transaction in
      let isThere: Void? = try transaction.update(id, in: Self.items) { $0.score = score }
      guard isThere != nil else { throw BenchmarkError.missingRecord(id) }
      return MonotonicClock.nanoseconds
    }
  }

  func watch(_ city: String, _ receive: @escaping @Sendable ([Item]) -> Void) -> Task<Void, Never> {
    let values = database.observe(Self.items.where(Self.byCity.equals(city)))
    return Task {
      do {
        for try await items in values { receive(items) }
      } catch {
        receive([])
      }
    }
  }

  func settle() throws { try database.checkpoint() }

  func close() throws { try database.close() }
}
