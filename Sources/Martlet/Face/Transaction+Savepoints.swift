internal import RawBytes

/// A moment inside a transaction, to which its writes can be rolled back.
public struct Savepoint: Sendable {
  let transaction: UInt64
  let mark: WriteSet.Mark
  /// Its place among those that can be rolled back to, and which of those that stood there it is.
  let depth: Int
  let serial: Int
}

extension Transaction {
  /// Marks this moment. Savepoints nest: rolling back to one gives up those made after it.
  public func savepoint() throws -> Savepoint {
    if let doom = state.doom { throw doom }
    return state.makeSavepoint()
  }

  /// Undoes every write since a savepoint, which stays and can be rolled back to again.
  ///
  /// Locks are kept, and what was read still counts as read.
  /// - Throws: `invalidArgument` for a savepoint of another transaction, or one that was given up:
  ///   nothing happened.
  /// - Complexity: O(writes that stay).
  public func rollBack(to savepoint: Savepoint) throws {
    if let doom = state.doom { throw doom }
    try state.rollBack(to: savepoint)
  }

  /// Runs a part of the transaction that is undone alone when it throws; the transaction goes on,
  /// unless it was aborted. Parts nest.
  public func part<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Result {
    let savepoint = try savepoint()
    do {
      return try body(self)
    } catch {
      if state.doom == nil { try state.rollBack(to: savepoint) }
      throw error
    }
  }
}
