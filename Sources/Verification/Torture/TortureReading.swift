internal import Martlet

/// Reads, as evidence.
enum TortureReading {
  /// The hash of a key's value; nil when it is absent.
  static func hash<View: Reading & ~Copyable>(
    of key: Int, _ view: borrowing View, _ keyspace: Keyspace
  ) throws -> UInt64? {
    try view.withBytes(for: TortureKey.bytes(key), in: keyspace) { TortureValue.hash($0) }
  }

  /// The same key by every way of reading it.
  static func agreeing<View: Reading & ~Copyable>(
    on key: Int, _ view: borrowing View, _ keyspace: Keyspace
  ) throws -> UInt64? {
    let bytes = TortureKey.bytes(key)
    let found = try hash(of: key, view, keyspace)
    let byteCount = try view.byteCount(of: bytes, in: keyspace)
    let copy = try view.read(bytes, in: keyspace, offset: 0, count: .max)
    let isThere = try view.contains(bytes, in: keyspace)
    guard copy.map(TortureValue.hash) == found, copy?.count == byteCount, isThere == (found != nil)
    else {
      throw TortureViolation(
        .wrongRead, "the ways to read key \(key) of \(keyspace.name) do not agree")
    }
    return found
  }

  /// Runs a scan and keeps what it returns.
  static func fill<View: Reading & ~Copyable>(
    _ scan: inout TortureHistory.Scan, _ view: borrowing View, _ keyspace: Keyspace
  ) throws {
    let bounds = try scan.bounds.map {
      try KeyBounds.range(
        from: TortureKey.bytes($0.lowerBound), to: TortureKey.bytes($0.upperBound))
    }
    var rows: [(key: Int, hash: UInt64)] = []
    try view.forEach(
      in: keyspace, bounds ?? .all, reverse: scan.isReverse,
      limit: scan.limit == .max ? nil : scan.limit
    ) { key, value in
      guard let number = TortureKey.number(key) else {
        throw TortureViolation(.wrongRead, "keyspace \(keyspace.name) holds a key nobody wrote")
      }
      rows.append((number, TortureValue.hash(value)))
      return .continue
    }
    scan.rows = rows
  }

  /// When a key of a view expires; zero: never.
  static func expiry(
    of key: [UInt8], _ snapshot: borrowing Snapshot, _ keyspace: Keyspace
  ) throws -> UInt64 {
    if snapshot.judgedMoment == 0 { return 0 }
    return try snapshot.expiry(of: key, in: keyspace)?.moment?.nanosecondsSince1970 ?? 0
  }

  /// Everything a database holds, with the moment of each value.
  static func everything(in database: Database) throws -> TortureRecovery {
    try database.read { snapshot in
      var state = TortureState()
      for name in database.keyspaceNames {
        guard let keyspace = try database.existingKeyspace(name) else { continue }
        var scan = TortureHistory.Scan(name, nil, isReverse: false, limit: .max)
        try fill(&scan, snapshot, keyspace)
        var entries: [Int: TortureEntry] = [:]
        for row in scan.rows {
          let key = TortureKey.bytes(row.key)
          guard let timestamp = try snapshot.timestamp(of: key, in: keyspace) else {
            throw TortureViolation(
              .wrongRead, "key \(row.key) of \(name) is in the scan and not in a read")
          }
          entries[row.key] = TortureEntry(
            hash: row.hash, timestamp: timestamp, expiry: try expiry(of: key, snapshot, keyspace))
        }
        guard entries.count == scan.rows.count else {
          throw TortureViolation(.wrongRead, "a scan of \(name) returned a key twice")
        }
        state[name] = entries
      }
      return TortureRecovery(state, moment: snapshot.judgedMoment)
    }
  }
}
