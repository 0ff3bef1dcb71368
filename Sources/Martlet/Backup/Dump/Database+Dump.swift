internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

extension Database {
  /// Writes the database down as text, exact at one moment, while everything goes on.
  ///
  /// For other programs, for people, and for the way to another store: `.lmdb` and `.berkeleyDB`
  /// are what the tools of those read. A copy of the database as it is, is what `backup` makes, many
  /// times as fast. The dump is one long snapshot: under heavy writes it may expire, with
  /// `snapshotTooOld`; then dump a backup.
  /// - Parameters:
  ///   - format: how.
  ///   - keyspaces: their names, in this order; nil: all, sorted by name.
  ///   - droppingExpiry: whether entries that expire (``Expiry``) may lose their expiry, and stay for
  ///     good where the dump is loaded: `.lmdb` and `.berkeleyDB` cannot say it. The own format always
  ///     keeps it.
  ///   - progress: told about once for each megabyte. When it throws, the dump ends with that error.
  ///   - sink: given the text in pieces; when it throws, the dump ends with that error.
  /// - Throws: `unknownKeyspace`; `invalidArgument` for a name that the format cannot hold, and for an
  ///   entry that expires where it cannot say so, unless `droppingExpiry`; `snapshotTooOld`, `cancelled`, and what reading and the closures throw.
  /// - Complexity: O(size of the keyspaces).
  @discardableResult
  public func dump(
    _ format: DumpFormat = .martlet, keyspaces: [String]? = nil, droppingExpiry: Bool = false,
    progress: ((DumpProgress) throws -> Void)? = nil, into sink: ([UInt8]) throws -> Void
  ) throws -> DumpSummary {
    try withoutActuallyEscaping(sink) { sink in
      try engine.enter()
      defer { engine.leave() }
      while true {
        // Made or dropped since: the snapshot must be of the time when the names were taken.
        let infos = engine.store.keyspaces
        let context = engine.beginRead(label: "dump")
        guard engine.store.keyspaces == infos else {
          try engine.endRead(context)
          continue
        }
        let summary: DumpSummary
        do {
          var dump = Dump(self, format, isDroppingExpiry: droppingExpiry, progress, sink)
          summary = try dump.run(try sections(keyspaces, infos), context)
        } catch {
          try? engine.endRead(context)
          throw error
        }
        try engine.endRead(context)
        return summary
      }
    }
  }

  private func sections(
    _ names: [String]?, _ infos: [KeyspaceInfo]
  ) throws -> [(Keyspace, options: [UInt8])] {
    try (names ?? keyspaceNames).map { name in
      guard let keyspace = try existingKeyspace(name),
        let info = infos.first(where: { $0.id == keyspace.id })
      else {
        throw DatabaseError(.unknownKeyspace, "there is no keyspace \"\(name)\"")
      }
      return (keyspace, options: info.options)
    }
  }
}

/// One dump.
private struct Dump {
  private var writer: DumpWriter
  private let format: DumpFormat
  private let isDroppingExpiry: Bool
  private let progress: ((DumpProgress) throws -> Void)?
  private var summary = DumpSummary()
  private var nextLook = Dump.interval

  private static let interval = 1 << 20

  init(
    _ database: Database, _ format: DumpFormat, isDroppingExpiry: Bool,
    _ progress: ((DumpProgress) throws -> Void)?, _ sink: @escaping ([UInt8]) throws -> Void
  ) {
    self.format = format
    self.isDroppingExpiry = isDroppingExpiry
    self.progress = progress
    let size = Int(clamping: database.statistics.usedBytes)
    // Address space, not memory: rather too much.
    let mapByteCount = max(1 << 30, (size >> 20 + 1) << 24)
    writer = DumpWriter(format, mapByteCount: mapByteCount, into: sink)
  }

  mutating func run(
    _ sections: [(Keyspace, options: [UInt8])], _ context: ReadContext
  ) throws -> DumpSummary {
    // An environment of one database holds it without a name.
    let isNameless = format != .martlet && sections.map(\.0.name) == ["default"]
    for (keyspace, _) in sections { try require(keyspace.name) }
    writer.begin(timestamp: context.snapshot.timestamp.rawValue)
    for (keyspace, options) in sections {
      let before = summary.entryCount
      writer.beginSection(isNameless ? nil : keyspace.name, options: options)
      try dump(keyspace, context)
      writer.endSection(entryCount: summary.entryCount - before)
      summary.keyspaces.append(keyspace.name)
    }
    try writer.end()
    return summary
  }

  /// A header is a line.
  private func require(_ name: String) throws {
    guard format != .martlet else { return }
    guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else {
      throw DatabaseError(
        .invalidArgument,
        "the name of keyspace \(DatabaseError.quoted(Array(name.utf8))) cannot stand in a dump of this "
          + "format")
    }
  }

  private mutating func dump(_ keyspace: Keyspace, _ context: ReadContext) throws {
    try context.requireUsable(keyspace)
    do {
      var cursor = try context.store.makeCursor(in: keyspace.id, at: context.snapshot)
      var isThere = try cursor.seekFirst()
      while isThere {
        try append(cursor, keyspace, context)
        try context.requireGoingOn()
        isThere = try cursor.next()
      }
    } catch let error as StoreError {
      throw DatabaseError(error)
    }
  }

  /// Writes the entry on which a cursor stands. A large value goes out in pieces.
  private mutating func append(
    _ cursor: borrowing StoreCursor, _ keyspace: Keyspace, _ context: ReadContext
  ) throws {
    let key = cursor.key.array
    if cursor.expiry != 0 { try requireExpiryAllowed(key, keyspace) }
    guard let reference = cursor.overflow else {
      try writer.append(key, cursor.value.array, expiry: cursor.expiry)
      return try count(keyspace, key.count + cursor.value.count)
    }
    let byteCount = Int(clamping: reference.byteCount)
    try writer.beginEntry(key)
    var offset = 0
    while offset < byteCount {
      let length = min(DumpWriter.valuePieceByteCount, byteCount - offset)
      let piece = try context.withScratch { (level) throws(DatabaseError) in
        level.bytes.append(zeros: length)
        try context.readLarge(
          reference, from: UInt64(offset), into: level.bytes.mutableView, at: context.snapshot)
        return level.bytes.view.array
      }
      writer.appendPiece(piece[...], isFirst: offset == 0, expiry: cursor.expiry)
      try writer.handOnPiece()
      offset += length
    }
    try writer.endEntry()
    try count(keyspace, key.count + byteCount)
  }

  /// The tools of LMDB and Berkeley DB know no expiry: what they load would stay for good.
  private func requireExpiryAllowed(_ key: [UInt8], _ keyspace: Keyspace) throws {
    guard format != .martlet, !isDroppingExpiry else { return }
    throw DatabaseError(
      .invalidArgument,
      "key \(DatabaseError.quoted(key)) of keyspace \"\(keyspace.name)\" expires, which a dump of "
        + "this format cannot say: dump in Martlet's own format, or say that expiry may be dropped")
  }

  private mutating func count(_ keyspace: Keyspace, _ byteCount: Int) throws {
    summary.entryCount += 1
    summary.byteCount += byteCount
    guard summary.byteCount >= nextLook else { return }
    nextLook = summary.byteCount + Self.interval
    try Database.checkCancellation(nil, "the dump")
    try progress?(
      DumpProgress(
        keyspace: keyspace.name, entryCount: summary.entryCount, byteCount: summary.byteCount))
  }
}
