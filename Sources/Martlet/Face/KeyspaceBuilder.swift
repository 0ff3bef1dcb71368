internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Takes the records of a bulk build (`Database.build`).
///
/// Used by the closure that received it, on one thread at a time.
public struct KeyspaceBuilder: ~Copyable {
  private let engine: Engine
  private var tree: TreeBuilder
  private let sorter: ExternalSorter?
  private let watch: BuildWatch
  /// Records appended so far.
  public private(set) var recordCount = 0
  private var byteCount = 0
  /// How many bytes there are when the build is looked after next.
  private var nextLook = BuildWatch.interval
  private var doom: (any Error)?
  /// The moment of the build: by it the expiry of its records is reckoned.
  private let begin: UInt64
  /// When a record expires of which nothing else is said; zero: never.
  private let defaultExpiry: UInt64
  /// A value and its expiry on their way to the sorter.
  private var scratch = ByteBuffer(capacity: 0)

  init(
    engine: Engine, build: KeyspaceBuild, timeToLive: Duration?, sortMemory: Int?,
    watch: BuildWatch
  ) {
    self.engine = engine
    self.watch = watch
    let begin = engine.store.expiries.now
    self.begin = begin
    defaultExpiry = timeToLive.map { Expiry.after($0).stored { begin } } ?? 0
    tree = build.makeTreeBuilder()
    sorter = sortMemory.map { ExternalSorter(engine: engine, byteBudget: $0, watch: watch) }
  }

  /// Adds a record.
  ///
  /// A value that does not fit beside its key (a quarter of a page for both) is stored apart; that
  /// costs nothing in meaning. It expires as the keyspace's options say
  /// (``KeyspaceOptions/timeToLive``), counted from the begin of the build.
  /// - Parameters:
  ///   - key: in an ascending build above every key before.
  ///   - value: its value.
  /// - Throws: `keysNotAscending`, which names the record, or `keyTooLong`: the record is not added,
  ///   and the build may go on. After any other error it has failed, whatever the closure does then.
  @inlinable
  public mutating func append(_ key: some StoredKey, _ value: some StoredValue) throws {
    try key.withKeyBytes { key in
      try value.withValueBytes { value in try append(bytes: value, for: key, expires: nil) }
    }
  }

  /// Adds a record and says when it expires, whatever the keyspace's time to live is; see
  /// ``append(_:_:)``. One that expires `after` some time does so that long after the begin of the
  /// build.
  @inlinable
  public mutating func append(
    _ key: some StoredKey, _ value: some StoredValue, expires: Expiry
  ) throws {
    try key.withKeyBytes { key in
      try value.withValueBytes { value in try append(bytes: value, for: key, expires: expires) }
    }
  }

  @usableFromInline
  mutating func append(bytes value: RawSpan, for key: RawSpan, expires: Expiry?) throws {
    let expiry = expires.map { [begin] in $0.stored { begin } } ?? defaultExpiry
    if byteCount >= nextLook || doom != nil { try look() }
    do {
      try key.withByteView { key in
        try value.withByteView { value in try append(key, value, expiry) }
      }
    } catch {
      throw note(error)
    }
    recordCount += 1
    byteCount += key.byteCount + value.byteCount
  }

  @inline(__always)
  private mutating func append(_ key: ByteView, _ value: ByteView, _ expiry: UInt64) throws {
    guard let sorter else {
      if try tree.append(key, value, expiry: expiry) == .added { return }
      throw DatabaseError.keysNotAscending(
        key.array, after: tree.lastKey, record: recordCount + 1)
    }
    try tree.check(key)
    if tree.fitsInline(key, value, expiry: expiry) {
      try append(key, EntryFlags(rawValue: 0), value, expiry, to: sorter)
    } else {
      // Its bytes are where they stay; what is sorted is where that is.
      let reference = try tree.writeLarge(value)
      var encoded = ByteBuffer(capacity: OverflowReference.encodedByteCount)
      encoded.append(zeros: OverflowReference.encodedByteCount)
      reference.encode(into: encoded.mutableView)
      try append(key, .overflow, encoded.view, expiry, to: sorter)
    }
  }

  @inline(__always)
  private mutating func append(
    _ key: ByteView, _ flags: EntryFlags, _ value: ByteView, _ expiry: UInt64,
    to sorter: ExternalSorter
  ) throws {
    guard expiry != 0 else { return try sorter.append(key, flags: flags, value) }
    scratch.removeAll()
    let expires = ExpiryField.append(value, expiry: expiry, to: &scratch)
    try sorter.append(key, flags: flags.union(expires), scratch.view)
  }

  /// Now and then: is it cancelled, and how far is it.
  private mutating func look() throws {
    if let doom { throw doom }
    nextLook = byteCount + BuildWatch.interval
    do {
      try watch.look(
        sorter == nil ? .building : .sorting, recordCount: recordCount, byteCount: byteCount)
    } catch {
      throw note(error)
    }
  }

  /// In the words of the face; what is not a matter of one record ends the build.
  private mutating func note(_ error: any Error) -> any Error {
    let told = (error as? TreeError).map { DatabaseError($0) } ?? error
    let isOfRecord =
      switch (told as? DatabaseError)?.code {
      case .some(.keysNotAscending), .some(.keyTooLong): true
      default: false
      }
    if !isOfRecord { doom = doom ?? told }
    return told
  }

  /// Makes the tree of everything that was appended.
  consuming func finish(_ build: KeyspaceBuild) throws {
    if let doom { throw doom }
    var unneeded: [OverflowReference] = []
    do {
      if let sorter { unneeded = try merge(sorter) }
      try watch.look(.committing, recordCount: tree.entryCount, byteCount: tree.byteCount)
      try build.finish(tree, unneeded: unneeded)
    } catch let error as StoreError {
      throw DatabaseError(error)
    } catch let error as TreeError {
      throw DatabaseError(error)
    }
  }

  /// Takes the sorted records to the tree.
  ///
  /// - Returns: large values that later ones replaced.
  private mutating func merge(_ sorter: ExternalSorter) throws -> [OverflowReference] {
    var nextLook = BuildWatch.interval
    try sorter.forEachSorted { record in
      if tree.byteCount >= nextLook {
        nextLook = tree.byteCount + BuildWatch.interval
        try watch.look(.building, recordCount: tree.entryCount, byteCount: tree.byteCount)
      }
      let expiry = record.expiry
      guard expiry != 0 || !record.flags.contains(.expiry) else {
        throw DatabaseError(damage: ExternalSorter.damage("a moment of expiry"))
      }
      let outcome: TreeBuilder.Outcome
      if record.flags.contains(.overflow) {
        guard let reference = OverflowReference(decoding: record.content) else {
          throw DatabaseError(damage: ExternalSorter.damage("a reference to a large value"))
        }
        outcome = try tree.append(record.key, reference, expiry: expiry)
      } else {
        outcome = try tree.append(record.key, record.content, expiry: expiry)
      }
      guard outcome == .added else {
        throw DatabaseError(damage: ExternalSorter.damage("keys in ascending order"))
      }
    }
    return sorter.replaced
  }
}
