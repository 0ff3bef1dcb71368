/// The constants of a group; the same in all its replicas. Times are nanoseconds of a boot clock.
package struct Settings: Hashable, Sendable {
  /// How often a leader shows that it lives, and at least how often a replica wants a tick.
  package var tick: UInt64 = 100_000_000
  /// How long a leader with nothing to send keeps to itself that something was chosen (rule P3).
  package var noticeDelay: UInt64 = 5_000_000
  /// Silence after which a leader is suspected, at least; up to twice as long by chance.
  package var suspicion: UInt64 = 1_000_000_000
  /// For how long an entry that is chosen in its own ballot lets the leader read locally.
  package var leaseDuration: UInt64 = 2_000_000_000
  /// How much faster or slower than true time a boot clock may run: parts in a million. Zero
  /// leases are used when nobody vouches for it (rule L5).
  package var clockRateBound: UInt64 = 10_000
  /// Whether leaders read under a lease, or ask a quorum for each round of reads.
  package var usesLease = true
  /// Slots in flight, at most.
  package var windowSlotCount = 256
  /// Bytes in flight, at most, and in one message.
  package var windowByteCount = 8 << 20
  package var messageByteCount = 1 << 20
  /// How far behind a learner may be that becomes a voter (rule M3).
  package var caughtUpSlotCount = 64
  /// Bytes of log that are kept for a slow member, before it has to take an image.
  package var retainedByteCount = 64 << 20

  /// For how long log is kept for a member that is silent (rule S2).
  package var retention: UInt64 = 600_000_000_000

  package init() {}
}
