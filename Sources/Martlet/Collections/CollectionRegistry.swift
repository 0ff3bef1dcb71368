internal import Environment
internal import KeyCoding
internal import Primitives
internal import RawBytes
internal import RecordCoding
internal import Synchronization

/// The collections that a database was told of, by name.
///
/// It is looked at for each operation, so what an operation needs is kept by its transaction
/// (`CollectionCache`) and looked up again only when the generation has moved on.
///
/// - Invariant CR1: whoever sees a generation sees, in `bind`, at least what it stands for.
// SENDABLE: all mutable state is in a Mutex and an atomic.
final class CollectionRegistry: Sendable {
  private struct State {
    var collections: [String: BoundCollection] = [:]
    /// How entries are made, by collection.
    var entries: [String: SchemaEntry] = [:]
    /// How far builds are, by the keyspaces of their indexes.
    var builds: [Keyspace: (done: Int, total: Int)] = [:]
    var threads: [any BackgroundThread] = []
    /// Keyspaces that nobody but a collection writes.
    var owned: Set<KeyspaceID> = []
  }

  private let state = Mutex(State())
  private let counter = Atomic<UInt64>(1)
  /// A bit for the numbers of owned keyspaces, modulo 64: what a write of any other one asks.
  private let ownedBits = Atomic<UInt64>(0)

  /// Moves on with every change.
  var generation: UInt64 { counter.load(ordering: .acquiring) }

  /// The collection that a declaration means.
  ///
  /// - Throws: `collectionNotOpen`, or `collectionChanged` when it was opened by another declaration.
  func bind(_ definition: CollectionDefinition) throws(DatabaseError) -> BoundCollection {
    guard let bound = self[definition.name] else {
      throw DatabaseError.collectionNotOpen(definition.name)
    }
    guard let arranged = bound.arranged(for: definition) else {
      throw DatabaseError.collectionChanged(definition, bound)
    }
    return arranged
  }

  subscript(name: String) -> BoundCollection? { state.withLock { $0.collections[name] } }

  /// Every collection, in the order of the names.
  var all: [BoundCollection] {
    state.withLock { $0.collections.values.sorted { $0.name < $1.name } }
  }

  /// How the entries of a collection are made; nil when it is not open.
  func entry(of name: String) -> SchemaEntry? { state.withLock { $0.entries[name] } }

  /// From which moment on the index in a keyspace answers: snapshots from before its build would miss
  /// what it holds. Zero for one that was there when the database was opened.
  func readiness(of index: Keyspace, in collection: String) -> Timestamp {
    let known = self[collection]?.indexes.first { $0.keyspace == index }
    if case .ready(let moment) = known?.state { return moment }
    return .zero
  }

  /// Adds collections, or replaces them. Returns the new generation.
  @discardableResult
  func set(_ collections: [BoundCollection], _ entries: [SchemaEntry] = []) -> UInt64 {
    state.withLock { state in
      for entry in entries { state.entries[entry.definition.name] = entry }
      for collection in collections {
        state.collections[collection.name] = collection
        protect(collection.records.id, &state)
      }
      return advance()
    }
  }

  // MARK: Whose keyspaces

  /// Lets nobody write a keyspace but a collection. Numbers are not used again, so that this stays.
  func protect(_ keyspace: KeyspaceID) {
    state.withLock { state in
      protect(keyspace, &state)
      _ = advance()
    }
  }

  private func protect(_ keyspace: KeyspaceID, _ state: inout State) {
    state.owned.insert(keyspace)
    ownedBits.bitwiseOr(Self.bit(of: keyspace), ordering: .sequentiallyConsistent)
  }

  private static func bit(of keyspace: KeyspaceID) -> UInt64 {
    1 << UInt64(keyspace.rawValue & 63)
  }

  /// False where an application may write through a handle of its own.
  @inline(__always)
  func mayOwn(_ keyspace: Keyspace) -> Bool {
    keyspace.writer == .intruder
      || ownedBits.load(ordering: .relaxed) & Self.bit(of: keyspace.id) != 0
  }

  /// Whether nobody but a collection writes a keyspace.
  func owns(_ keyspace: KeyspaceID) -> Bool { state.withLock { $0.owned.contains(keyspace) } }

  /// Changes what is known of one index; nothing when the index is of another keyspace by now.
  func update(_ index: BoundIndex) {
    state.withLock { state in
      guard let collection = state.collections[index.collection],
        collection.indexes.contains(where: {
          $0.name == index.name && $0.keyspace == index.keyspace
        })
      else { return }
      state.collections[index.collection] = collection.replacing(index)
      _ = advance()
    }
  }

