#if SQLITE
  import Foundation
  import GRDB

  /// Items in a table of SQLite, through GRDB as its documentation recommends for speed: a
  /// `DatabasePool`, `Codable` records, prepared statements from the connection's cache, dates as
  /// numbers, and an observation whose region is constant, which need not be tracked anew.
  final class GRDBStore: RecordStore {
    private let pool: DatabasePool

    init(directory: String, durability: EngineOptions.Durability) throws {
      var configuration = Configuration()
      configuration.prepareDatabase { database in
        try database.execute(
          sql: "PRAGMA cache_size = -\(RecordStoreKind.cacheByteCount >> 10)")
      }
      pool = try DatabasePool(path: "\(directory)/items.sqlite", configuration: configuration)
      // After opening, which sets NORMAL. A pool has one connection that writes. The other two say
      // something on Apple's systems only, where a sync leaves data in the drive's cache without them.
      try pool.writeWithoutTransaction { database in
        guard durability == .full else { return }
        try database.execute(
          sql: """
            PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1
            """)
      }
      try pool.write { database in
        try database.create(table: Item.databaseTableName) { table in
          table.primaryKey("id", .integer)
          table.column("name", .text).notNull()
          table.column("email", .text)
          table.column("city", .text).notNull().indexed()
          table.column("born", .double).notNull()
          table.column("score", .integer).notNull()
          table.column("isActive", .boolean).notNull()
        }
      }
    }

    func insert(_ item: Item) throws {
      try pool.write { database in try item.insert(database) }
    }

    func insert(_ items: [Item]) throws {
      try pool.write { database in
        for item in items { try item.insert(database) }
      }
    }

    func item(_ id: Int) throws -> Item? {
      try pool.read { database in try Self.item(id, database) }
    }

    func items(_ ids: [Int]) throws -> [Item] {
      try pool.read { database in try ids.compactMap { try Self.item($0, database) } }
    }

    func items(in city: String) throws -> [Item] {
      try pool.read { database in try Self.items(in: city, database) }
    }

    func all() throws -> [Item] {
      try pool.read { database in
        try Item.fetchAll(database.cachedStatement(sql: "SELECT * FROM item ORDER BY id"))
      }
    }

    /// By one statement, which is the fastest: a record would be fetched, changed and updated.
    func setScore(_ score: Int, of id: Int) throws -> UInt64 {
      try pool.write { database in
        let statement = try database.cachedStatement(
          sql: "UPDATE item SET score = ? WHERE id = ?")
        try statement.execute(arguments: [score, id])
        guard database.changesCount == 1 else { throw BenchmarkError.missingRecord(id) }
        return MonotonicClock.nanoseconds
      }
    }

    func watch(
      _ city: String, _ receive: @escaping @Sendable ([Item]) -> Void
    ) -> Task<Void, Never> {
      let observation = ValueObservation.trackingConstantRegion { database in
        try Self.items(in: city, database)
      }
      let pool = pool
      return Task {
        do {
          for try await items in observation.values(in: pool) { receive(items) }
        } catch {
          receive([])
        }
      }
    }

    func settle() throws {
      _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    func close() throws { try pool.close() }

    private static func item(_ id: Int, _ database: Database) throws -> Item? {
      let statement = try database.cachedStatement(sql: "SELECT * FROM item WHERE id = ?")
      return try Item.fetchOne(statement, arguments: [id])
    }

    private static func items(in city: String, _ database: Database) throws -> [Item] {
      let statement = try database.cachedStatement(sql: "SELECT * FROM item WHERE city = ?")
      return try Item.fetchAll(statement, arguments: [city])
    }
  }

  extension Item: FetchableRecord, PersistableRecord {
    static func databaseDateEncodingStrategy(for column: String) -> DatabaseDateEncodingStrategy {
      .timeIntervalSince1970
    }

    static func databaseDateDecodingStrategy(for column: String) -> DatabaseDateDecodingStrategy {
      .timeIntervalSince1970
    }
  }
#endif
