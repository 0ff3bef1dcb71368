internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

// What opening a schema does with the engine, on whichever thread: a background build must not keep
// the database alive.
extension Engine {
  /// Runs a transaction and waits until it is as durable as the configuration says. Returns when it
  /// was committed; nil when it wrote nothing.
  @discardableResult
  func commit(
    _ isolation: IsolationLevel, _ body: (borrowing Transaction) throws -> Void
  ) throws -> Timestamp? {
    try enter()
    defer { leave() }
    let outcome = try run(
      try options(isolation, nil, durability: nil, retry: .automatic, cancellation: nil), body)
    try outcome.awaitDurability(pipeline)
    return outcome.receipt?.timestamp
  }

  /// Runs a body over one snapshot of the newest published state.
  func snapshot<Result>(_ body: (borrowing Snapshot) throws -> Result) throws -> Result {
    try enter()
    defer { leave() }
    let context = beginRead(label: nil)
    let result: Result
    do { result = try body(Snapshot(context: context)) } catch {
      try? endRead(context)
      throw error
    }
    try endRead(context)
    return result
  }

  /// The keyspace of a name; nil when there is none.
  func existingKeyspace(_ name: String) throws(DatabaseError) -> Keyspace? {
    guard let info = store.keyspace(named: name) else { return nil }
    return Keyspace(
      name: info.name, id: info.id, options: try KeyspaceOptions(decoding: info.options),
      database: id, writer: .engine)
  }

  /// The keyspace of a name, made now if there is none, and whether it was made.
  func makeKeyspace(
    _ name: String, options: KeyspaceOptions = KeyspaceOptions()
  ) throws -> (keyspace: Keyspace, isNew: Bool) {
    try changingCatalog { transaction in
      if let keyspace = try existingKeyspace(name) { return (keyspace, false) }
      if builds.contains(name) { throw DatabaseError.keyspaceExists(name) }
      let keyspaceID = store.nextKeyspaceID()
      try commitCatalog(
        transaction, keyspaceID, name: name, state: .live, options: options.encoded, dropping: nil)
      return (
        Keyspace(name: name, id: keyspaceID, options: options, database: id, writer: .engine), true
      )
    }
  }

  /// Drops a keyspace, if it is there.
  func removeKeyspace(_ name: String) throws {
    try changingCatalog { transaction in
      guard let info = store.keyspace(named: name) else { return }
      try commitCatalog(
        transaction, info.id, name: name, state: .dropping, options: info.options,
        dropping: info.id)
    }
  }

  /// The schema keyspace; nil when nothing was ever opened.
  func existingSchema() throws(DatabaseError) -> SchemaStore? {
    try existingKeyspace(SystemKeyspace.schema).map(SchemaStore.init)
  }

  /// Lets nobody but collections write what belongs to collections, whether their schema is open or
  /// not. What cannot be read is left to whoever opens the schema, and is told it.
  func protectCollections() {
    guard let schema = try? existingSchema(),
      let contents = try? snapshot({ try schema.read($0) })
    else { return }
    for name in contents.collections.keys {
      if let info = store.keyspace(named: name) { collections.protect(info.id) }
    }
  }

  /// Waits until every transaction has ended that may have written collections as they were known
  /// before a generation, or their keyspaces before they were collections.
  ///
  /// Such a transaction does not maintain indexes that are new. It announces the generation that it
  /// goes by before it looks a collection up (`TransactionState.bindToWrite`), so whoever is not seen
  /// here sees the new generation.
  func awaitWriters(before generation: UInt64) throws(DatabaseError) {
    while pendingWriters.contains(where: {
      $0.writesCollections(asBefore: generation) || $0.hasWrittenPastCollections
    }) {
      _ = effects.waits.park(
        effects.waits.makeTicket(), until: effects.time.monotonic() + 1_000_000)
    }
  }
}
