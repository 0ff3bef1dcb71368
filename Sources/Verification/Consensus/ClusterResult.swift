/// What one run did and found.
package struct ClusterResult: Sendable {
  package let seed: UInt64
  package var violation: ClusterViolation?
  package var faults = ClusterFaultCounts()
  /// Operations of clients that were answered.
  package var answerCount = 0
  /// Operations whose outcome no client ever learned.
  package var unknownCount = 0
  /// Slots that somebody applied.
  package var slotCount = 0
  /// Slots that one replica applied and that were compared with what another one had.
  package var comparisonCount = 0
  /// Processes that were started.
  package var lifeCount = 0
  /// From the healing of a quorum to the first answers, at worst; nanoseconds.
  package var recovery: UInt64 = 0
  /// Virtual time; nanoseconds.
  package var virtual: UInt64 = 0
  /// Calls into seams, and handovers of the baton.
  package var callCount = 0
  package var handOverCount = 0
  /// Every call of every machine in one number: equal seeds give equal numbers.
  package var traceHash: UInt64 = 0

  package init(seed: UInt64) { self.seed = seed }
}
