/// A database of items, as an app would use it: through `Codable` records.
///
/// All calls come from threads of the harness; several at once only where it says so.
protocol RecordStore: AnyObject, Sendable {
  /// Adds one record in a transaction of its own. Several threads at once.
  func insert(_ item: Item) throws
  /// Adds records in one transaction.
  func insert(_ items: [Item]) throws
  /// The record with an id, in a read of its own.
  func item(_ id: Int) throws -> Item?
  /// Records with ids, in one read.
  func items(_ ids: [Int]) throws -> [Item]
  /// The records of a city, through the index, in a read of its own.
  func items(in city: String) throws -> [Item]
  /// Every record, in the order of ids.
  func all() throws -> [Item]
  /// Changes one field of a record in a transaction of its own.
  ///
  /// - Returns: the monotonic clock's time when all was said and the commit began.
  func setScore(_ score: Int, of id: Int) throws -> UInt64
  /// Observes the records of a city; `receive` gets them at once and after each change, on the task
  /// that the caller cancels.
  func watch(_ city: String, _ receive: @escaping @Sendable ([Item]) -> Void) -> Task<Void, Never>
  /// Brings what it has on the medium to where it stays, so that nothing goes on in the background.
  func settle() throws
  func close() throws
}

/// Who is compared.
enum RecordStoreKind: String, CaseIterable, Codable, Sendable {
  case martlet
  case grdb

  /// A fresh store.
  ///
  /// - Parameter directory: an empty folder.
  func open(_ directory: String, _ durability: EngineOptions.Durability) throws -> any RecordStore {
    switch self {
    case .martlet: return try MartletStore(directory: directory, durability: durability)
    case .grdb:
      #if SQLITE
        return try GRDBStore(directory: directory, durability: durability)
      #else
        throw BenchmarkError.file("GRDB takes part only when the headers of SQLite are installed")
      #endif
    }
  }

  /// The memory that each may spend on its cache: all of the data fits.
  static let cacheByteCount = 256 << 20
}
