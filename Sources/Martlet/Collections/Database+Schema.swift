internal import Environment
internal import RawBytes

extension Database {
  /// Tells the database of an application's collections, brings it to the newest migration, and
  /// builds indexes that are new.
  ///
  /// To be called once, before the collections are used; not inside a transaction. Opening the same
  /// schema again changes nothing. Indexes that are not declared any more are dropped, for nobody
  /// maintains them; collections that the schema does not name stay as they are.
  ///
  /// - Parameters:
  ///   - schema: all of the application's collections and migrations.
  ///   - building: when new indexes are built.
  ///   - progress: told now and then how far it is, on the calling thread.
  /// - Throws: `newerSchema` when the database knows a migration that the schema does not;
  ///   `collectionChanged` when a collection or an index is declared otherwise than it was, and no
  ///   migration says so; in both cases nothing is changed but what migrations did that ran before.
  ///   What a migration throws: it did nothing, and those before it stay done. `uniqueViolation` when
  ///   records that are there have the same key in a new unique index; the collections are open then,
  ///   and queries through that index throw `indexNotReady`.
  public func open(
    _ schema: Schema, building: IndexBuilding = .first,
    progress: (SchemaProgress) -> Void = { _ in }
  ) throws {
    try withoutActuallyEscaping(progress) { progress in
      try engine.openSchema(schema, building, progress)
    }
  }

  /// Tells the database of one collection; see `open(_:building:progress:)`.
  public func open<Record, ID>(_ collection: RecordCollection<Record, ID>) throws {
    try open(Schema(collection))
  }

  /// As the synchronous `open`, without blocking the calling task's thread.
  public func open(
    _ schema: Schema, building: IndexBuilding = .first,
    progress: @escaping @Sendable (SchemaProgress) -> Void = { _ in }
  ) async throws {
    let engine = engine
    try await engine.onThread { try engine.openSchema(schema, building, progress) }
  }

  /// The indexes of a collection, and how far those are that are being built.
  public func indexes<Record, ID>(of collection: RecordCollection<Record, ID>) throws
    -> [IndexStatus]
  {
    try engine.collections.bind(collection.definition).indexes.map {
      engine.collections.status(of: $0)
    }
  }

  /// Waits until the indexes of a collection are built.
  ///
  /// - Throws: why one of them could not be.
  public func waitForIndexes<Record, ID>(of collection: RecordCollection<Record, ID>) throws {
    try engine.waitForIndexes(of: collection.definition)
  }

  /// As the synchronous `waitForIndexes`, without blocking the calling task's thread.
  public func waitForIndexes<Record, ID>(of collection: RecordCollection<Record, ID>) async throws {
    let engine = engine
    let definition = collection.definition
    try await engine.onThread { try engine.waitForIndexes(of: definition) }
  }

  /// Builds an index anew from the records: the cure for what ``verify(progress:)`` finds in one.
  /// Queries through it throw `indexNotReady` until it is complete; writers go on.
  ///
  /// - Throws: as `open(_:building:progress:)`.
  public func rebuild<Record, ID, Key>(
    _ index: RecordIndex<Record, Key>, of collection: RecordCollection<Record, ID>,
    progress: (SchemaProgress) -> Void = { _ in }
  ) throws {
    let position = collection.definition.position(of: index.derivation.definition)
    try withoutActuallyEscaping(progress) { progress in
      try engine.rebuildIndex(position, of: collection.schemaEntry, progress)
    }
  }

  /// Removes a collection with its records and indexes, whether it is open or not.
  ///
  /// - Throws: `unknownKeyspace` when there is none of that name.
  public func dropCollection(_ name: String) throws {
    try engine.dropCollection(name)
  }
}

/// What is known of an index.
public struct IndexStatus: Sendable {
  /// Whether it answers.
  public enum State: Sendable {
    /// It does.
    case ready
    /// It is being built: so many of so many records are done.
    case building(done: Int, total: Int)
    /// It could not be built.
    case failed(DatabaseError)
  }

  /// Its name.
  public let name: String
  /// Whether no two records have the same key.
  public let isUnique: Bool
  /// Whether it answers.
  public let state: State

  /// Whether it answers.
  public var isReady: Bool {
    if case .ready = state { true } else { false }
  }
}

extension Engine {
  func openSchema(
    _ schema: Schema, _ building: IndexBuilding, _ progress: @escaping (SchemaProgress) -> Void
  ) throws {
    try changingSchema {
      let opening = try SchemaOpening(engine: self, schema: schema, progress: progress)
      try build(try opening.run(), building, progress)
    }
  }

