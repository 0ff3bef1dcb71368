internal import BTreeIndex
internal import Primitives
internal import VersionStore

/// Where the bytes of a database are: what each keyspace takes, and what is free.
public struct SpaceReport: Sendable, Codable, Hashable {
  /// What one keyspace takes.
  public struct Keyspace: Sendable, Codable, Hashable {
    /// Its name.
    public var name: String
    /// Keys with a value.
    public var entries: UInt64
    /// Removed keys whose place has not been taken back: open snapshots may need them, or nobody
    /// has come by since.
    public var tombstones: UInt64
    /// Bytes of keys and values, as they were set.
    public var contentBytes: UInt64
    /// Pages with entries.
    public var leafPages: UInt64
    /// Pages that lead to others.
    public var innerPages: UInt64
    /// Pages of values too large for a leaf.
    public var largeValuePages: UInt64
    /// Values too large for a leaf.
    public var largeValues: UInt64
    /// Levels from the root to a leaf.
    public var height: Int
    /// Bytes of its pages' images in the data file, compressed as they are. Pages that no
    /// checkpoint has written yet take none.
    public var storedBytes: UInt64
    /// Pages in all.
    public var pages: UInt64 { leafPages + innerPages + largeValuePages }
  }

  /// The keyspaces, sorted by name.
  public var keyspaces: [Keyspace]
  /// Bytes of a page in memory.
  public var pageSize: UInt64
  /// Bytes of the data file.
  public var fileBytes: UInt64
  /// Bytes of it that hold images which the newest or the last durable checkpoint needs.
  public var usedBytes: UInt64
  /// Bytes of it that new images will go to: holes have been punched where the file system can.
  public var freeBytes: UInt64 { fileBytes - min(fileBytes, usedBytes) }
  /// Bytes of log that recovery would read; a checkpoint gives them back.
  public var logBytes: UInt64
  /// Bytes of memory that older versions take.
  public var versionBytes: UInt64
}

extension Database {
  /// Counts what each keyspace takes of the data file.
  ///
  /// Other transactions go on meanwhile, so the numbers of a keyspace that is written to are of no
  /// one moment.
  /// - Throws: `corrupt` when damage is met: `verify` tells more; `inputOutput`.
  /// - Complexity: O(size of the database): every page is read, those of large values too.
  public func spaceReport() throws -> SpaceReport {
    try engine.enter()
    defer { engine.leave() }
    let snapshot = engine.store.beginSnapshot(.acknowledged)
    defer { engine.store.endSnapshot(snapshot) }
    var keyspaces: [SpaceReport.Keyspace] = []
    for info in engine.store.keyspaces where info.state == .live {
      do throws(StoreError) {
        let (tree, storedByteCount) = try engine.store.census(of: info.id, at: snapshot)
        keyspaces.append(SpaceReport.Keyspace(info.name, tree, storedByteCount))
      } catch .unknownKeyspace, .keyspaceTooNew {
        continue  // Made, or dropped, since the snapshot.
      } catch {
        throw DatabaseError(error)
      }
    }
    let statistics = statistics
    return SpaceReport(
      keyspaces: keyspaces.sorted { $0.name < $1.name }, pageSize: statistics.pageSize,
      fileBytes: statistics.fileBytes, usedBytes: statistics.usedBytes,
      logBytes: statistics.logBytesSinceCheckpoint, versionBytes: statistics.versionBytes)
  }
}

extension SpaceReport.Keyspace {
  fileprivate init(_ name: String, _ tree: TreeCensus, _ storedByteCount: Int) {
    self.init(
      name: name, entries: UInt64(tree.entryCount - tree.tombstoneCount),
      tombstones: UInt64(tree.tombstoneCount), contentBytes: tree.contentByteCount,
      leafPages: UInt64(tree.leafCount), innerPages: UInt64(tree.innerCount),
      largeValuePages: UInt64(tree.overflowPageCount), largeValues: UInt64(tree.largeValueCount),
      height: tree.height, storedBytes: UInt64(storedByteCount))
  }
}
