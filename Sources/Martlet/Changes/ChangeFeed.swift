internal import Primitives
internal import RedoLog

/// The changes of a database, one transaction after the other, as they become durable.
///
/// ```swift
/// for try await committed in try database.changes(in: [people], from: savedToken) {
///   try await index.apply(committed.changes)
///   savedToken = committed.token
/// }
/// ```
///
/// A feed reads the log and nothing else, so it costs writers nothing, and a slow consumer takes no
/// memory: what it has not asked for stays on disk. How far back the log goes is bounded by
/// ``Configuration/changeRetention``.
///
/// - Invariant CF-durable: no element tells of a commit that a crash can take back.
/// - Invariant CF-order: elements come in commit order, each transaction whole, none twice.
/// - Invariant CF-complete: from one token on no committed change is left out; where that cannot be
///   kept the feed throws `positionLost`.
///
/// A feed shows commit order. That order is not always a serial order of serializable transactions:
/// whoever applies a feed and looks at the result between two elements sees what a reader at snapshot
/// isolation sees (rule S15).
///
/// Each iterator is a feed of its own. An iterator belongs to one task.
public struct ChangeFeed: AsyncSequence, Sendable {
  /// What one transaction changed.
  public typealias Element = CommittedChanges

  let database: Database
  let keyspaces: Set<KeyspaceID>?
  let start: ChangeToken

  /// Begins to read, at the feed's first token.
  public func makeAsyncIterator() -> Iterator {
    Iterator(database: database, keyspaces: keyspaces, start: start)
  }

  /// Reads a feed.
  public struct Iterator: AsyncIteratorProtocol {
    private let database: Database
    private let reader: ChangeReader
    private var isOver = false

    init(database: Database, keyspaces: Set<KeyspaceID>?, start: ChangeToken) {
      self.database = database
      reader = ChangeReader(engine: database.engine, keyspaces: keyspaces, from: start)
    }

    /// The next transaction; waits until there is one. Nil when the task is cancelled, and never
    /// else: a feed has no end.
    ///
    /// - Throws: `positionLost` when the log does not hold any more what comes next; `closed`;
    ///   `corrupt`; `inputOutput`. The feed is over then.
    public mutating func next() async throws -> CommittedChanges? {
      if isOver { return nil }
      do {
        guard let element = try await reader.next() else {
          isOver = true
          return nil
        }
        return element
      } catch {
        isOver = true
        throw error
      }
    }
  }
}
