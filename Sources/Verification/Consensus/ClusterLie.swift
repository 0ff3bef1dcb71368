/// A planted bug of the world in which a group lives, that the oracles must find: a harness that cannot
/// fail proves nothing.
package enum ClusterLie: String, Sendable, Hashable, CaseIterable {
  /// Syncs report success and make nothing durable, on all machines.
  case syncs
  /// Clocks run at rates far beyond the bound that the group was told, while it relies on leases.
  case clocks
}
