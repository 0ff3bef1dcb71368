@_exported public import Primitives
package import RedoLog

/// How a database is opened. Every value has a default that suits an app.
public struct Configuration: Sendable {
  /// Bytes of a page: a power of two from 4096 to 65536, fixed when the database is created and
  /// read from it afterwards.
  public var pageSize: Int
  /// Bytes of memory for pages. Data may be any multiple of it.
  public var cacheSize: Int
  /// What an acknowledged commit survives, unless a transaction says otherwise.
  public var durability: Durability
  /// How page images are stored.
  public var compression: ImageCompression
  /// Whether the system may keep what is read of the data file in its own memory as well.
  public var fileCaching: FileCaching
  /// Bytes of memory for older versions that running snapshots need. At half of it a warning
  /// names the snapshot that holds most; at all of it the oldest idle snapshot expires.
  public var versionBudget: Int
  /// Bytes of private writes that one transaction may hold (`Transaction.pendingByteCount`): keys,
  /// values and about 50 bytes for each write, those of overwritten ones included; of a large value
  /// only its key, since the rest goes to disk as it comes. From 64 KiB to 1 GiB, 64 MiB by default.
  ///
  /// The write that would go beyond it throws `transactionTooLarge` and the transaction is rolled
  /// back. A commit may take three times as much memory for a moment: the writes, their sorted form,
  /// and the record of the log.
  public var transactionSizeLimit: Int
  /// Whether an absent or empty directory becomes a new database.
  public var createIfMissing: Bool
  /// Bytes of log after which the background takes a checkpoint; bounds the time of recovery.
  public var checkpointLogBytes: Int
  /// The longest time between two checkpoints while something changes.
  public var checkpointInterval: Duration
  /// Bytes of log that stay behind checkpoints for change feeds (``Database/changes(in:from:)``), at
  /// most; zero by default, up to 1 TiB.
  ///
  /// A feed that is as fast as the writers needs none: the log since the last checkpoint is there
  /// anyhow. One that stops for a while, or that goes on from a token after the database was closed,
  /// needs as much as is written meanwhile; what lies further back is `positionLost`. They are bytes of
  /// whole segments, so anything below about 1 MiB keeps nothing.
  public var changeRetention: Int
  /// How long a write waits for another transaction's lock.
  public var lockTimeout: Duration
  /// Bytes of memory for locks. When they are used up, the locks of whoever asks for one more
  /// become a lock of their whole keyspace; `events` tells.
  public var lockBudget: Int
  /// Bytes of memory for what committed transactions have read and written, as far as running
  /// serializable ones may need to know. When they are used up the oldest is summarised, which
  /// can cost aborts and never a wrong answer.
  public var conflictBudget: Int
  /// How `.serializable` transactions are kept apart unless they say otherwise.
  public var serializableProtocol: TransactionProtocol
  /// How `.strictSerializable` transactions are kept apart unless they say otherwise.
  public var strictSerializableProtocol: TransactionProtocol
  /// Threads for the asynchronous forms, at most: so many for transactions that write, and so many
  /// for those that only read.
  public var asynchronousTransactionLimit: Int
  /// How long a transaction may take before ``Statistics/slowTransactions`` and `events` tell of it;
  /// nil: none is ever slow. Of readers those are watched that have a label or are serializable: a
  /// small read would take half as long again if it looked at a clock.
  public var slowTransactionThreshold: Duration?
  /// How long a transaction may be open and do nothing before `events` tell of it (a warning of the
  /// kind `idleTransaction`, once); nil: never. A snapshot is told of when it keeps old versions. It
  /// costs transactions nothing. It comes between once and twice this time after the last operation, and
  /// up to ``checkpointInterval`` later where the database has rested before.
  public var idleTransactionThreshold: Duration?
  /// Receives what happens, from aborts to failures of the device. Called on the engine's threads and
  /// on those of transactions; must not call the database.
  public var events: (@Sendable (DatabaseEvent) -> Void)?
  /// How expired entries are removed; the default suits every use.
  package var expiryPace = ExpiryPace()
  /// Sizes of log segments: the defaults suit every use, and simulations make them small.
  package var log = LogConfiguration()

  /// How Apple's data protection guards the files while the device is locked; nil: as the system
  /// does by itself. Other systems ignore it.
  public var fileProtection: FileProtection?

