public import KeyCoding

/// An order of a collection's records by something other than their ids: what it is made of, and the
/// queries that it answers.
///
/// ```swift
/// let byName = RecordIndex("name", on: \Person.name)
/// // Compound: by city, and within a city by birth.
/// let byCity = RecordIndex("city", on: \Person.city, \Person.born)
/// // No entry for nil.
/// let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
/// // An entry for each tag.
/// let byTag = RecordIndex("tags", onEach: \Person.tags)
/// let byInitial = RecordIndex(
///   "initial",
///   on: { (person: Person) in
///     person.name.prefix(1).lowercased()
///   })
/// ```
///
/// It is maintained by every transaction that writes a record of a collection that declares it, and
/// built in the background when the collection has records already.
///
/// A closure must make the same keys of the same record always. When what it makes changes, raise
/// `version`: the index is then known to have changed.
///
/// - Invariant RI1: an entry's key is the tuple encoding of the indexed values and then of the id, so
///   that records with equal values lie side by side in the order of their ids.
/// - Invariant RI2: in a unique index it is that of the values alone, and the id is the entry's value,
///   so that all who write one value meet at one key: its lock, and first-updater-wins, make it
///   unique at every isolation level.
public struct RecordIndex<Record, Key: KeyElement>: Sendable {
  let derivation: IndexDerivation<Record>

  /// Its name, unique in its collection.
  public var name: String { derivation.definition.name }
  /// Whether at most one record has each key.
  public var isUnique: Bool { derivation.definition.isUnique }

  init(
    _ name: String, _ multiplicity: IndexDefinition.Multiplicity, isUnique: Bool, version: Int,
    _ derive: @escaping @Sendable (Record, inout IndexKeys) -> Void
  ) {
    derivation = IndexDerivation(
      definition: IndexDefinition(
        name: name, multiplicity: multiplicity, isUnique: isUnique, version: version,
        key: KeyShape(Key.self)),
      derive: derive)
  }

  /// Declares an index with one entry for each record.
  ///
  /// An optional is a key like others: nil sorts first, and in a unique index one record may have it.
  /// - Parameters:
  ///   - name: 1 to 100 bytes of UTF-8.
  ///   - key: what is indexed: a key path or a closure.
  ///   - isUnique: whether no two records may have the same key.
  ///   - version: to be raised when a closure begins to make other keys; from 0 on.
  @inlinable
  public init(
    _ name: String, on key: @escaping @Sendable (Record) -> Key, isUnique: Bool = false,
    version: Int = 0
  ) {
    self.init(name, one: isUnique, version) { record, keys in keys.append(key(record)) }
  }

  /// Declares an index with one entry for each record for which there is a key, and none for nil.
  @inlinable
  public init(
    _ name: String, onPresent key: @escaping @Sendable (Record) -> Key?, isUnique: Bool = false,
    version: Int = 0
  ) {
    self.init(name, present: isUnique, version) { record, keys in
      if let key = key(record) { keys.append(key) }
    }
  }

  /// Declares an index with an entry for each of several keys of a record, such as its tags. Equal
  /// keys of one record make one entry.
  @inlinable
  public init<Keys: Sequence<Key> & SendableMetatype>(
    _ name: String, onEach keys: @escaping @Sendable (Record) -> Keys, isUnique: Bool = false,
    version: Int = 0
  ) where Keys.Iterator: SendableMetatype {
    self.init(name, each: isUnique, version) { record, entries in
      for key in keys(record) { entries.append(key) }
    }
  }

  @usableFromInline
  init(
    _ name: String, one isUnique: Bool, _ version: Int,
    _ derive: @escaping @Sendable (Record, inout IndexKeys) -> Void
  ) {
    self.init(name, .one, isUnique: isUnique, version: version, derive)
  }

  @usableFromInline
  init(
    _ name: String, present isUnique: Bool, _ version: Int,
    _ derive: @escaping @Sendable (Record, inout IndexKeys) -> Void
  ) {
    self.init(name, .present, isUnique: isUnique, version: version, derive)
  }

  @usableFromInline
  init(
    _ name: String, each isUnique: Bool, _ version: Int,
    _ derive: @escaping @Sendable (Record, inout IndexKeys) -> Void
  ) {
    self.init(name, .each, isUnique: isUnique, version: version, derive)
  }
}

extension RecordIndex {
  /// Declares a compound index: ordered by the first key, then by the second.
  @inlinable
  public init<First: KeyElement, Second: KeyElement>(
    _ name: String, on first: @escaping @Sendable (Record) -> First,
    _ second: @escaping @Sendable (Record) -> Second, isUnique: Bool = false, version: Int = 0
  ) where Key == KeyTuple<First, Second> {
    self.init(name, one: isUnique, version) { record, keys in
      keys.append(KeyTuple(first(record), second(record)))
    }
  }

  /// Declares a compound index of three keys.
  @inlinable
  public init<First: KeyElement, Second: KeyElement, Third: KeyElement>(
    _ name: String, on first: @escaping @Sendable (Record) -> First,
    _ second: @escaping @Sendable (Record) -> Second,
    _ third: @escaping @Sendable (Record) -> Third, isUnique: Bool = false, version: Int = 0
  ) where Key == KeyTuple<First, Second, Third> {
    self.init(name, one: isUnique, version) { record, keys in
      keys.append(KeyTuple(first(record), second(record), third(record)))
    }
  }

  /// Declares a compound index of four keys.
  @inlinable
  public init<
    First: KeyElement, Second: KeyElement, Third: KeyElement, Fourth: KeyElement
  >(
    _ name: String, on first: @escaping @Sendable (Record) -> First,
    _ second: @escaping @Sendable (Record) -> Second,
    _ third: @escaping @Sendable (Record) -> Third,
    _ fourth: @escaping @Sendable (Record) -> Fourth, isUnique: Bool = false, version: Int = 0
  ) where Key == KeyTuple<First, Second, Third, Fourth> {
    self.init(name, one: isUnique, version) { record, keys in
      keys.append(KeyTuple(first(record), second(record), third(record), fourth(record)))
    }
  }
}
