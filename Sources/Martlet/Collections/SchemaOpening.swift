internal import KeyCoding
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Brings a database to a schema: migrations first, then what is new or changed of collections and
/// indexes.
///
/// ```
/// read ─▶ refuse what is newer ─▶ migrate ─▶ refuse what changed ─▶ reconcile ─▶ bind ─▶ build
/// ```
///
/// Each step is a transaction, and each leaves a state from which opening again goes on: what a crash
/// interrupts is done again from its beginning, or from the batch that was committed last.
///
/// - Invariant SO1: nothing is changed before every migration that the database knows was found in
///   the schema, in its order.
/// - Invariant SO2: a declaration differs from what the database knows only where a migration has
///   said that it may.
/// - Invariant SO3: an index is built after all transactions have ended that do not maintain it, and
///   into a keyspace that nobody has written before.
/// - Invariant SO4: one name has one spelling. To Swift texts are equal that are composed otherwise;
///   the keys of the schema are not.
struct SchemaOpening {
  private let engine: Engine
  private let schema: Schema
  private let progress: (SchemaProgress) -> Void
  private let store: SchemaStore

  /// What is to be built.
  struct Task {
    let entry: SchemaEntry
    let position: Int
    let index: BoundIndex
    let records: Keyspace
  }

  init(
    engine: Engine, schema: Schema, progress: @escaping (SchemaProgress) -> Void
  ) throws {
    self.engine = engine
    self.schema = schema
    self.progress = progress
    store = SchemaStore(keyspace: try engine.makeKeyspace(SystemKeyspace.schema).keyspace)
  }

  /// Returns what has to be built.
  func run() throws -> [Task] {
    try schema.validate()
    var contents = try engine.snapshot { try store.read($0) }
    try requireKnown(contents.migrations)
    for collection in schema.collections { try requireSpelling(collection, contents) }
    try forgetEntriesOfLostRecords(&contents)
    let fresh = try makeKeyspaces(contents)
    for ordinal in schema.migrations.indices {
      let stored = ordinal < contents.migrations.count ? contents.migrations[ordinal] : nil
      if stored?.isDone ?? false { continue }
      try MigrationRun(
        engine: engine, store: store, migration: schema.migrations[ordinal], ordinal: ordinal,
        progress: progress
      ).run(from: stored)
    }
    contents = try engine.snapshot { try store.read($0) }
    for collection in schema.collections { try requireUnchanged(collection, contents) }
    return try reconcile(contents, fresh)
  }

  // MARK: Refusing

  /// SO1.
  private func requireKnown(_ stored: [StoredMigration]) throws(DatabaseError) {
    for (ordinal, migration) in stored.enumerated() {
      if ordinal < schema.migrations.count, schema.migrations[ordinal].name == migration.name {
        continue
      }
      guard schema.migrations.contains(where: { $0.name == migration.name }) else {
        throw DatabaseError(
          .newerSchema,
          "the database has run migration \"\(migration.name)\", which this application does not "
            + "know: a newer version of it has opened the database; use that one")
      }
      throw DatabaseError(
        .invalidArgument,
        "migration \"\(migration.name)\" was the \(ordinal + 1)th to run, and the schema lists "
          + "another in its place: leave the list as it is, and add new migrations at its end")
    }
  }

  /// SO2.
  private func requireUnchanged(
    _ collection: any SchemaCollection, _ contents: SchemaStore.Contents
  ) throws(DatabaseError) {
    let definition = collection.schemaEntry.definition
    guard let stored = contents.collections[definition.name], !stored.mayBeRedeclared else {
      return
    }
    let known = contents.indexes(of: definition.name)
    let isSame =
      stored.specification == definition.specification
      && definition.indexes.allSatisfy { wanted in
        guard let old = known.first(where: { $0.name == wanted.name }) else { return true }
        return old.index.specification == wanted.specification
      }
    guard !isSame else { return }
    throw DatabaseError(
      .collectionChanged,
      "collection \"\(definition.name)\" is declared otherwise than the database knows it: "
        + DefinitionChange.describe(
          definition, stored.specification,
          known.map { ($0.name, $0.index.specification) })
        + ". Declare it as it was, or add a migration that rewrites or redeclares it")
  }

  /// SO4.
  private func requireSpelling(
    _ collection: any SchemaCollection, _ contents: SchemaStore.Contents
  ) throws(DatabaseError) {
    func require(_ name: String, _ known: String?, _ what: String) throws(DatabaseError) {
      guard let known, !name.utf8.elementsEqual(known.utf8) else { return }
      throw DatabaseError(
        .invalidArgument,
        "\(what) \"\(name)\" is composed of other Unicode scalars than in the database: its bytes are "
          + "\(DatabaseError.quoted(Array(name.utf8))), and were "
          + "\(DatabaseError.quoted(Array(known.utf8))); spell it as it was")
    }
    let definition = collection.schemaEntry.definition
    try require(
      definition.name, engine.store.keyspace(named: definition.name)?.name, "collection")
    for (name, _) in contents.indexes(of: definition.name) {
      let wanted = definition.indexes.first { $0.name == name }
      if let wanted { try require(wanted.name, name, "index") }
    }
  }

  // MARK: Reconciling

