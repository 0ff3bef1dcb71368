package import Primitives
package import RawBytes

/// A leaf that holds tombstones, named by a key inside it.
package struct TombstoneHint: Equatable, Sendable {
  package let keyspace: KeyspaceID
  package let key: [UInt8]

  package init(keyspace: KeyspaceID, key: [UInt8]) {
    self.keyspace = keyspace
    self.key = key
  }
}

/// Where the trees begin: what a checkpoint stores beside its pages (`format-spec/root-table.md`).
///
/// - Invariant RT1: `roots` ascends strictly by id, and every id is below `nextKeyspaceID`.
/// - Invariant RT2: the catalog's root is always there.
package struct RootTable: Equatable, Sendable {
  package struct Root: Equatable, Sendable {
    package let keyspace: KeyspaceID
    package let page: PageID

    package init(keyspace: KeyspaceID, page: PageID) {
      self.keyspace = keyspace
      self.page = page
    }
  }

  package var nextKeyspaceID: KeyspaceID
  package var roots: [Root]
  /// Leaves that wait for their tombstones to be dropped; hints, never needed for a right answer.
  package var tombstones: [TombstoneHint]
  /// Keyspaces with more leaves like that than are named.
  package var unswept: [KeyspaceID]
  /// Keyspaces in which entries may expire; those that did are looked for there.
  package var expiring: [KeyspaceID]

  /// How many bytes of hints are stored at most.
  static let hintByteLimit = 32 << 10

  private static let nextTag: UInt8 = 1
  private static let rootsTag: UInt8 = 2
  private static let tombstonesTag: UInt8 = 0x83
  private static let unsweptTag: UInt8 = 0x84
  private static let expiringTag: UInt8 = 0x85

  package init(
    nextKeyspaceID: KeyspaceID, roots: [Root], tombstones: [TombstoneHint] = [],
    unswept: [KeyspaceID] = [], expiring: [KeyspaceID] = []
  ) {
    self.nextKeyspaceID = nextKeyspaceID
    self.roots = roots
    self.tombstones = tombstones
    self.unswept = unswept
    self.expiring = expiring
  }

  package var encoded: [UInt8] {
    var buffer = ByteBuffer()
    func append(_ tag: UInt8, _ field: borrowing ByteBuffer) {
      buffer.append(integer: tag)
      buffer.append(counted: field.view)
    }
    var field = ByteBuffer()
    field.append(integer: nextKeyspaceID.rawValue)
    append(Self.nextTag, field)
    field.removeAll()
    for root in roots {
      field.append(integer: root.keyspace.rawValue)
      field.append(integer: root.page.rawValue)
    }
    append(Self.rootsTag, field)
    if !tombstones.isEmpty {
      field.removeAll()
      for hint in tombstones {
        field.append(varint: UInt64(hint.keyspace.rawValue))
        hint.key.withByteView { field.append(counted: $0) }
      }
      append(Self.tombstonesTag, field)
    }
    if !unswept.isEmpty {
      field.removeAll()
      for id in unswept { field.append(integer: id.rawValue) }
      append(Self.unsweptTag, field)
    }
    if !expiring.isEmpty {
      field.removeAll()
      for id in expiring { field.append(integer: id.rawValue) }
      append(Self.expiringTag, field)
    }
    return buffer.view.array
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = ByteReader(bytes)
    var next: KeyspaceID?
    var roots: [Root]?
    var hints: [TombstoneHint] = []
    var unswept: [KeyspaceID] = []
    var expiring: [KeyspaceID] = []
    var previousTag: UInt8 = 0
    func corrupt(_ expected: String, _ found: String) -> CorruptionError {
      CorruptionError(
        location: "root table, offset \(reader.offset)", expected: expected, found: found)
    }
    while reader.remaining > 0 {
      guard let tag = reader.integer(UInt8.self), let field = reader.counted() else {
        throw corrupt("a field", "\(reader.remaining) bytes that are none")
      }
      guard tag > previousTag else { throw corrupt("a tag above \(previousTag)", "tag \(tag)") }
      previousTag = tag
      switch tag {
      case Self.nextTag:
        guard field.count == 4 else { throw corrupt("4 bytes", "\(field.count)") }
        next = KeyspaceID(field.load(UInt32.self, at: 0))
      case Self.rootsTag:
        roots = Self.decodeRoots(field)
        if roots == nil { throw corrupt("ascending roots", "other bytes") }
      case Self.tombstonesTag:
        guard let decoded = Self.decodeHints(field) else {
          throw corrupt("tombstone hints", "other bytes")
        }
        hints = decoded
      case Self.unsweptTag:
        guard let ids = Self.decodeIDs(field) else {
          throw corrupt("ids", "\(field.count) bytes")
        }
        unswept = ids
      case Self.expiringTag:
        guard let ids = Self.decodeIDs(field) else {
          throw corrupt("ids", "\(field.count) bytes")
        }
        expiring = ids
      default:
        guard tag & CatalogEntry.ignorableBit != 0 else {
          throw corrupt("a known tag", "tag \(tag)")
        }
      }
    }
    guard let next, let roots, let last = roots.last else {
      throw corrupt("a next id and roots", "one missing")
    }
    guard roots[0].keyspace == .catalog, last.keyspace < next else {
      throw corrupt("the catalog first and every id below \(next.rawValue)", "other ids")
    }
    self.init(
      nextKeyspaceID: next, roots: roots, tombstones: hints, unswept: unswept, expiring: expiring)
  }

  private static func decodeIDs(_ field: ByteView) -> [KeyspaceID]? {
    guard field.count % 4 == 0 else { return nil }
    return stride(from: 0, to: field.count, by: 4).map {
      KeyspaceID(field.load(UInt32.self, at: $0))
    }
  }

  private static func decodeRoots(_ field: ByteView) -> [Root]? {
    guard field.count % 8 == 0 else { return nil }
    var roots: [Root] = []
    for offset in stride(from: 0, to: field.count, by: 8) {
      let root = Root(
        keyspace: KeyspaceID(field.load(UInt32.self, at: offset)),
        page: PageID(field.load(UInt32.self, at: offset + 4)))
      guard root.page != .none else { return nil }
      if let last = roots.last, last.keyspace >= root.keyspace { return nil }
      roots.append(root)
    }
    return roots
  }

  private static func decodeHints(_ field: ByteView) -> [TombstoneHint]? {
    var reader = ByteReader(field)
    var hints: [TombstoneHint] = []
    while reader.remaining > 0 {
      guard let id = reader.varint(), id <= UInt64(UInt32.max), let key = reader.counted() else {
        return nil
      }
      hints.append(TombstoneHint(keyspace: KeyspaceID(UInt32(id)), key: key.array))
    }
    return hints
  }
}
