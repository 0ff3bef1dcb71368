package import Primitives

/// How a transaction that reads a snapshot wants its reads certified at its commit.
package enum TrackedRole: Sendable, Hashable, CaseIterable {
  /// Optimistic: whatever it read is still the newest state when it commits (rules O1 to O9).
  case optimistic
  /// Serializable snapshot isolation: no dangerous structure (rules S1 to S14).
  case serializableSnapshot
  /// Declared read-only, and serializable: the same for a transaction that never writes (rules
  /// S3, S13).
  case readOnly
}

/// A transaction's place in the history: a value with a generation, no reference, so that
/// whatever outlives the transaction cannot be reached through it (rule S5).
package struct Tracking: Sendable, Hashable, BitwiseCopyable {
  let index: Int32
  let generation: UInt32
  /// The transaction may not take an older snapshot: it waits until the published watermark has
  /// come so far, because what was committed up to here may be unrecorded.
  package let leastSnapshot: Timestamp
}

/// What is known of a declared read-only transaction's snapshot (rule S13).
package enum SnapshotSafety: Sendable, Hashable {
  /// Nothing that it reads can be part of an anomaly: it needs no tracking any more.
  case safe
  /// A transaction committed that makes the snapshot dangerous for some reads: it stays tracked,
  /// or whoever wants a safe one takes another.
  case unsafe
  /// That depends on transactions that are still active.
  case undecided
}