  /// Of collections whose records are gone, as when dropping one was interrupted, no index may be
  /// taken for one of the records to come. Noted before their keyspaces are made anew.
  private func forgetEntriesOfLostRecords(_ contents: inout SchemaStore.Contents) throws {
    var lost: [String] = []
    for collection in schema.collections where contents.collections[collection.name] != nil {
      if try engine.existingKeyspace(collection.name) == nil { lost.append(collection.name) }
    }
    guard !lost.isEmpty else { return }
    try engine.commit(.snapshot) { [store] tx in
      for name in lost { try store.noteRewriting(of: name, tx) }
    }
    contents = try engine.snapshot { try store.read($0) }
  }

  /// Makes the keyspaces of collections. Returns the names of those that are new.
  private func makeKeyspaces(_ contents: SchemaStore.Contents) throws -> Set<String> {
    var fresh: Set<String> = []
    for collection in schema.collections {
      let options = collection.schemaEntry.definition.options
      let (keyspace, isNew) = try engine.makeKeyspace(collection.name, options: options)
      guard options == KeyspaceOptions() || options == keyspace.options else {
        throw DatabaseError(
          .collectionChanged,
          "collection \"\(collection.name)\" was made with other keyspace options, which stay for its life"
        )
      }
      if isNew, contents.collections[collection.name] == nil { fresh.insert(collection.name) }
    }
    return fresh
  }

  /// Makes what the database knows the same as what is declared, and binds it.
  private func reconcile(_ contents: SchemaStore.Contents, _ fresh: Set<String>) throws -> [Task] {
    var contents = contents
    var changes: [(borrowing Transaction) throws -> Void] = []
    for collection in schema.collections {
      let definition = collection.schemaEntry.definition
      // Migrations may have written a collection that was new.
      let isEmpty = fresh.contains(definition.name) ? try isEmpty(definition.name) : false
      let wanted = StoredCollection(specification: definition.specification)
      if contents.collections[definition.name] != wanted {
        contents.collections[definition.name] = wanted
        changes.append { [store] in try store.set(wanted, definition.name, $0) }
      }
      for index in definition.indexes {
        let name = SchemaStore.IndexName(collection: definition.name, index: index.name)
        if let stored = contents.indexes[name], stored.state != .stale,
          stored.specification == index.specification
        {
          continue
        }
        let stored = StoredIndex(
          number: contents.nextNumber, specification: index.specification,
          state: isEmpty ? .ready : .building)
        contents.nextNumber += 1
        contents.indexes[name] = stored
        changes.append { [store] in try store.set(stored, name, $0) }
      }
      for (name, _) in contents.indexes(of: definition.name)
      where !definition.indexes.contains(where: { $0.name == name }) {
        let name = SchemaStore.IndexName(collection: definition.name, index: name)
        contents.indexes[name] = nil
        changes.append { [store] in try store.removeIndex(name, $0) }
      }
    }
    if !changes.isEmpty {
      let next = contents.nextNumber
      try engine.commit(.snapshot) { [store] tx in
        for change in changes { try change(tx) }
        try store.setNextNumber(next, tx)
      }
    }
    return try bind(contents)
  }

  private func isEmpty(_ name: String) throws -> Bool {
    guard let keyspace = try engine.existingKeyspace(name) else { return true }
    return try engine.snapshot { snapshot in
      var isEmpty = true
      try snapshot.forEachKey(in: keyspace, .all, reverse: false, limit: 1) { _, _ in
        isEmpty = false
        return .stop
      }
      return isEmpty
    }
  }

  /// Makes the collections known to transactions. Returns what has to be built.
  private func bind(_ contents: SchemaStore.Contents) throws -> [Task] {
    var tasks: [Task] = []
    var collections: [BoundCollection] = []
    for collection in schema.collections {
      let entry = collection.schemaEntry
      let definition = entry.definition
      let records = try engine.makeKeyspace(
        definition.name, options: definition.options
      ).keyspace
      var indexes: [BoundIndex] = []
      for (position, wanted) in definition.indexes.enumerated() {
        let name = SchemaStore.IndexName(collection: definition.name, index: wanted.name)
        guard let stored = contents.indexes[name] else {
          preconditionFailure("an index was not reconciled")
        }
        let keyspace = try engine.makeKeyspace(
          SystemKeyspace.index(stored.number, of: definition.name, wanted.name)
        ).keyspace
        let index = BoundIndex(
          collection: definition.name, name: wanted.name, specification: wanted.specification,
          keyspace: keyspace,
          state: stored.state == .ready
            ? .ready(since: engine.collections.readiness(of: keyspace, in: definition.name))
            : .building)
        indexes.append(index)
        if stored.state != .ready {
          tasks.append(Task(entry: entry, position: position, index: index, records: records))
        }
      }
      collections.append(
        BoundCollection(
          name: definition.name, specification: definition.specification, records: records,
          indexes: indexes))
    }
    let generation = engine.collections.set(
      collections, schema.collections.map(\.schemaEntry))
    let orphans = Self.orphans(engine, contents)
    if !tasks.isEmpty || !orphans.isEmpty { try engine.awaitWriters(before: generation) }
    for orphan in orphans { try engine.removeKeyspace(orphan) }
    return tasks
  }

  /// Keyspaces of indexes that no record of the schema names: of indexes that are not declared any
  /// more, that were built anew, or whose making a crash has interrupted.
  static func orphans(_ engine: Engine, _ contents: SchemaStore.Contents) -> [String] {
    var known: Set<String> = []
    for (name, index) in contents.indexes {
      known.insert(SystemKeyspace.index(index.number, of: name.collection, name.index))
    }
    return engine.store.keyspaces.compactMap { info in
      info.state == .live && SystemKeyspace.begins(info.name, with: SystemKeyspace.indexPrefix)
        && !known.contains(info.name) ? info.name : nil
    }
  }
}