  /// Builds indexes, now or in the background.
  private func build(
    _ tasks: [SchemaOpening.Task], _ building: IndexBuilding,
    _ progress: (SchemaProgress) -> Void
  ) throws {
    guard !tasks.isEmpty, let store = try existingSchema() else { return }
    let builders = tasks.map { IndexBuilder(engine: self, store: store, task: $0) }
    switch building {
    case .first:
      var failure: (any Error)?
      for builder in builders {
        do { try builder.run(progress: progress) } catch { failure = failure ?? error }
      }
      if let failure { throw failure }
    case .inBackground:
      let thread = effects.background.start("martlet-index") {
        for builder in builders { try? builder.run { _ in } }
      }
      collections.add(thread)
    }
  }

  /// Runs a change of the schema while no other one runs.
  ///
  /// - Throws: `invalidArgument` inside a transaction, for whose end it would wait.
  private func changingSchema(_ body: () throws -> Void) throws {
    guard currentTransaction == nil else {
      throw DatabaseError(.invalidArgument, "a schema cannot be changed inside a transaction")
    }
    try enter()
    defer { leave() }
    try schemaTurn.withTurn(body)
  }

  func waitForIndexes(of definition: CollectionDefinition) throws {
    while true {
      let indexes = try collections.bind(definition).indexes
      var isBuilding = false
      for index in indexes {
        switch index.state {
        case .ready: break
        case .building: isBuilding = true
        case .failed(let error): throw DatabaseError.indexFailed(index, error)
        }
      }
      guard isBuilding else { return }
      try enter()
      leave()
      _ = effects.waits.park(
        effects.waits.makeTicket(), until: effects.time.monotonic() + 2_000_000)
    }
  }

  func rebuildIndex(
    _ position: Int, of entry: SchemaEntry, _ progress: @escaping (SchemaProgress) -> Void
  ) throws {
    try changingSchema {
      let old = try collections.bind(entry.definition)
      guard let store = try existingSchema() else { return }
      let index = old.indexes[position]
      let name = SchemaStore.IndexName(collection: old.name, index: index.name)
      var number: UInt64 = 0
      try commit(.snapshot) { tx in
        let contents = try store.read(tx)
        number = contents.nextNumber
        try store.setNextNumber(number + 1, tx)
        try store.set(
          StoredIndex(number: number, specification: index.specification, state: .building), name,
          tx)
      }
      let keyspace = try makeKeyspace(SystemKeyspace.index(number, of: old.name, index.name))
        .keyspace
      let fresh = BoundIndex(
        collection: index.collection, name: index.name, specification: index.specification,
        keyspace: keyspace, state: .building)
      try awaitWriters(before: collections.set([old.replacing(fresh)]))
      try removeKeyspace(index.keyspace.name)
      let task = SchemaOpening.Task(
        entry: entry, position: position, index: fresh, records: old.records)
      try build([task], .first, progress)
    }
  }

  /// Whether the schema knows a collection, open or not.
  func isCollection(_ name: String) throws -> Bool {
    if collections[name] != nil { return true }
    guard let store = try existingSchema() else { return false }
    return try snapshot { try store.read($0).collections[name] != nil }
  }

  func dropCollection(_ name: String) throws {
    try changingSchema {
      guard let store = try existingSchema() else {
        throw DatabaseError(.unknownKeyspace, "there is no collection \"\(name)\"")
      }
      let contents = try snapshot { try store.read($0) }
      let name = contents.storedName(name)
      guard contents.collections[name] != nil else {
        throw DatabaseError(.unknownKeyspace, "there is no collection \"\(name)\"")
      }
      collections.remove(name)
      try awaitWriters(before: collections.generation)
      // Its records first: what a crash leaves is a collection without records, whose entries opening
      // the schema forgets.
      try removeKeyspace(name)
      var rest = contents
      try commit(.snapshot) { tx in
        for (index, _) in contents.indexes(of: name) {
          let name = SchemaStore.IndexName(collection: name, index: index)
          rest.indexes[name] = nil
          try store.removeIndex(name, tx)
        }
        try store.removeCollection(name, tx)
      }
      for orphan in SchemaOpening.orphans(self, rest) { try removeKeyspace(orphan) }
    }
  }

  /// Runs a job on a thread of its own while the calling task waits without one.
  func onThread(_ job: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<Void, any Error>) in
      _ = effects.background.start("martlet-schema") {
        continuation.resume(with: Result { try job() })
      }
    }
  }
}
