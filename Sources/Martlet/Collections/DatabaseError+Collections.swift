public import KeyCoding
internal import Primitives
internal import RawBytes

extension DatabaseError.Code {
  /// The database was not told of the collection (`Database.open`). Nothing happened.
  public static let collectionNotOpen = Self("collectionNotOpen")
  /// The collection is declared otherwise than the database knows it. Nothing happened.
  public static let collectionChanged = Self("collectionChanged")
  /// The index is still being built, or could not be. Nothing happened.
  public static let indexNotReady = Self("indexNotReady")
  /// Another record has the key in a unique index; `DatabaseError.violation` tells which. Nothing
  /// happened.
  public static let uniqueViolation = Self("uniqueViolation")
  /// The keyspace belongs to a collection, which keeps its indexes, or to the engine: it is written by
  /// the collection's own functions. Nothing happened.
  public static let ownedByCollection = Self("ownedByCollection")
  /// A newer version of the application has changed the database's schema. Nothing happened.
  public static let newerSchema = Self("newerSchema")
}

/// Which record is in the way of another in a unique index.
public struct UniqueViolation: Error, Sendable, Hashable {
  /// The collection of both records.
  public let collection: String
  /// The index in which both have the same key.
  public let index: String
  /// The key, for people.
  public let keyText: String
  /// The key of the record that has it: the tuple encoding of its id.
  public let holder: [UInt8]
}

extension UniqueViolation {
  /// The id of the record that has the key.
  ///
  /// - Throws: `KeyDecodingError` when ids of the collection are of another type.
  public func holder<ID: KeyElement>(as type: ID.Type) throws -> ID {
    try unsafe KeyDecoder.decode(holder.span.bytes) { (decoder) throws(KeyDecodingError) in
      try ID(elementsFrom: &decoder)
    }
  }
}

extension DatabaseError {
  /// A longer record could be written and never be read, replaced or deleted: all of these read it as a
  /// whole.
  ///
  /// - Throws: `valueTooLarge`.
  static func requireReadable(
    _ byteCount: Int, _ key: ByteView, _ collection: String
  ) throws(DatabaseError) {
    guard byteCount > LargeValue.lendingLimit else { return }
    throw DatabaseError(
      .valueTooLarge,
      "record \(quoted(key.array)) of collection \"\(collection)\" has \(byteCount) bytes; at most "
        + "\(LargeValue.lendingLimit) are possible: keep large content in a keyspace beside it")
  }
}

extension DatabaseError {
  static func collectionNotOpen(_ name: String) -> DatabaseError {
    DatabaseError(
      .collectionNotOpen,
      "collection \"\(name)\" is not open in this database: hand it to Database.open first")
  }

  static func collectionChanged(
    _ wanted: CollectionDefinition, _ known: BoundCollection
  ) -> DatabaseError {
    DatabaseError(
      .collectionChanged,
      "collection \"\(wanted.name)\" was opened by another declaration: "
        + DefinitionChange.describe(
          wanted, known.specification, known.indexes.map { ($0.name, $0.specification) }))
  }

  static func ownedByCollection(_ keyspace: Keyspace) -> DatabaseError {
    DatabaseError(
      .ownedByCollection,
      "keyspace \"\(keyspace.name)\" is a collection, whose indexes a raw write would leave behind: "
        + "write it by put, insert, update and delete; for repair, by Keyspace.bypassingCollection")
  }

  static func ownedByEngine(_ keyspace: Keyspace) -> DatabaseError {
    DatabaseError(
      .ownedByCollection,
      "keyspace \"\(keyspace.name)\" is the engine's own, for collections and their indexes: it is "
        + "written by them; for repair, by Keyspace.bypassingCollection")
  }

  static func indexNotReady(_ index: BoundIndex) -> DatabaseError {
    DatabaseError(
      .indexNotReady,
      "index \"\(index.name)\" of collection \"\(index.collection)\" is still being built: wait for "
        + "it, or ask the collection without it")
  }

  static func indexFailed(_ index: BoundIndex, _ error: DatabaseError) -> DatabaseError {
    DatabaseError(
      .indexNotReady,
      "index \"\(index.name)\" of collection \"\(index.collection)\" could not be built: "
        + error.message)
  }

  static func indexNewerThanSnapshot(_ index: BoundIndex, _ moment: Timestamp) -> DatabaseError {
    DatabaseError(
      .snapshotTooOld,
      "the snapshot is older than index \"\(index.name)\" of collection \"\(index.collection)\", "
        + "which was complete at \(moment); begin again")
  }

  static func notAnIndexEntry(_ index: String, _ key: [UInt8]) -> DatabaseError {
    DatabaseError(
      .corrupt,
      "the entry at key \(quoted(key)) of index \"\(index)\" is none; rebuild the index")
  }

  static func indexEntryWithoutRecord(
    _ index: String, _ key: [UInt8], _ keyspace: Keyspace
  ) -> DatabaseError {
    DatabaseError(
      .corrupt,
      "index \"\(index)\" has an entry for record \(quoted(key)) of collection "
        + "\"\(keyspace.name)\", which is not there; rebuild the index")
  }

  static func recordExists(_ key: [UInt8], _ collection: String) -> DatabaseError {
    DatabaseError(
      .keyExists, "collection \"\(collection)\" has a record with id \(quoted(key)) already")
  }

  static func idChanged(from old: [UInt8], to new: [UInt8], _ collection: String) -> DatabaseError {
    DatabaseError(
      .invalidArgument,
      "an update of record \(quoted(old)) of collection \"\(collection)\" changed its id to "
        + "\(quoted(new)); delete the record and insert the other one")
  }

  static func undecodable(_ key: [UInt8], _ collection: String, _ error: any Error) -> DatabaseError
  {
    DatabaseError(
      .valueMismatch,
      "record \(quoted(key)) of collection \"\(collection)\" cannot be decoded: \(error)")
  }

  /// Another record has the key.
  ///
  /// - Parameter other: the record that wants it too, when it is there already.
  static func uniqueViolation(
    _ index: BoundIndex, key: [UInt8], holder: [UInt8], other: [UInt8]? = nil
  ) -> DatabaseError {
    let violation = UniqueViolation(
      collection: index.collection, index: index.name, keyText: quoted(key), holder: holder)
    return DatabaseError(
      .uniqueViolation,
      "index \"\(index.name)\" of collection \"\(index.collection)\" is unique, and record "
        + "\(quoted(holder)) has key \(violation.keyText) already"
        + (other.map { ", which record \(quoted($0)) has as well" } ?? ""),
      violation: violation)
  }
}
