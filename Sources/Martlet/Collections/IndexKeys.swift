public import KeyCoding
internal import RawBytes

/// What a declaration of an index holds: what the database is told, and how keys are made.
struct IndexDerivation<Record>: Sendable {
  let definition: IndexDefinition
  let derive: @Sendable (Record, inout IndexKeys) -> Void
}

/// How all entries of a record are made: one function that calls those of the indexes in turn, since
/// to go through an array of a type that is not known here costs more than they do.
struct EntryDerivation<Record>: Sendable {
  /// Makes the entries of all indexes, or of the one at a place.
  let run: @Sendable (Record, inout IndexKeys, _ chosen: Int?) -> Void

  init(_ indexes: [IndexDerivation<Record>]) {
    var run: @Sendable (Record, inout IndexKeys, Int?) -> Void = { _, _, _ in }
    for (position, index) in indexes.enumerated() {
      let (definition, derive, before) = (index.definition, index.derive, run)
      run = { record, keys, chosen in
        before(record, &keys, chosen)
        guard chosen == nil || chosen == position else { return }
        let first = keys.begin(position, isUnique: definition.isUnique)
        derive(record, &keys)
        if definition.multiplicity == .each { keys.order(from: first) }
      }
    }
    self.run = run
  }
}

/// The entries of one record in all indexes of its collection: one buffer for all keys, used again
/// for the next record.
///
/// - Invariant IK1: entries stand in the order of the indexes, those of one index in bytewise order
///   and each once.
public struct IndexKeys: ~Copyable {
  /// One entry, as a range of the buffer.
  struct Entry {
    let index: Int
    let start: Int
    let end: Int
  }

  private var encoder = KeyEncoder()
  /// The record's id, then the keys of all entries.
  private var bytes = ByteBuffer(capacity: 512)
  private var idByteCount = 0
  private(set) var entries: [Entry] = []
  /// The index that `append` adds to, and whether its keys end with the id.
  private var index = 0
  private var appendsID = true

  init() {}

  /// Adds a key of the index at hand.
  @usableFromInline
  mutating func append(_ key: some KeyElement) {
    encoder.removeAll()
    key.encodeElements(into: &encoder)
    let start = bytes.count
    bytes.append(encoder.view)
    if appendsID {
      bytes.reserve(idByteCount)
      bytes.append(bytes.view.prefix(idByteCount))
    }
    entries.append(Entry(index: index, start: start, end: bytes.count))
  }

  /// Forgets what was there, and makes all entries of a record, or those of one index.
  mutating func derive<Record>(
    _ record: Record, id: ByteView, _ derivation: EntryDerivation<Record>,
    only chosen: Int? = nil
  ) {
    bytes.removeAll()
    entries.removeAll(keepingCapacity: true)
    bytes.append(id)
    idByteCount = id.count
    derivation.run(record, &self, chosen)
  }

  /// What is added from here on are keys of the index at a place. Returns the first one's number.
  fileprivate mutating func begin(_ position: Int, isUnique: Bool) -> Int {
    index = position
    appendsID = !isUnique
    return entries.count
  }

  /// Forgets everything.
  mutating func removeAll() {
    bytes.removeAll()
    entries.removeAll(keepingCapacity: true)
  }

  /// The key of an entry.
  func key(_ entry: Entry) -> ByteView { bytes.view[entry.start..<entry.end] }

  /// The id of the record.
  var id: ByteView { bytes.view.prefix(idByteCount) }

  /// Brings the entries of one index into order, each once.
  fileprivate mutating func order(from first: Int) {
    guard entries.count - first > 1 else { return }
    let view = bytes.view
    entries[first...].sort { view[$0.start..<$0.end] < view[$1.start..<$1.end] }
    var kept = first
    for position in (first + 1)..<entries.count
    where key(entries[position]) != key(entries[kept]) {
      kept += 1
      entries[kept] = entries[position]
    }
    entries.removeLast(entries.count - kept - 1)
  }
}

/// Which entries a change of a record takes away, and which it brings: both lists in the order of
/// `IK1`, walked side by side.
struct IndexDifference {
  enum Step {
    case removed(IndexKeys.Entry)
    case added(IndexKeys.Entry)
  }

  private var oldPosition = 0
  private var newPosition = 0

  /// The next entry that only one of both has; nil at the end.
  mutating func next(_ old: borrowing IndexKeys, _ new: borrowing IndexKeys) -> Step? {
    while true {
      let hasOld = oldPosition < old.entries.count
      let hasNew = newPosition < new.entries.count
      guard hasOld || hasNew else { return nil }
      var order = hasOld ? hasNew ? 0 : -1 : 1
      if order == 0 {
        let left = old.entries[oldPosition]
        let right = new.entries[newPosition]
        order = left.index - right.index
        if order == 0 { order = old.key(left).compare(new.key(right)) }
      }
      if order <= 0 { oldPosition += 1 }
      if order >= 0 { newPosition += 1 }
      if order < 0 { return .removed(old.entries[oldPosition - 1]) }
      if order > 0 { return .added(new.entries[newPosition - 1]) }
    }
  }
}