  /// Forgets a collection.
  func remove(_ name: String) {
    state.withLock { state in
      state.collections[name] = nil
      state.entries[name] = nil
      _ = advance()
    }
  }

  // MARK: Builds

  /// Notes how far a build is.
  func note(done: Int, total: Int, of index: BoundIndex) {
    state.withLock { $0.builds[index.keyspace] = (done, total) }
  }

  func status(of index: BoundIndex) -> IndexStatus {
    let state: IndexStatus.State =
      switch index.state {
      case .ready: .ready
      case .failed(let error): .failed(error)
      case .building:
        state.withLock { state in
          let (done, total) = state.builds[index.keyspace] ?? (0, 0)
          return .building(done: done, total: total)
        }
      }
    return IndexStatus(name: index.name, isUnique: index.isUnique, state: state)
  }

  /// A thread that `close` waits for.
  func add(_ thread: any BackgroundThread) { state.withLock { $0.threads.append(thread) } }

  /// Waits for the threads of builds, which find that the database is closed.
  func close() {
    let threads = state.withLock { state in
      defer { state.threads = [] }
      return state.threads
    }
    for thread in threads { thread.join() }
  }

  private func advance() -> UInt64 {
    counter.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
  }
}

/// What a transaction remembers of the collections that it used, and the memory that it encodes in:
/// kept for the next transaction of the same thread, so that an operation looks nothing up and
/// allocates nothing.
///
/// Used by one thread at a time.
final class CollectionCache {
  /// Collections remembered; an application's transactions rarely touch more.
  private static var capacity: Int { 8 }

  private struct Entry {
    let definition: CollectionDefinition
    let bound: BoundCollection
  }

  /// How collections are found while a migration runs.
  var migration: MigrationScope?
  private var generation: UInt64 = 0
  private var entries: [Entry] = []
  private var next = 0
  /// A keyspace that was no collection's.
  private var plain: (keyspace: KeyspaceID, generation: UInt64)?
  private var spareEncoders: [SpareEncoder] = []
  /// Where writes are prepared; nil while one is.
  private var spareScratch: WriteScratch? = WriteScratch()

  /// The keyspaces of a collection.
  func bind(
    _ definition: CollectionDefinition, in registry: CollectionRegistry, toWrite: Bool = false
  ) throws(DatabaseError) -> BoundCollection {
    if let migration { return try migration.bind(definition, toWrite: toWrite) }
    let newest = registry.generation
    if newest != generation {
      generation = newest
      entries.removeAll(keepingCapacity: true)
    }
    for entry in entries where entry.definition === definition { return entry.bound }
    let bound = try registry.bind(definition)
    if entries.count < Self.capacity {
      entries.append(Entry(definition: definition, bound: bound))
    } else {
      entries[next % Self.capacity] = Entry(definition: definition, bound: bound)
      next &+= 1
    }
    return bound
  }

  /// Whether a keyspace is a collection's, looked up once a generation for each keyspace in turn.
  func isOwned(_ keyspace: KeyspaceID, by registry: CollectionRegistry) -> Bool {
    let newest = registry.generation
    if let plain, plain.keyspace == keyspace, plain.generation == newest { return false }
    if registry.owns(keyspace) { return true }
    plain = (keyspace, newest)
    return false
  }

  /// An empty encoder. Operations nest, so that there may be several in use.
  func takeEncoder() -> SpareEncoder { spareEncoders.popLast() ?? SpareEncoder() }

  func keepEncoder(_ encoder: SpareEncoder) {
    encoder.encoder.removeAll()
    spareEncoders.append(encoder)
  }

  func takeScratch() -> WriteScratch {
    defer { spareScratch = nil }
    return spareScratch ?? WriteScratch()
  }

  func keepScratch(_ scratch: WriteScratch) { spareScratch = scratch }
}

/// An encoder that is used again.
final class SpareEncoder {
  var encoder = KeyEncoder()
}

/// What the preparation of a write needs: the record's key and bytes, and its entries before and
/// after. One operation has it at a time, and hands nothing of it to code of the application's.
final class WriteScratch {
  private let idCell = HeapCell(KeyEncoder())
  private let valueCell = HeapCell(RecordWriter())
  private let oldCell = HeapCell(IndexKeys())
  private let newCell = HeapCell(IndexKeys())

  var id: KeyEncoder {
    _read { yield idCell.value }
    _modify { yield &idCell.value }
  }

  var value: RecordWriter {
    _read { yield valueCell.value }
    _modify { yield &valueCell.value }
  }

  var old: IndexKeys {
    _read { yield oldCell.value }
    _modify { yield &oldCell.value }
  }

  var new: IndexKeys {
    _read { yield newCell.value }
    _modify { yield &newCell.value }
  }
}
