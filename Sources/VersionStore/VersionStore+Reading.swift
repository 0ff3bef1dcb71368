internal import BTreeIndex
package import Primitives
package import RawBytes

extension VersionStore {
  /// The value of a key at a snapshot, appended to the caller's buffer; nil when it was absent.
  ///
  /// - Throws: `snapshotTooOld` when the snapshot has expired, whatever the look-up found; the
  ///   buffer is then as before.
  package func find(
    _ key: ByteView, in keyspace: KeyspaceID, at snapshot: StoreSnapshot,
    appendingValueTo scratch: inout ByteBuffer
  ) throws(StoreError) -> FoundValue? {
    let root = try readableRoot(of: keyspace, at: snapshot)
    let start = scratch.count
    let entry: FoundEntry?
    do {
      entry = try pager.find(key, from: root, appendingValueTo: &scratch)
    } catch {
      scratch.truncate(to: start)
      throw registry.isLive(snapshot) ? .tree(error) : failure(of: snapshot)
    }
    var found: FoundValue?
    if let entry {
      if entry.timestamp <= snapshot.timestamp {
        if !entry.flags.contains(.tombstone) {
          found = FoundValue(
            timestamp: entry.timestamp, flags: entry.flags, valueRange: entry.valueRange)
        }
      } else {
        scratch.truncate(to: start)
        if let version = chains.find(
          key, in: keyspace, at: snapshot.timestamp, appendingValueTo: &scratch)
        {
          found = FoundValue(
            timestamp: version.timestamp, flags: version.flags,
            valueRange: version.valueStart..<version.valueEnd)
        }
      }
    }
    guard registry.isLive(snapshot) else {
      scratch.truncate(to: start)
      throw failure(of: snapshot)
    }
    if let value = found, value.flags.contains(.expiry) {
      found = try value.resolvingExpiry(in: scratch, at: snapshot.moment)
    }
    guard let value = found else {
      scratch.truncate(to: start)
      return nil
    }
    guard value.flags.contains(.overflow) else { return value }
    return try value.resolvingOverflow(in: &scratch, from: start)
  }

  /// When the newest committed state of a key was written, whoever may see it; nil when it never
  /// was or was removed before every snapshot. Faults its leaf in.
  package func newestTimestamp(
    of key: ByteView, in keyspace: KeyspaceID
  ) throws(StoreError) -> Timestamp? {
    let root = keyspaceTable.root(of: keyspace)
    guard root.page != .none, !root.isDropping else { throw .unknownKeyspace(keyspace) }
    do { return try pager.newestTimestamp(of: key, from: root.page) } catch { throw .tree(error) }
  }

  /// A cursor over what a snapshot sees of a keyspace.
  ///
  /// - Parameter memory: `memory` of a cursor that is used no more.
  package func makeCursor(
    in keyspace: KeyspaceID, at snapshot: StoreSnapshot, reusing memory: AlignedMemory? = nil
  ) throws(StoreError) -> StoreCursor {
    let root = try readableRoot(of: keyspace, at: snapshot)
    return StoreCursor(
      store: self, keyspace: keyspace, snapshot: snapshot,
      cursor: tree(at: root).makeReadCursor(reusing: memory))
  }
}
