internal import Martlet
internal import Primitives

/// One execution of a transaction's body: what it saw and wrote.
struct TortureTransaction {
  let session: TortureSession
  let snapshot: Timestamp
  private(set) var changes: [String: [Int: TortureHistory.Change]] = [:]
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
      try look(at: key, name, keyspace, transaction)
    case .set(let space, let key, let value, let expiry):
      guard let (name, keyspace) = try open(space) else { return }
      let bytes = value.bytes
      if let expiry {
        let expires = session.life.expiry(expiry)
        try transaction.set(bytes, for: TortureKey.bytes(key), in: keyspace, expires: expires)
        add(
          .set(
            hash: TortureValue.hash(bytes), bytes: nil, expiry: stored(expires, transaction)),
          to: key, in: name)
        session.life.counts.expiringWriteCount += 1
      } else {
        try set(bytes, for: key, name, keyspace, transaction)
      }
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
      noteSet(bytes, of: key, name, keyspace, transaction)
    case .fill(let space, let keys, let seed, let byteCount):
      guard let (name, keyspace) = try open(space) else { return }
      for key in keys {
        let bytes = TortureValue(seed: seed &+ UInt64(key), byteCount: byteCount).bytes
        try set(bytes, for: key, name, keyspace, transaction)
      }
    case .clear(let space, let keys):
      guard let (name, keyspace) = try open(space) else { return }
      for key in keys {
        try transaction.remove(TortureKey.bytes(key), in: keyspace)
        add(.remove, to: key, in: name)
      }
    case .remove(let space, let key):
      guard let (name, keyspace) = try open(space) else { return }
      try transaction.remove(TortureKey.bytes(key), in: keyspace)
      add(.remove, to: key, in: name)
    case .increment(let space, let key, let difference):
      guard let (name, keyspace) = try open(space) else { return }
      try increment(key, by: difference, name, keyspace, transaction)
    case .merge(let space, let key, let merge):
      guard let (name, keyspace) = try open(space) else { return }
      try transaction.merge(merge.operation, for: TortureKey.bytes(key), in: keyspace)
      // By the commit somebody may have written what expires: judged by this moment then.
      if session.life.plan.expires { _ = transaction.expiryMoment }
      let made = defaultExpiry(in: keyspace, transaction)
      add(.merge(merge, madeExpiring: made), to: key, in: name)
      session.life.counts.mergeCount += 1
    case .touch(let space, let key, let expiry):
      guard let (name, keyspace) = try open(space) else { return }
      try touch(key, session.life.expiry(expiry), name, keyspace, transaction)
    case .scan(let space, let bounds, let isReverse, let limit):
      guard let (name, keyspace) = try open(space) else { return }
      var scan = TortureHistory.Scan(name, bounds, isReverse: isReverse, limit: limit)
      scan.ownWrites = (changes[name] ?? [:]).mapValues(\.effects)
      try TortureReading.fill(&scan, transaction, keyspace)
      scans.append(scan)
      // A scan reads what is merged into within its bounds, also behind its limit.
      for key in (changes[name] ?? [:]).keys where bounds.contains(key) {
        changes[name]?[key]?.pin()
      }
    }
  }

  /// Moves the session's row in the ledger.
  mutating func stand(at number: Int, _ transaction: borrowing Transaction) throws {
    guard
      let ledger = try session.life.database.existingKeyspace(TortureHistory.ledger)
    else { throw TortureViolation(.wrongKeyspaces, "the ledger is gone") }
    let bytes = TortureValue.bytes(ofCounter: number)
    try set(bytes, for: session.number, TortureHistory.ledger, ledger, transaction)
  }

  // MARK: Writing

  private mutating func set(
    _ bytes: [UInt8], for key: Int, _ name: String, _ keyspace: Keyspace,
    _ transaction: borrowing Transaction
  ) throws {
    try transaction.set(bytes, for: TortureKey.bytes(key), in: keyspace)
    noteSet(bytes, of: key, name, keyspace, transaction)
  }

  private mutating func noteSet(
    _ bytes: [UInt8], of key: Int, _ name: String, _ keyspace: Keyspace,
    _ transaction: borrowing Transaction
  ) {
    let isMerged = key >= session.life.plan.keyCount
    add(
      .set(
        hash: TortureValue.hash(bytes), bytes: isMerged ? bytes : nil,
        expiry: defaultExpiry(in: keyspace, transaction)),
      to: key, in: name)
  }

  private mutating func add(_ effect: TortureEffect, to key: Int, in name: String) {
    changes[name, default: [:]][key, default: .init()].add(effect)
  }

  private mutating func increment(
    _ key: Int, by difference: Int, _ name: String, _ keyspace: Keyspace,
    _ transaction: borrowing Transaction
  ) throws {
    let bytes = TortureKey.bytes(key)
    let before = try transaction.withBytes(for: bytes, in: keyspace) { span -> Int in
      guard let counter = TortureValue.counter(span) else {
        throw TortureViolation(.wrongRead, "the counter \(key) of \(name) is no counter")
      }
      return counter
    }
    try note(before.map { TortureValue.hash(ofCounter: $0) }, nil, of: key, in: name, transaction)
    let after = TortureValue.bytes(ofCounter: (before ?? 0) + difference)
    try set(after, for: key, name, keyspace, transaction)
  }

  private mutating func touch(
    _ key: Int, _ expires: Expiry, _ name: String, _ keyspace: Keyspace,
    _ transaction: borrowing Transaction
  ) throws {
    let isThere = try transaction.touch(TortureKey.bytes(key), in: keyspace, expires: expires)
    if isThere {
      add(.touch(expiry: stored(expires, transaction)), to: key, in: name)
      session.life.counts.expiringWriteCount += 1
      try look(at: key, name, keyspace, transaction)
    } else {
      try note(nil, nil, of: key, in: name, transaction)
    }
  }

  // MARK: Expiry

  /// What the engine stores for an expiry, by the transaction's own moment.
  private func stored(_ expiry: Expiry, _ transaction: borrowing Transaction) -> UInt64 {
    switch expiry {
    case .never: 0
    case .at(let moment): max(moment.nanosecondsSince1970, 1)
    case .after(let duration):
      transaction.expiryMoment + TortureSession.nanoseconds(duration)
    }
  }

  private func defaultExpiry(
    in keyspace: Keyspace, _ transaction: borrowing Transaction
  ) -> UInt64 {
    keyspace.options.timeToLive.map { stored(.after($0), transaction) } ?? 0
  }

  // MARK: Reading

  private mutating func look(
    at key: Int, _ name: String, _ keyspace: Keyspace, _ transaction: borrowing Transaction
  ) throws {
    let hash = try TortureReading.hash(of: key, transaction, keyspace)
    var expiry: UInt64?
    if transaction.judgedMoment != 0 {
      let found = try transaction.expiry(of: TortureKey.bytes(key), in: keyspace)
      guard (found == nil) == (hash == nil) else {
        throw TortureViolation(
          .wrongRead, "key \(key) of \(name) is there to a read or to a question after its expiry")
      }
      expiry = found.map { $0.moment?.nanosecondsSince1970 ?? 0 }
    }
    try note(hash, expiry, of: key, in: name, transaction)
  }

  /// A read: of an own write it is checked at once, else it is evidence for later.
  private mutating func note(
    _ hash: UInt64?, _ expiry: UInt64?, of key: Int, in name: String,
    _ transaction: borrowing Transaction
  ) throws {
    guard let own = changes[name]?[key] else {
      sights.append(.init(keyspace: name, key: key, hash: hash, expiry: expiry))
      return
    }
    guard own.isIndependent else {
      sights.append(
        .init(keyspace: name, key: key, hash: hash, expiry: expiry, own: own.effects))
      changes[name]?[key]?.pin()
      return
    }
    let moment = transaction.judgedMoment
    let expected = TortureEntry?.none.after(own.effects, at: snapshot, judgedBy: moment)
      .seen(at: moment)
    guard expected?.hash == hash, expiry == nil || expected == nil || expected?.expiry == expiry
    else {
      throw TortureViolation(
        .wrongRead, "a transaction does not read its own write of key \(key) of \(name)")
    }
  }

  /// Writes down what the body did, also when it threw.
  func record(in attempt: Int, judgedBy moment: UInt64) {
    let life = session.life
    life.history.attempts[attempt].snapshot = snapshot
    life.history.attempts[attempt].moment = moment
    life.history.attempts[attempt].sights = sights
    life.history.attempts[attempt].scans = scans
    life.history.attempts[attempt].writes = changes.sorted { $0.key < $1.key }.flatMap {
      (name, keys) in
      keys.sorted { $0.key < $1.key }.map { .init(name, $0.key, $0.value) }
    }
  }
}
