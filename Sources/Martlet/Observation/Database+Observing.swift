extension Database {
  /// A live query: what the closure reads, now and again after each change of it.
  ///
  /// ```swift
  /// for try await balance in database.observe({ snapshot in
  ///   try snapshot.value(for: "alice", in: accounts, as: Int.self)
  /// }) {
  ///   label.text = balance.map { "\($0)" } ?? "no account"
  /// }
  /// ```
  ///
  /// Nothing is read before the first value is asked for. That one comes at once, from a snapshot: it
  /// waits for no writer. The engine notes which keys and ranges the closure read, absent keys and
  /// the gaps of ranges included, and reads again only when a commit has written one of them, or a
  /// keyspace of them was dropped. What only the clock changes, an entry that expires, counts as
  /// changed when it is removed.
  ///
  /// - It shows what `read` shows: commits once they are acknowledged. The state after the last
  ///   commit is never missed.
  /// - It reads on demand. Commits while the consumer is busy are taken together: the next value is
  ///   the newest state, however many came before it, and a consumer that does not ask costs nothing.
  /// - Failures of the engine that pass, such as `snapshotTooOld` or a failed call of the system, do
  ///   not end it: it reads again, with pauses that grow to a second. It ends, with the error, when
  ///   the database is closed or can no longer be read. See ``LiveValues`` for errors that the
  ///   closure throws.
  ///
  /// Each iterator reads for itself. The closure runs on a thread of the engine, never on the
  /// cooperative pool, and depends on nothing but the snapshot: the engine does not see what else it
  /// looks at.
  /// - Parameter read: reads what the value is made of; must not keep the snapshot.
  /// - Complexity: a change costs what reading costs; an observer that waits, memory for what it read,
  ///   at most about 64 KiB, beyond which it counts as having read whole keyspaces.
  public func observe<Value: Sendable>(
    _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
  ) -> LiveValues<Value> {
    LiveValues(database: self, read: read, areSame: nil)
  }
}
