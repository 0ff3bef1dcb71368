internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

/// Names of the files of a database.
enum DatabaseFile {
  static let data = "data.martlet"
  static let lock = "lock"
  static let logPrefix = "log-"
  /// What is being made under another name, and never counts before it is renamed.
  static let unfinishedSuffix = ".new"
}

extension Engine {
  /// Opens a database, or makes one where none is.
  ///
  /// Every start ends in one consistent state or fails closed with a named error, and changes
  /// nothing in that case: the table of startup cases is `format-spec/startup-cases.md` (rule R4).
  ///
  /// - Parameter isUnfinished: whether it is one that a restore is making.
  static func open(
    _ directory: String, _ configuration: Configuration, _ effects: Effects,
    isUnfinished: Bool = false
  ) throws(DatabaseError) -> Engine {
    try configuration.validate()
    try requireDirectory(directory, configuration, effects)
    let names = try list(directory, effects)
    if !isUnfinished { try requireComplete(directory, names) }
    let hasData = names.contains(DatabaseFile.data)
    if !hasData && !isUnfinished { try requireMayCreate(directory, names, configuration) }
    let lockPath = directory + "/" + DatabaseFile.lock
    let lock: (any FileLock)?
    do { lock = try effects.files.lock(lockPath) } catch { throw DatabaseError(error) }
    guard let lock else {
      throw DatabaseError(
        .alreadyOpen,
        "\(directory) is open in another process or in another part of this one; close it there "
          + "first")
    }
    do throws(DatabaseError) {
      // Another process may have made the database between the look and the lock.
      try removeUnfinished(directory, effects)
      let exists = try list(directory, effects).contains(DatabaseFile.data)
      let parts =
        try exists
        ? recover(directory, configuration, effects) : create(directory, configuration, effects)
      let engine = Engine(
        parts: parts, directory: directory, configuration: configuration, effects: effects,
        directoryLock: lock)
      if let build = parts.unfinishedBuild {
        do throws(DatabaseError) {
          try engine.pipeline.reserve(build)
          try engine.pipeline.publishMoment(of: build, .full) { _ in }
        } catch {
          try? engine.close()
          throw error
        }
      }
      engine.protectCollections()
      return engine
    } catch {
      lock.unlock()
      throw error
    }
  }

  /// Whether a directory holds a database, open or not.
  static func isDatabase(_ directory: String, _ effects: Effects) -> Bool {
    (try? effects.files.kind(of: directory + "/" + DatabaseFile.data)) == .file
  }

  // MARK: Before the lock: nothing is changed but an absent directory made

