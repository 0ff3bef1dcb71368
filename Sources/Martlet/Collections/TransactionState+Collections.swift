internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

extension TransactionState {
  /// The keyspaces of a collection that is going to be written.
  func bindToWrite(_ definition: CollectionDefinition) throws(DatabaseError) -> BoundCollection {
    let registry = reads.collectionRegistry
    // Announced before it is looked up: see `Engine.awaitWriters`.
    if collectionGeneration.load(ordering: .relaxed) == 0 {
      collectionGeneration.store(registry.generation, ordering: .sequentiallyConsistent)
    }
    return try reads.collections.bind(definition, in: registry, toWrite: true)
  }

  /// Whether it may have written collections as they were known before a generation. For other
  /// threads.
  func writesCollections(asBefore generation: UInt64) -> Bool {
    let announced = collectionGeneration.load(ordering: .sequentiallyConsistent)
    return announced != 0 && announced < generation
  }

  /// Whether it has written, as a plain keyspace, what is a collection by now. For other threads.
  var hasWrittenPastCollections: Bool {
    guard collectionGeneration.load(ordering: .sequentiallyConsistent) == 0 else { return false }
    return withPendingKeyspaces { keyspaces in
      keyspaces.contains { reads.collectionRegistry.owns($0) }
    }
  }

  /// Refuses a write by a handle of the application to what a collection or the engine writes.
  ///
  /// - Throws: `ownedByCollection`.
  @inline(never)
  func requireNotOwned(_ keyspace: Keyspace) throws(DatabaseError) {
    guard keyspace.writer == .application else { throw .ownedByEngine(keyspace) }
    if reads.collections.isOwned(keyspace.id, by: reads.collectionRegistry) {
      throw .ownedByCollection(keyspace)
    }
  }

  /// Takes the announcement back, at the end of the transaction.
  func endCollectionWrites() {
    if collectionGeneration.load(ordering: .relaxed) != 0 {
      collectionGeneration.store(0, ordering: .releasing)
    }
  }

  /// Runs reads on which an index depends: under the optimistic protocol they are noted even where
  /// the caller has suspended its guarantee.
  func notingReads<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard !reads.notesReads, control.certification.notesReads else { return try body() }
    reads.notesReads = true
    defer { reads.notesReads = false }
    return try body()
  }

  /// The transaction's own write of a key, else what it held at a moment; nil when it is absent.
  /// Neither locked nor noted: for levels that do neither.
  func find(
    _ key: ByteView, in keyspace: KeyspaceID, at moment: StoreSnapshot,
    copyingTo level: ScratchStack.Level
  ) throws(DatabaseError) -> ByteView? {
    let name = ReadContext.name(of: key, in: keyspace)
    let own = writes.found(key, in: keyspace, name.fingerprint)
    if let own, reads.hasExpired(own.expiry) { return nil }
    switch own?.write {
    case nil: break
    case .remove: return nil
    case .merge:
      try pinMerge(key, name)
      return try find(key, in: keyspace, at: moment, copyingTo: level)
    case .set(let value):
      level.bytes.append(value)
      return level.bytes.view
    case .large(let ordinal, _):
      return try reads.largeBytes(largeValues[ordinal], in: level, at: moment)
    }
    if control.view == .pending {
      switch engine.pendingWriters.find(
        key, name.fingerprint, in: keyspace, asSeenBy: self, copyingTo: level)
      {
      case .removed: return nil
      case .value(let range): return level.bytes.view[range]
      case nil: break
      }
    }
    do {
      guard
        let found = try store.find(key, in: keyspace, at: moment, appendingValueTo: &level.bytes)
      else { return nil }
      guard let overflow = found.overflow else { return level.bytes.view[found.valueRange] }
      return try reads.largeBytes(overflow, in: level, at: moment)
    } catch let error as StoreError {
      throw note(DatabaseError(error))
    } catch let error as DatabaseError {
      throw note(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
  }
}
