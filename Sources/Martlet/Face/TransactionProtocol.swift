/// How a serializable transaction is kept apart from others.
///
/// Transactions under all three run side by side, and are serializable together (rule M1). Which
/// one suits depends on the work; <doc:TransactionsAndIsolation> compares them.
public enum TransactionProtocol: String, Sendable, Hashable, CaseIterable {
  /// Locks on what is read and written, held to the end: nobody is surprised at commit, but
  /// readers and writers wait for each other, and may meet in a deadlock.
  case twoPhaseLocking
  /// Reads a snapshot, locks only to commit, and commits if everything it read is still the
  /// newest: nothing waits, but whoever read what somebody else has changed runs again.
  case optimistic
  /// Reads a snapshot, and aborts only where two dependencies of readers on writers follow each
  /// other (serializable snapshot isolation): readers wait for nobody, and few run again.
  case serializableSnapshot
}