  private static func requireDirectory(
    _ directory: String, _ configuration: Configuration, _ effects: Effects
  ) throws(DatabaseError) {
    do {
      switch try effects.files.kind(of: directory) {
      case .directory: return
      case .absent:
        guard configuration.createIfMissing else {
          throw DatabaseError(.notFound, "there is no database at \(directory)")
        }
        try makeDirectory(directory, effects)
      case .file, .other:
        throw DatabaseError(
          .notADatabase, "\(directory) is not a directory; a database is a directory")
      }
    } catch let error as FileError {
      throw DatabaseError(error)
    } catch let error as DatabaseError {
      throw error
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }

  /// Makes the directory and its name durable. Where the sync fails there is no directory: the
  /// next attempt would sync the name once more, be told that all is well, and lose everything
  /// with the next power cut (rule F1).
  private static func makeDirectory(_ directory: String, _ effects: Effects) throws(FileError) {
    try effects.files.createDirectory(directory)
    do {
      try effects.files.syncDirectory(parent(of: directory))
    } catch {
      try? effects.files.remove(directory)
      throw error
    }
  }

  private static func requireMayCreate(
    _ directory: String, _ names: [String], _ configuration: Configuration
  ) throws(DatabaseError) {
    if let stranger = names.first(where: { !isOwnName($0) }) {
      throw DatabaseError(
        .notADatabase,
        "\(directory) holds \(stranger) and no \(DatabaseFile.data): it is not a database, and a "
          + "new one is only made in an empty directory")
    }
    guard configuration.createIfMissing else {
      throw DatabaseError(.notFound, "there is no database at \(directory)")
    }
  }

  private static func requireComplete(
    _ directory: String, _ names: [String]
  ) throws(DatabaseError) {
    guard names.contains(UnfinishedDirectory.marker) else { return }
    throw DatabaseError(
      .incomplete,
      "\(directory) holds a backup or a restore that was not completed; remove the directory and "
        + "begin again")
  }

  /// Whether the engine gives its files such names.
  static func isOwnName(_ name: String) -> Bool {
    name == DatabaseFile.data || name == DatabaseFile.lock || name.hasPrefix(DatabaseFile.logPrefix)
      || name.hasSuffix(DatabaseFile.unfinishedSuffix)
  }

  private static func list(_ directory: String, _ effects: Effects) throws(DatabaseError)
    -> [String]
  {
    do { return try effects.files.list(directory) } catch { throw DatabaseError(error) }
  }

  /// The directory that holds a path.
  static func parent(of path: String) -> String {
    var end = path.endIndex
    while end > path.startIndex, path[path.index(before: end)] == "/" {
      end = path.index(before: end)
    }
    guard let slash = path[..<end].lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  // MARK: Under the lock

  /// Leftovers of a creation or a recycling that never finished: nothing refers to them.
  private static func removeUnfinished(_ directory: String, _ effects: Effects)
    throws(DatabaseError)
  {
    do {
      for name in try effects.files.list(directory)
      where name.hasSuffix(DatabaseFile.unfinishedSuffix) {
        try effects.files.remove(directory + "/" + name)
      }
    } catch {
      throw DatabaseError(error)
    }
  }

  /// Makes the directory's own name durable. Also when the directory was there: a crash may have
  /// left it by a creation that did not come so far (rule F4).
  private static func makeNameDurable(_ directory: String, _ effects: Effects)
    throws(DatabaseError)
  {
    do { try effects.files.syncDirectory(parent(of: directory)) } catch {
      throw DatabaseError(error)
    }
  }

  /// Makes a database: the log first, without a record in it, and the data file last, by a rename.
  /// A crash in between leaves a log that was never used, which is told from one that was.
  private static func create(
    _ directory: String, _ configuration: Configuration, _ effects: Effects
  ) throws(DatabaseError) -> EngineParts {
    try makeNameDurable(directory, effects)
    let id = DatabaseID(high: effects.entropy.next(), low: effects.entropy.next())
    let log: RedoLog
    do {
      guard try RedoLog.presence(in: directory, effects: effects) != .present else {
        throw DatabaseError(
          .corrupt,
          "\(directory) holds a log that was in use, but no \(DatabaseFile.data): the data file is "
            + "missing; restore it, or the whole directory, from a backup")
      }
      log = try RedoLog.create(
        directory: directory, id: id, effects: effects, configuration: configuration.logForFeeds)
    } catch let error as LogError {
      throw DatabaseError(error)
    } catch let error as DatabaseError {
      throw error
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    let state = OwnerState(
      applied: log.endPosition, replayFrom: log.endPosition, clock: log.durableCeiling,
      nextTransaction: TransactionID(1))
    do {
      let store = try VersionStore.create(
        path: directory + "/" + DatabaseFile.data, configuration: StoreConfiguration(configuration),
        id: id, ownerState: state.encoded, timestamp: .zero, effects: effects)
      return EngineParts(
        id: id, store: store, log: log, published: .zero, clockFloor: log.durableCeiling,
        nextTransaction: TransactionID(1))
    } catch {
      try? log.close()
      throw DatabaseError(error)
    }
  }

  private static func decode(_ bytes: [UInt8]) throws(DatabaseError) -> OwnerState {
    do { return try OwnerState(decoding: bytes) } catch {
      throw DatabaseError(StoreError.corrupt(error))
    }
  }

  /// Opens the newest checkpoint and replays the log from where it says.
  private static func recover(
    _ directory: String, _ configuration: Configuration, _ effects: Effects
  ) throws(DatabaseError) -> EngineParts {
    let opened: (store: VersionStore, checkpoint: CheckpointState)
    do {
      opened = try VersionStore.open(
        path: directory + "/" + DatabaseFile.data, configuration: StoreConfiguration(configuration),
        effects: effects)
    } catch {
      throw DatabaseError(error)
    }
    let (store, checkpoint) = opened
    do {
      return try Recovery(
        store: store, checkpoint: checkpoint, owner: try decode(checkpoint.ownerState),
        directory: directory, configuration: configuration, effects: effects
      ).run()
    } catch {
      store.close()
      throw error
    }
  }
}
