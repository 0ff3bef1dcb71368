internal import Primitives

extension MessageQueue {
  /// So many messages are changed in one transaction.
  private static let batchCount = 256

  /// Dead letters, oldest message first.
  ///
  /// - Parameter limit: how many at most.
  public func deadLetters(limit: Int = 100) throws -> [DeadLetter] {
    try database.read { snapshot in
      var letters: [DeadLetter] = []
      try snapshot.forEach(
        in: keyspace, .prefix(QueueKeys.deadLetters), reverse: false, limit: limit
      ) { key, value in
        let id = try QueueKeys.parseDeadLetter(Self.bytes(key))
        let turn = try StoredTurn(decoding: Self.bytes(value))
        guard let bytes = try snapshot.get(QueueKeys.message(id), in: keyspace) else {
          throw QueueKeys.damaged("message \(id), which is a dead letter", 0)
        }
        let message = try StoredMessage(decoding: bytes)
        letters.append(
          DeadLetter(
            id: id, body: message.body, attempts: Int(turn.attempts),
            enqueuedAt: message.enqueuedAt, diedAt: turn.diedAt, error: turn.error))
        return .continue
      }
      return letters
    }
  }

  /// Has dead letters delivered again, with all their attempts.
  ///
  /// - Parameter ids: which ones; nil: all there are.
  /// - Returns: how many.
  @discardableResult
  public func redrive(_ ids: [MessageID]? = nil) throws -> Int {
    try forEachDeadLetter(ids) { tx, id in
      try tx.set(StoredTurn().encoded, for: QueueKeys.turn(now, id), in: keyspace)
    }
  }

  /// Removes dead letters with their messages.
  ///
  /// - Parameter ids: which ones; nil: all there are.
  /// - Returns: how many.
  @discardableResult
  public func purgeDeadLetters(_ ids: [MessageID]? = nil) throws -> Int {
    try forEachDeadLetter(ids) { tx, id in
      try tx.remove(QueueKeys.message(id), in: keyspace)
    }
  }

  /// Takes the dead letters out, a batch in each transaction.
  private func forEachDeadLetter(
    _ ids: [MessageID]?, _ body: (borrowing Transaction, MessageID) throws -> Void
  ) throws -> Int {
    var rest = ids?[...]
    var count = 0
    while true {
      let batch = rest.map { Array($0.prefix(Self.batchCount)) }
      let (done, isOver) = try database.write { tx in
        let keys =
          try batch?.map(QueueKeys.deadLetter) ?? firstKeys(tx, QueueKeys.deadLetters)
        var done = 0
        for key in keys where try tx.getForUpdate(key, in: keyspace) != nil {
          try tx.remove(key, in: keyspace)
          try body(tx, try QueueKeys.parseDeadLetter(key))
          done += 1
        }
        return (done, keys.count < Self.batchCount)
      }
      count += done
      if isOver { return count }
      rest = rest?.dropFirst(Self.batchCount)
    }
  }

  private func firstKeys(_ tx: borrowing Transaction, _ prefix: [UInt8]) throws -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try tx.forEachKey(in: keyspace, .prefix(prefix), reverse: false, limit: Self.batchCount) {
      key, _ in
      keys.append(Self.bytes(key))
      return .continue
    }
    return keys
  }

  /// Removes every message that waits to be delivered or is with a consumer, whose answer then finds
  /// its lease lost. Dead letters and remembered keys stay.
  ///
  /// - Returns: how many.
  @discardableResult
  public func purge() throws -> Int {
    var count = 0
    while true {
      let done = try database.write { tx in
        let keys = try firstKeys(tx, QueueKeys.turns)
        for key in keys {
          try tx.remove(key, in: keyspace)
          try tx.remove(QueueKeys.message(try QueueKeys.parseTurn(key).id), in: keyspace)
        }
        return keys.count
      }
      count += done
      if done < Self.batchCount { return count }
    }
  }

  /// How many messages there are.
  ///
  /// - Complexity: O(n): each is visited.
  public func counts() throws -> QueueCounts {
    try database.read { snapshot in
      var counts = QueueCounts()
      let moment = now
      try snapshot.forEachKey(
        in: keyspace, .prefix(QueueKeys.turns), reverse: false, limit: nil
      ) { key, _ in
        if try QueueKeys.parseTurn(Self.bytes(key)).due <= moment {
          counts.ready += 1
        } else {
          counts.waiting += 1
        }
        return .continue
      }
      try snapshot.forEachKey(
        in: keyspace, .prefix(QueueKeys.deadLetters), reverse: false, limit: nil
      ) { _, _ in
        counts.dead += 1
        return .continue
      }
      return counts
    }
  }

  private static func bytes(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
