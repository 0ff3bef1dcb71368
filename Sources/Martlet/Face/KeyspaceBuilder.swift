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

  init(engine: Engine, build: KeyspaceBuild, sortMemory: Int?, watch: BuildWatch) {
    self.engine = engine
    self.watch = watch
    tree = build.makeTreeBuilder()
    sorter = sortMemory.map { ExternalSorter(engine: engine, byteBudget: $0, watch: watch) }
  }

  /// Adds a record.
  ///
  /// A value that does not fit beside its key (a quarter of a page for both) is stored apart; that
  /// costs nothing in meaning.
  /// - Parameters:
  ///   - key: in an ascending build above every key before.
  ///   - value: its value.
  /// - Throws: `keysNotAscending`, which names the record, or `keyTooLong`: the record is not added,
  ///   and the build may go on. After any other error it has failed, whatever the closure does then.
  @inlinable
  public mutating func append(_ key: some StoredKey, _ value: some StoredValue) throws {
    try key.withKeyBytes { key in
      try value.withValueBytes { value in try append(bytes: value, for: key) }
    }
  }

  @usableFromInline
  mutating func append(bytes value: RawSpan, for key: RawSpan) throws {
    if byteCount >= nextLook || doom != nil { try look() }
    do {
      try key.withByteView { key in
        try value.withByteView { value in try append(key, value) }
      }
    } catch {
      throw note(error)
    }
    recordCount += 1
    byteCount += key.byteCount + value.byteCount
  }

  @inline(__always)
  private mutating func append(_ key: ByteView, _ value: ByteView) throws {
    guard let sorter else {
      if try tree.append(key, value) == .added { return }
      throw DatabaseError.keysNotAscending(
        key.array, after: tree.lastKey, record: recordCount + 1)
    }
    try tree.check(key)
    if tree.fitsInline(key, value) {
      try sorter.append(key, flags: EntryFlags(rawValue: 0), value)
    } else {
      // Its bytes are where they stay; what is sorted is where that is.
      let reference = try tree.writeLarge(value)
      var encoded = ByteBuffer(capacity: OverflowReference.encodedByteCount)
      encoded.append(zeros: OverflowReference.encodedByteCount)
      reference.encode(into: encoded.mutableView)
      try sorter.append(key, flags: .overflow, encoded.view)
    }
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
      let outcome: TreeBuilder.Outcome
      if record.flags.contains(.overflow) {
        guard let reference = OverflowReference(decoding: record.value) else {
          throw DatabaseError(damage: ExternalSorter.damage("a reference to a large value"))
        }
        outcome = try tree.append(record.key, reference)
      } else {
        outcome = try tree.append(record.key, record.value)
      }
      guard outcome == .added else {
        throw DatabaseError(damage: ExternalSorter.damage("keys in ascending order"))
      }
    }
    return sorter.replaced
  }
}