  /// The defaults; set what differs.
  public init(
    pageSize: Int = 16 << 10,
    cacheSize: Int = MemoryBudget.ofThisPlatform.cacheSize,
    durability: Durability = .full,
    compression: ImageCompression = .lz4,
    fileCaching: FileCaching = .system,
    versionBudget: Int = MemoryBudget.ofThisPlatform.versionBudget,
    transactionSizeLimit: Int = MemoryBudget.ofThisPlatform.transactionSizeLimit,
    createIfMissing: Bool = true,
    checkpointLogBytes: Int = MemoryBudget.ofThisPlatform.checkpointLogBytes,
    checkpointInterval: Duration = .seconds(60),
    changeRetention: Int = 0,
    lockTimeout: Duration = .seconds(10),
    lockBudget: Int = MemoryBudget.ofThisPlatform.lockBudget,
    conflictBudget: Int = MemoryBudget.ofThisPlatform.conflictBudget,
    serializableProtocol: TransactionProtocol = .serializableSnapshot,
    strictSerializableProtocol: TransactionProtocol = .twoPhaseLocking,
    asynchronousTransactionLimit: Int = 16,
    slowTransactionThreshold: Duration? = .milliseconds(100),
    idleTransactionThreshold: Duration? = .seconds(10),
    events: (@Sendable (DatabaseEvent) -> Void)? = nil
  ) {
    self.pageSize = pageSize
    self.cacheSize = cacheSize
    self.durability = durability
    self.compression = compression
    self.fileCaching = fileCaching
    self.versionBudget = versionBudget
    self.transactionSizeLimit = transactionSizeLimit
    self.createIfMissing = createIfMissing
    self.checkpointLogBytes = checkpointLogBytes
    self.checkpointInterval = checkpointInterval
    self.changeRetention = changeRetention
    self.lockTimeout = lockTimeout
    self.lockBudget = lockBudget
    self.conflictBudget = conflictBudget
    self.serializableProtocol = serializableProtocol
    self.strictSerializableProtocol = strictSerializableProtocol
    self.asynchronousTransactionLimit = asynchronousTransactionLimit
    self.slowTransactionThreshold = slowTransactionThreshold
    self.idleTransactionThreshold = idleTransactionThreshold
    self.events = events
  }

  /// Throws `invalidArgument` naming the first value that cannot be.
  func validate() throws(DatabaseError) {
    func require(_ holds: Bool, _ message: String) throws(DatabaseError) {
      if !holds { throw DatabaseError(.invalidArgument, message) }
    }
    try require(
      (4096...65536).contains(pageSize) && pageSize.nonzeroBitCount == 1,
      "pageSize is \(pageSize); it is a power of two from 4096 to 65536")
    try require(
      cacheSize >= 64 * pageSize,
      "cacheSize is \(cacheSize) bytes; at least 64 pages of \(pageSize) bytes are needed")
    try require(versionBudget >= 1 << 16, "versionBudget is \(versionBudget); at least 65536")
    try require(
      transactionSizeLimit >= 1 << 16 && transactionSizeLimit <= 1 << 30,
      "transactionSizeLimit is \(transactionSizeLimit); from 64 KiB to 1 GiB")
    try require(
      checkpointLogBytes >= 1 << 16, "checkpointLogBytes is \(checkpointLogBytes); at least 65536")
    try require(checkpointInterval > .zero, "checkpointInterval must be positive")
    try require(
      changeRetention >= 0 && changeRetention <= 1 << 40,
      "changeRetention is \(changeRetention); from zero to 1 TiB")
    try require(lockTimeout >= .zero, "lockTimeout must not be negative")
    try require(lockBudget >= 1 << 16, "lockBudget is \(lockBudget); at least 65536")
    try require(
      conflictBudget >= 1 << 16, "conflictBudget is \(conflictBudget); at least 65536")
    try require(
      idleTransactionThreshold.map { $0 > .zero } ?? true,
      "idleTransactionThreshold must be positive, or nil")
    try require(asynchronousTransactionLimit >= 1, "asynchronousTransactionLimit is at least 1")
  }
}

/// How page images are stored in the data file.
public enum ImageCompression: String, Sendable, Hashable, CaseIterable {
  /// As they are.
  case none
  /// LZ4, wherever it saves space.
  case lz4
}

/// Whether the system keeps what is read of the data file, beside the database's own cache.
public enum FileCaching: String, Sendable, Hashable, CaseIterable {
  /// It may: a page that left `cacheSize` comes back without the device while the system has memory
  /// to spare. Suits an app, whose cache is a small part of the machine.
  case system
  /// It does not: `cacheSize` is all the memory that pages take, and what comes from the device
  /// comes with less processor time. Suits a server that gives most of its memory to the database.
  case none
}

extension Configuration {
  /// The sizes of the log, with what change feeds want of them: segments small enough that several
  /// fit into what is retained.
  var logForFeeds: LogConfiguration {
    var log = log
    guard changeRetention > 0 else { return log }
    let eighth = changeRetention / 8 / BatchHeader.blockByteCount * BatchHeader.blockByteCount
    log.retainedByteCount = changeRetention
    log.largestSegmentByteCount = max(
      log.firstSegmentByteCount, min(log.largestSegmentByteCount, eighth))
    return log
  }
}

extension Duration {
  /// Whole nanoseconds, saturating.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return .max }
    let (sum, isBeyond) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
    return isBeyond ? .max : sum
  }
}
