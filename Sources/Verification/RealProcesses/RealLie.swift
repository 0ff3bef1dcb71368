/// What a tortured process, or the file system below it, claims and does not do: each lie must be
/// found, or the torture proves nothing.
package enum RealLie: String, Sendable, CaseIterable {
  /// Writes to the log are claimed and dropped, all after the first few.
  case droppedLogWrites
  /// One write to the log is claimed and dropped.
  case droppedLogWrite
  /// Superblocks are claimed and dropped.
  case droppedSuperblocks
  /// Images are claimed and dropped.
  case droppedImages
  /// Commits are claimed to be durable that are not.
  case earlyAcknowledgements
  /// Now and then a transaction leaves out its last write.
  case halfTransactions
}
