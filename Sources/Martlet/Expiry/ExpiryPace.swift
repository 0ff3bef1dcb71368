/// How the sweeper goes about its work.
package struct ExpiryPace: Sendable, Hashable {
  /// How long an expired entry lies before it is worth a visit, so that a visit finds many.
  package var delay: Duration = .seconds(1)
  /// Entries looked at in one visit.
  package var entryLimit = 4096
  /// Entries removed in one commit.
  package var keyLimit = 256
  /// For each moment of work so many of rest, at least.
  package var restFactor: UInt64 = 20

  package init() {}
}
