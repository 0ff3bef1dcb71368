internal import Primitives
internal import RedoLog

extension Database {
  /// The changes that become durable from now on, or from a token on, in commit order.
  ///
  /// - Parameters:
  ///   - keyspaces: the keyspaces to watch; nil for all, those that are made later as well, and those of
  ///     the engine, such as indexes, whose names begin with `martlet/`.
  ///   - token: where to go on; nil for now.
  /// - Returns: a feed that has no end. It throws `positionLost` when the log does not hold any more
  ///   what came behind the token: then begin anew from a snapshot (``changeToken()``).
  /// - Throws: `wrongDatabase` for a token or a keyspace of another database; `closed`.
  public func changes(in keyspaces: [Keyspace]? = nil, from token: ChangeToken? = nil) throws
    -> ChangeFeed
  {
    for keyspace in keyspaces ?? [] where keyspace.database != id {
      throw DatabaseError(
        .wrongDatabase, "keyspace \"\(keyspace.name)\" belongs to another database")
    }
    return ChangeFeed(
      database: self, keyspaces: keyspaces.map { Set($0.map(\.id)) }, start: try start(token))
  }

  /// Where a feed stands that has seen everything that is durable now.
  ///
  /// Take it before a snapshot to begin with: a feed from here on tells of every commit that the
  /// snapshot does not show, and perhaps of some that it does, whose timestamps are not above
  /// ``Snapshot/timestamp``.
  /// - Throws: `closed`.
  public func changeToken() throws -> ChangeToken {
    try engine.enter()
    defer { engine.leave() }
    return engine.changeToken
  }

  func start(_ token: ChangeToken?) throws -> ChangeToken {
    guard let token else { return try changeToken() }
    guard token.database == id else {
      throw DatabaseError(
        .wrongDatabase,
        "the token belongs to database \(token.database), and this one is \(id): begin anew from "
          + "a snapshot")
    }
    return token
  }
}

extension Engine {
  /// The durable end of the log, and where the oldest large value begins that is being written.
  var changeToken: ChangeToken {
    // The floor first: a value that begins after it lies behind the mark.
    let floor = pipeline.oldestContinuation
    let mark = log.durableMark
    return ChangeToken(database: id, mark: mark, floor: min(floor ?? mark.position, mark.position))
  }
}
