package import Environment
internal import SystemEnvironment

extension Database {
  /// Takes in a dump: of this engine, of LMDB's `mdb_dump` or Berkeley DB's `db_dump`, which the first
  /// line tells.
  ///
  /// Each keyspace of the dump becomes one here, as a whole (``build(_:options:order:progress:_:)``).
  /// With `merging` those that are there already take the entries in, in transactions of some
  /// megabytes; a key that is in both gets the value of the dump. A collection that is there takes
  /// nothing in: a dump says nothing of its indexes. Entries expire when the dump says;
  /// a dump of LMDB or Berkeley DB says nothing, and there a keyspace's time to live counts from now.
  /// - Parameters:
  ///   - keyspace: where the entries of a database without a name go; every other one keeps its name.
  ///   - merging: whether keyspaces that are there take the entries in.
  ///   - progress: told about once for each megabyte. When it throws, loading ends with that error.
  ///   - source: gives the next bytes, as many as it likes; nil or none at the end.
  /// - Throws: `invalidArgument`, which names the line, for what is no dump or was cut short;
  ///   `keyspaceExists`; `ownedByCollection`; `newerFormat`, `keyTooLong`, `cancelled`, `diskFull`, `inputOutput`; what the
  ///   closures throw. Keyspaces of the dump before the one where it happened are there; of that one
  ///   there is nothing, or with `merging` what its earlier transactions set.
  @discardableResult
  public func load(
    into keyspace: String = "default", merging: Bool = false,
    progress: ((DumpProgress) throws -> Void)? = nil, from source: () throws -> [UInt8]?
  ) throws -> DumpSummary {
    try withoutActuallyEscaping(source) { source in
      var loader = DumpLoader(self, keyspace, isMerging: merging, progress, source)
      // The dump may have brought collections.
      defer { engine.protectCollections() }
      return try loader.run()
    }
  }

  /// Makes a database in a new directory out of a dump of any format. It opens only when all of the
  /// dump is in it.
  ///
  /// - Parameters: as ``load(into:merging:progress:from:)``, and of the new database.
  /// - Throws: as that, and `directoryNotEmpty`. There is no database in `directory` then.
  @discardableResult
  public static func restore(
    dump source: () throws -> [UInt8]?, to directory: String, into keyspace: String = "default",
    configuration: Configuration = Configuration(),
    progress: ((DumpProgress) throws -> Void)? = nil
  ) throws -> DumpSummary {
    try restore(
      dump: source, to: directory, into: keyspace, configuration: configuration,
      effects: Effects.system(events: EventClosure(configuration.events)), progress: progress)
  }

  /// The same through seams of the caller's choice.
  @discardableResult
  package static func restore(
    dump source: () throws -> [UInt8]?, to directory: String, into keyspace: String = "default",
    configuration: Configuration, effects: Effects,
    progress: ((DumpProgress) throws -> Void)? = nil
  ) throws -> DumpSummary {
    let unfinished = try UnfinishedDirectory(directory, effects)
    do {
      unfinished.passLock()
      let database = Database(
        engine: try Engine.open(directory, configuration, effects, isUnfinished: true))
      let summary: DumpSummary
      do {
        summary = try database.load(into: keyspace, progress: progress, from: source)
      } catch {
        try? database.close()
        throw error
      }
      try database.close()
      try unfinished.complete()
      return summary
    } catch {
      unfinished.abandon()
      throw error
    }
  }
}

/// Takes one dump into a database.
private struct DumpLoader {
  private let database: Database
  private let nameless: String
  private let isMerging: Bool
  private let progress: ((DumpProgress) throws -> Void)?
  private var reader: DumpReader
  private var summary = DumpSummary()
  private var nextLook = DumpLoader.interval

  private static let interval = 1 << 20
  private static let batchByteCount = 4 << 20
  private static let batchLimit = 10_000

  init(
    _ database: Database, _ nameless: String, isMerging: Bool,
    _ progress: ((DumpProgress) throws -> Void)?, _ source: @escaping () throws -> [UInt8]?
  ) {
    self.database = database
    self.nameless = nameless
    self.isMerging = isMerging
    self.progress = progress
    reader = DumpReader(source)
  }

  mutating func run() throws -> DumpSummary {
    while let section = try reader.nextSection() {
      let name = section.name ?? nameless
      let options: KeyspaceOptions
      do { options = try KeyspaceOptions(decoding: section.options) } catch {
        throw DatabaseError(
          error.code, "options of keyspace \"\(name)\" in the dump: \(error.message)")
      }
      if isMerging, let keyspace = try database.existingKeyspace(name) {
        try merge(into: keyspace, section)
      } else {
        try build(name, options, section)
      }
      summary.keyspaces.append(name)
    }
    return summary
  }

  private mutating func build(
    _ name: String, _ options: KeyspaceOptions, _ section: DumpSection
  ) throws {
    try database.build(name, options: options, order: .any()) { builder in
      while let entry = try reader.nextEntry() {
        do {
          if let expiry = section.expiry(of: entry) {
            try builder.append(entry.key, entry.value, expires: expiry)
          } else {
            try builder.append(entry.key, entry.value)
          }
        } catch let error as DatabaseError {
          throw DatabaseError(error.code, "line \(entry.line) of the dump: \(error.message)")
        }
        try count(entry, name)
      }
    }
  }

  private mutating func merge(into keyspace: Keyspace, _ section: DumpSection) throws {
    while case let entries = try batch(keyspace.name), let first = entries.first {
      var line = first.line
      do {
        try database.write { (transaction: borrowing Transaction) in
          for entry in entries {
            line = entry.line
            if let expiry = section.expiry(of: entry) {
              try transaction.set(entry.value, for: entry.key, in: keyspace, expires: expiry)
            } else {
              try transaction.set(entry.value, for: entry.key, in: keyspace)
            }
          }
        }
      } catch let error as DatabaseError {
        throw DatabaseError(error.code, "line \(line) of the dump: \(error.message)")
      }
    }
  }

  private mutating func batch(_ name: String) throws -> [DumpEntry] {
    var entries: [DumpEntry] = []
    var byteCount = 0
    while entries.count < Self.batchLimit, byteCount < Self.batchByteCount,
      let entry = try reader.nextEntry()
    {
      byteCount += entry.key.count + entry.value.count
      try count(entry, name)
      entries.append(entry)
    }
    return entries
  }

  private mutating func count(_ entry: DumpEntry, _ name: String) throws {
    summary.entryCount += 1
    summary.byteCount += entry.key.count + entry.value.count
    guard summary.byteCount >= nextLook else { return }
    nextLook = summary.byteCount + Self.interval
    try Database.checkCancellation(nil, "loading")
    try progress?(
      DumpProgress(
        keyspace: name, entryCount: summary.entryCount, byteCount: summary.byteCount))
  }
}

extension DumpSection {
  /// When one of its entries expires; nil where the dump leaves that to the keyspace.
  fileprivate func expiry(of entry: DumpEntry) -> Expiry? {
    tellsExpiry ? Expiry.stored(entry.expiry) : nil
  }
}
