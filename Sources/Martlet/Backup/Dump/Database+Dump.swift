internal import Primitives
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
  ///   - progress: told about once for each megabyte. When it throws, the dump ends with that error.
  ///   - sink: given the text in pieces; when it throws, the dump ends with that error.
  /// - Throws: `unknownKeyspace`; `invalidArgument` for a name that the format cannot hold;
  ///   `snapshotTooOld`, `cancelled`, and what reading and the closures throw.
  /// - Complexity: O(size of the keyspaces).
  @discardableResult
  public func dump(
    _ format: DumpFormat = .martlet, keyspaces: [String]? = nil,
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
          var dump = Dump(self, format, progress, sink)
          summary = try dump.run(try sections(keyspaces, infos), Snapshot(context: context))
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
  private let progress: ((DumpProgress) throws -> Void)?
  private var summary = DumpSummary()
  private var nextLook = Dump.interval

  private static let interval = 1 << 20

  init(
    _ database: Database, _ format: DumpFormat, _ progress: ((DumpProgress) throws -> Void)?,
    _ sink: @escaping ([UInt8]) throws -> Void
  ) {
    self.format = format
    self.progress = progress
    let size = Int(clamping: database.statistics.usedBytes)
    // Address space, not memory: rather too much.
    let mapByteCount = max(1 << 30, (size >> 20 + 1) << 24)
    writer = DumpWriter(format, mapByteCount: mapByteCount, into: sink)
  }

  mutating func run(
    _ sections: [(Keyspace, options: [UInt8])], _ snapshot: borrowing Snapshot
  ) throws -> DumpSummary {
    // An environment of one database holds it without a name.
    let isNameless = format != .martlet && sections.map(\.0.name) == ["default"]
    for (keyspace, _) in sections { try require(keyspace.name) }
    writer.begin(timestamp: snapshot.timestamp.rawValue)
    for (keyspace, options) in sections {
      let before = summary.entryCount
      writer.beginSection(isNameless ? nil : keyspace.name, options: options)
      try dump(keyspace, snapshot)
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

  private mutating func dump(_ keyspace: Keyspace, _ snapshot: borrowing Snapshot) throws {
    var bounds = KeyBounds.all
    var isDone = false
    while !isDone {
      var last: [UInt8]?
      do {
        try snapshot.forEach(in: keyspace, bounds) { key, value in
          let key = [UInt8](copying: key)
          last = key
          try writer.append(
            key, [UInt8](copying: value), expiry: try expiry(of: key, keyspace, snapshot))
          try count(keyspace, key.count + value.byteCount)
          return .continue
        }
        isDone = true
      } catch let error as DatabaseError where error.code == .valueTooLarge {
        // The next value is lent to nobody: it goes out in pieces.
        if let last { bounds = try .from(last + [0]) }
        guard let key = try dumpLarge(keyspace, bounds, snapshot) else { throw error }
        bounds = try .from(key + [0])
      }
    }
  }

  /// Writes the first entry within bounds, in pieces.
  private mutating func dumpLarge(
    _ keyspace: Keyspace, _ bounds: KeyBounds, _ snapshot: borrowing Snapshot
  ) throws -> [UInt8]? {
    var found: [UInt8]?
    try snapshot.forEachKey(in: keyspace, bounds, reverse: false, limit: 1) { key, _ in
      found = [UInt8](copying: key)
      return .stop
    }
    guard let key = found else { return nil }
    let expiry = try expiry(of: key, keyspace, snapshot)
    try writer.beginEntry(key)
    var offset = 0
    while true {
      let piece =
        try snapshot.read(key, in: keyspace, offset: offset, count: DumpWriter.valuePieceByteCount)
        ?? []
      if piece.isEmpty && offset > 0 { break }
      writer.appendPiece(piece[...], isFirst: offset == 0, expiry: expiry)
      try writer.handOnPiece()
      offset += piece.count
      if piece.isEmpty { break }
    }
    try writer.endEntry()
    try count(keyspace, key.count + offset)
    return key
  }

  /// When an entry expires, in nanoseconds since 1970; zero for never.
  private func expiry(
    of key: [UInt8], _ keyspace: Keyspace, _ snapshot: borrowing Snapshot
  ) throws -> UInt64 { 0 }

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

extension [UInt8] {
  init(copying bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
