internal import Primitives
internal import ConcurrencyControl
internal import RawBytes
internal import VersionStore

extension Database {
  /// The keyspace of a name, made now if there is none.
  ///
  /// Making one is a transaction of its own, durable as the configuration says.
  /// - Parameters:
  ///   - name: its name.
  ///   - options: what it is made with; nil: as it is, or the defaults.
  /// - Throws: `invalidArgument` for an empty name or one above 255 bytes of UTF-8, and for options
  ///   that differ from those it was made with; `keyspaceExists` while one of that name is being
  ///   built.
  public func keyspace(_ name: String, options: KeyspaceOptions? = nil) throws -> Keyspace {
    try requireName(name)
    return try withEngine { engine in
      if let info = engine.store.keyspace(named: name) { return try handle(info, options) }
      try requireNotReserved(name)
      return try engine.changingCatalog { transaction in
        if let info = engine.store.keyspace(named: name) { return try handle(info, options) }
        if engine.builds.contains(name) { throw DatabaseError.keyspaceExists(name) }
        let id = engine.store.nextKeyspaceID()
        let options = options ?? KeyspaceOptions()
        try engine.commitCatalog(
          transaction, id, name: name, state: .live, options: options.encoded, dropping: nil)
        return Keyspace(
          name: name, id: id, options: options, database: engine.id, writer: .application)
      }
    }
  }

  /// The keyspace of a name; nil when there is none. Makes nothing.
  public func existingKeyspace(_ name: String) throws -> Keyspace? {
    try withEngine { engine in
      try engine.store.keyspace(named: name).map { try handle($0, nil) }
    }
  }

  /// Removes a keyspace with everything in it.
  ///
  /// Snapshots that began before go on seeing it; its space returns when the last of them has
  /// ended. Transactions that wrote to it and are not committed fail with `keyspaceDropped`.
  /// - Throws: `unknownKeyspace` when there is none of that name; `ownedByCollection` for a collection,
  ///   open or not (``dropCollection(_:)`` drops it with its indexes); `invalidArgument` for what the
  ///   engine keeps for itself.
  public func dropKeyspace(_ name: String) throws {
    try requireNotReserved(name)
    try withEngine { engine in
      // Its keyspace alone would leave entries of records that are gone.
      if try engine.isCollection(name) {
        throw DatabaseError(
          .ownedByCollection, "\"\(name)\" is a collection: drop it with dropCollection")
      }
      try engine.changingCatalog { transaction in
        guard let info = engine.store.keyspace(named: name) else {
          throw DatabaseError(.unknownKeyspace, "there is no keyspace \"\(name)\"")
        }
        try engine.commitCatalog(
          transaction, info.id, name: name, state: .dropping, options: info.options,
          dropping: info.id)
      }
    }
  }

  /// The names of all keyspaces, sorted.
  public var keyspaceNames: [String] {
    engine.store.keyspaces.filter { $0.state == .live }.map(\.name).sorted()
  }

  private func withEngine<Result>(_ body: (Engine) throws -> Result) throws -> Result {
    try engine.enter()
    defer { engine.leave() }
    return try body(engine)
  }

  private func handle(_ info: KeyspaceInfo, _ wish: KeyspaceOptions?) throws(DatabaseError)
    -> Keyspace
  {
    let options = try KeyspaceOptions(decoding: info.options)
    if let wish, wish != options {
      throw DatabaseError(
        .invalidArgument,
        "keyspace \"\(info.name)\" was made with other options: \(options)")
    }
    return Keyspace(
      name: info.name, id: info.id, options: options, database: engine.id,
      writer: SystemKeyspace.isReserved(info.name) ? .intruder : .application)
  }

  func requireNotReserved(_ name: String) throws(DatabaseError) {
    guard !SystemKeyspace.isReserved(name) else {
      throw DatabaseError(
        .invalidArgument,
        "keyspace names that begin with \"\(SystemKeyspace.prefix)\" are the engine's own")
    }
  }

  func requireName(_ name: String) throws(DatabaseError) {
    guard !name.isEmpty, name.utf8.count <= 255 else {
      throw DatabaseError(
        .invalidArgument, "a keyspace name has 1 to 255 bytes of UTF-8, not \(name.utf8.count)")
    }
  }
}

extension Engine {
  /// Runs a change of the catalog while no other one runs.
  func changingCatalog<Result>(_ body: (TransactionID) throws -> Result) throws -> Result {
    let transaction = makeTransactionID()
    // One lock for the whole catalog: changes of it are rare.
    let requester = LockRequester(
      transaction: transaction, enclosing: currentTransaction, timeout: lockTimeout)
    _ = try locks.acquire(
      .exclusive, LockName(keyspace: .catalog, fingerprint: 0), .empty, for: requester.claimant,
      waitingAs: requester)
    defer { locks.releaseAll(of: transaction) }
    return try body(transaction)
  }

  /// Commits one catalog entry.
  func commitCatalog(
    _ transaction: TransactionID, _ id: KeyspaceID, name: String, state: KeyspaceState,
    options: [UInt8], dropping: KeyspaceID?
  ) throws(DatabaseError) {
    var builder = WriteBatchBuilder()
    let key = VersionStore.catalogKey(id)
    let value = VersionStore.catalogValue(name: name, state: state, options: options)
    key.withByteView { key in
      value.withByteView { value in builder.set(key, to: value, in: .catalog) }
    }
    let request = CommitRequest(
      transaction: transaction, batch: builder.finish(), keyspaces: [.catalog], largeValues: [],
      snapshot: nil, certified: nil, droppedKeyspace: dropping, durability: configuration.durability
    )
    _ = try pipeline.commit(request)
    checkpointer.noteCommit()
  }
}
