/// A planted bug of the world in which a group lives, that the oracles must find: a harness that cannot
/// fail proves nothing.
package enum ClusterLie: String, Sendable, Hashable, CaseIterable {
  /// Syncs report success and make nothing durable, on all machines.
  case syncs
  /// All clocks of a machine stand still while it does, which nobody tells its node, and the group
  /// relies on leases all the same (pitfall 5).
  case clocks
}
