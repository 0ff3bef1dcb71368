internal import RawBytes

extension Transaction {
  /// Changes a value without reading it: adds to a counter, keeps a record, appends, changes a set.
  ///
  /// Any number of transactions merge into one key at the same time, and none of them fails or waits
  /// for another's end: the operation is applied when the transaction commits, to the newest committed
  /// value, whatever the snapshot shows. The lock of the key is held from then until the commit is
  /// published, not through its flush.
  ///
  /// Whoever reads the key in the same transaction sees what its view shows, changed; and from then on
  /// the merge is a read and a write like any others: at `.snapshot` and above it loses against
  /// a commit after the snapshot (`writeConflict`). A value that the transaction has set itself is
  /// changed at once. What was there keeps its expiry.
  ///
  /// At the serializable levels a merge alone never fails. A transaction that reads other things and
  /// merges into what was committed after its snapshot commits only if all it read is still the newest.
  /// - Throws: as ``set(_:for:in:)``, but for `writeConflict`. `valueMismatch` when the value is no
  ///   integer or no ``ByteSet``, and `valueOverflow` when a sum leaves its range: here when the
  ///   transaction has set the value itself, then nothing happened; else from the commit, and the
  ///   transaction is rolled back.
  public func merge(_ operation: MergeOperation, for key: some StoredKey, in keyspace: Keyspace)
    throws
  {
    try state.requireUsable(keyspace)
    try key.withKeyBytes { span in
      try span.withByteView { key in try state.merge(operation.step, key, in: keyspace) }
    }
  }
}
