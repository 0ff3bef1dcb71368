internal import BTreeIndex
internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

// The errors of the layers below, in the words of the face.

extension DatabaseError {
  /// Damage, with its place and what to do.
  init(damage: CorruptionError) {
    self.init(
      .corrupt,
      "\(damage); run martlet verify to see what is affected, and restore that from a backup")
  }

  init(_ error: StoreError) {
    switch error {
    case .tree(let error): self.init(error)
    case .paging(let error): self.init(error)
    case .corrupt(let error): self.init(damage: error.placed(in: DatabaseFile.data))
    case .poisoned: self = .poisonedEarlier
    case .unknownKeyspace(let id):
      self.init(.keyspaceDropped, "keyspace \(id.rawValue) was dropped; open it again by name")
    case .keyspaceTooNew(let id, let moment, let snapshot):
      self.init(
        .snapshotTooOld,
        "the snapshot at \(snapshot) is older than keyspace \(id.rawValue), whose bulk build was "
          + "committed at \(moment); begin again")
    case .snapshotTooOld(let timestamp, let newest):
      let age = Double(newest.rawValue &- timestamp.rawValue) / 1e9
      self.init(
        .snapshotTooOld,
        "the snapshot at \(timestamp) is \(age) s behind and its versions were given up for the "
          + "version budget; read in shorter transactions or raise Configuration.versionBudget")
    }
  }

  init(_ error: TreeError) {
    switch error {
    case .paging(let error): self.init(error)
    case .corrupt(let error): self.init(damage: error.placed(in: DatabaseFile.data))
    case .keyTooLong(let byteCount, let limit):
      self.init(.keyTooLong, "the key has \(byteCount) bytes; at most \(limit) are possible")
    case .lengthMismatch(let announced, let given):
      self.init(
        .invalidArgument,
        "a large value announced with \(announced) bytes received \(given)")
    }
  }

  init(_ error: PagingError) {
    switch error {
    case .corrupt(let error): self.init(damage: error.placed(in: DatabaseFile.data))
    case .file(let error): self.init(error)
    case .diskFull(let path): self = .full(path)
    case .poisoned: self = .poisonedEarlier
    case .newerFormat(let found, let supported):
      self.init(
        .newerFormat,
        "the data file has format \(found); this version reads up to \(supported): use a newer one")
    case .notADatabase(let path, let why):
      self.init(.notADatabase, "\(path) is not a database: \(why)")
    case .pageIDsExhausted:
      self.init(.invalidArgument, "all 2^32 - 1 pages of the database are in use")
    case .cacheExhausted(let frames):
      self.init(
        .invalidArgument,
        "all \(frames) pages of the cache are in use at once; raise Configuration.cacheSize")
    }
  }

  init(_ error: LogError) {
    switch error {
    case .corrupt(let error): self.init(damage: error)
    case .file(let error): self.init(error)
    case .diskFull(let path): self = .full(path)
    case .poisoned: self = .poisonedEarlier
    case .newerFormat(let found, let supported):
      self.init(
        .newerFormat,
        "the log has format \(found); this version reads up to \(supported): use a newer one")
    case .wrongDatabase(let path, let found):
      self.init(
        .corrupt,
        "\(path) belongs to another database (\(found)): put this database's own log back")
    case .unknownRecordKind(let kind, let position):
      self.init(
        .newerFormat,
        "the log holds a record of unknown kind \(kind) at \(position.rawValue): use a newer "
          + "version")
    case .alreadyExists(let path):
      self.init(
        .corrupt,
        "\(path) is a log that was in use, but its data file is missing: restore the directory "
          + "from a backup")
    }
  }

  init(_ error: FileError) {
    if error.isForWantOfSpace {
      self = .full(error.path)
      return
    }
    let reason = unsafe String(cString: strerror(error.number))
    if error.isForDataProtection {
      self.init(
        .dataProtected,
        "\(error.call.rawValue) of \(error.path) was refused (\(reason)): the device is locked and "
          + "the file is protected; try again when it is unlocked")
      return
    }
    self.init(
      .inputOutput, "\(error.call.rawValue) of \(error.path): \(reason) (error \(error.number))")
  }

  private static var poisonedEarlier: DatabaseError {
    DatabaseError(
      .poisoned, "an earlier write to the device failed; close and reopen the database")
  }

  /// The database was suspended before the transaction had ended.
  static var interrupted: DatabaseError {
    DatabaseError(
      .suspended,
      "the database was suspended before the transaction had ended; it was rolled back: run it again "
        + "after resume()")
  }

  private static func full(_ path: String) -> DatabaseError {
    DatabaseError(
      .diskFull,
      "the disk is full (\(path)); nothing was lost, and work goes on when there is space")
  }

  /// A key that does not stand above the one before it in a bulk build.
  static func keysNotAscending(_ key: [UInt8], after last: [UInt8], record: Int) -> DatabaseError {
    DatabaseError(
      .keysNotAscending,
      "record \(record) of the build has key \(quoted(key)), "
        + (key == last ? "as the one before it" : "which is below \(quoted(last)) before it")
        + "; append in strictly ascending order, or build in order .any")
  }

  /// The name of a new keyspace is taken.
  static func keyspaceExists(_ name: String) -> DatabaseError {
    DatabaseError(
      .keyspaceExists,
      "there is a keyspace \"\(name)\" already, or one is being built; drop it, or use another name"
    )
  }

  /// The keyspace wants its writers to be better protected (rule M6).
  static func isolationTooWeak(_ level: IsolationLevel, _ keyspace: Keyspace) -> DatabaseError {
    DatabaseError(
      .isolationTooWeak,
      "keyspace \"\(keyspace.name)\" is written at .\(keyspace.options.leastWriteIsolation.rawValue) "
        + "or above, and this transaction runs at .\(level.rawValue)")
  }

  /// A key for people: text as text, other bytes in hexadecimal; long ones cut.
  static func quoted(_ key: [UInt8]) -> String { KeyText.quoted(key) }

  /// Whether the transaction that met this error cannot go on.
  var endsTransaction: Bool {
    switch code {
    case .invalidArgument, .keyTooLong, .valueTooLarge, .valueMismatch, .wrongDatabase,
      .keyExists, .isolationTooWeak, .collectionNotOpen, .collectionChanged, .indexNotReady,
      .uniqueViolation, .valueOverflow, .ownedByCollection:
      false
    default: true
    }
  }
}

extension StoreConfiguration {
  init(_ configuration: Configuration) {
    self.init(
      pageSize: configuration.pageSize, cacheByteCount: configuration.cacheSize,
      compression: configuration.compression == .lz4 ? .lz4 : .none,
      usesSystemCache: configuration.fileCaching == .system,
      versionByteBudget: configuration.versionBudget)
  }
}
