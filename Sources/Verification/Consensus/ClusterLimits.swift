/// How far a run may go: what a shrunk run is told by.
package struct ClusterLimits: Sendable, Hashable {
  /// How many voters a group has; nil: three or five, as the seed says.
  package var nodes: Int?
  /// Seconds of the phase of safety, at most.
  package var seconds = 90
  /// Clients, at most.
  package var clients = 5
  /// The kinds of faults that come about; nil: those that the seed says.
  package var only: Set<ClusterFault>?

  /// A planted bug, which must be found.
  package var lie: ClusterLie?

  package init() {}
}
