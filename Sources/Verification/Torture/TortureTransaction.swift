internal import Martlet
internal import Primitives

/// One execution of a transaction's body: what it saw and wrote.
struct TortureTransaction {
  let session: TortureSession
  let snapshot: Timestamp
  private(set) var writes: [String: [Int: UInt64?]] = [:]
  private var sights: [TortureHistory.Sight] = []
  private var scans: [TortureHistory.Scan] = []

  init(session: TortureSession, snapshot: Timestamp) {
    self.session = session
    self.snapshot = snapshot
  }

  mutating func perform(
    _ operation: TorturePlan.Operation, _ transaction: borrowing Transaction,
    _ name: (Int) -> String?, _ pause: (UInt64) -> Void
  ) throws {
    func open(_ space: Int) throws -> (String, Keyspace)? {
      guard let name = name(space) else { return nil }
      return try session.life.database.existingKeyspace(name).map { (name, $0) }
    }
    switch operation {
    case .pause(let nanoseconds): pause(nanoseconds)
    case .get(let space, let key):
      guard let (name, keyspace) = try open(space) else { return }
      let hash = try TortureReading.hash(of: key, transaction, keyspace)
      try note(hash, of: key, in: name)
    case .set(let space, let key, let value):
      guard let (name, keyspace) = try open(space) else { return }
      let bytes = value.bytes
      try transaction.set(bytes, for: TortureKey.bytes(key), in: keyspace)
      writes[name, default: [:]][key] = .some(TortureValue.hash(bytes))
    case .setLarge(let space, let key, let value, let pieceByteCount):
      guard let (name, keyspace) = try open(space) else { return }
      let bytes = value.bytes
      try transaction.setLarge(
        byteCount: bytes.count, for: TortureKey.bytes(key), in: keyspace
      ) { writer in
        for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
          try writer.append(Array(bytes[start..<min(start + pieceByteCount, bytes.count)]))
        }
      }
      writes[name, default: [:]][key] = .some(TortureValue.hash(bytes))
    case .fill(let space, let keys, let seed, let byteCount):
      guard let (name, keyspace) = try open(space) else { return }
      for key in keys {
        let bytes = TortureValue(seed: seed &+ UInt64(key), byteCount: byteCount).bytes
        try transaction.set(bytes, for: TortureKey.bytes(key), in: keyspace)
        writes[name, default: [:]][key] = .some(TortureValue.hash(bytes))
      }
    case .clear(let space, let keys):
      guard let (name, keyspace) = try open(space) else { return }
      for key in keys {
        try transaction.remove(TortureKey.bytes(key), in: keyspace)
        writes[name, default: [:]][key] = .some(nil)
      }
    case .remove(let space, let key):
      guard let (name, keyspace) = try open(space) else { return }
      try transaction.remove(TortureKey.bytes(key), in: keyspace)
      writes[name, default: [:]][key] = .some(nil)
    case .increment(let space, let key, let difference):
      guard let (name, keyspace) = try open(space) else { return }
      let bytes = TortureKey.bytes(key)
      let before = try transaction.withBytes(for: bytes, in: keyspace) { span -> Int in
        guard let counter = TortureValue.counter(span) else {
          throw TortureViolation(.wrongRead, "the counter \(key) of \(name) is no counter")
        }
        return counter
      }
      try note(before.map { TortureValue.hash(ofCounter: $0) }, of: key, in: name)
      let after = TortureValue.bytes(ofCounter: (before ?? 0) + difference)
      try transaction.set(after, for: bytes, in: keyspace)
      writes[name, default: [:]][key] = .some(TortureValue.hash(after))
    case .scan(let space, let bounds, let isReverse, let limit):
      guard let (name, keyspace) = try open(space) else { return }
      var scan = TortureHistory.Scan(name, bounds, isReverse: isReverse, limit: limit)
      scan.ownWrites = writes[name] ?? [:]
      try TortureReading.fill(&scan, transaction, keyspace)
      scans.append(scan)
    }
  }

  /// Moves the session's row in the ledger.
  mutating func stand(at number: Int, _ transaction: borrowing Transaction) throws {
    guard
      let ledger = try session.life.database.existingKeyspace(TortureHistory.ledger)
    else { throw TortureViolation(.wrongKeyspaces, "the ledger is gone") }
    let bytes = TortureValue.bytes(ofCounter: number)
    try transaction.set(bytes, for: TortureKey.bytes(session.number), in: ledger)
    writes[TortureHistory.ledger, default: [:]][session.number] = .some(TortureValue.hash(bytes))
  }

  /// A read: of an own write it is checked at once, else it is evidence for later.
  private mutating func note(_ hash: UInt64?, of key: Int, in name: String) throws {
    guard let own = writes[name]?[key] else {
      sights.append(.init(keyspace: name, key: key, hash: hash))
      return
    }
    guard own == hash else {
      throw TortureViolation(
        .wrongRead, "a transaction does not read its own write of key \(key) of \(name)")
    }
  }

  /// Writes down what the body did, also when it threw.
  func record(in attempt: Int) {
    let life = session.life
    life.history.attempts[attempt].snapshot = snapshot
    life.history.attempts[attempt].sights = sights
    life.history.attempts[attempt].scans = scans
    life.history.attempts[attempt].writes = writes.sorted { $0.key < $1.key }.flatMap {
      (name, keys) in
      keys.sorted { $0.key < $1.key }.map { .init(name, $0.key, $0.value) }
    }
  }
}

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

  /// Everything a database holds, with the moment of each value.
  static func everything(in database: Database) throws -> TortureState {
    var state = TortureState()
    for name in database.keyspaceNames {
      guard let keyspace = try database.existingKeyspace(name) else { continue }
      var entries: [Int: TortureEntry] = [:]
      try database.read { snapshot in
        var scan = TortureHistory.Scan(name, nil, isReverse: false, limit: .max)
        try fill(&scan, snapshot, keyspace)
        for row in scan.rows {
          let key = TortureKey.bytes(row.key)
          guard let timestamp = try snapshot.timestamp(of: key, in: keyspace) else {
            throw TortureViolation(
              .wrongRead, "key \(row.key) of \(name) is in the scan and not in a read")
          }
          entries[row.key] = TortureEntry(hash: row.hash, timestamp: timestamp)
        }
        guard entries.count == scan.rows.count else {
          throw TortureViolation(.wrongRead, "a scan of \(name) returned a key twice")
        }
      }
      state[name] = entries
    }
    return state
  }
}
