internal import Primitives

/// The steps by which a commit decides whether anyone may need what it supersedes. `BeginHandshake`
/// shows them beside those of a begin.
///
/// It keeps when it has more entries than `entryLimit` (so that a begin never waits for long), when
/// it is not acknowledged the moment it is published, when some earlier commit is not acknowledged
/// yet, and when any snapshot but its own transaction's is live or beginning.
package struct CommitHandshake {
  /// Commits with more entries always keep, so that a begin waits microseconds.
  package static let entryLimit = 64

  private enum Step { case announce, scan(Int), published, acknowledged(Timestamp), done }

  private var step = Step.announce
  private var mustKeep: Bool
  /// The slot of the committing transaction's own snapshot, which reads no more; -1 for none.
  private let ownSlot: Int

  package init(entryCount: Int, isAcknowledgedAtPublication: Bool, own: StoreSnapshot?) {
    mustKeep = entryCount > Self.entryLimit || !isAcknowledgedAtPublication
    ownSlot = own.map { Int($0.slot) } ?? -1
  }

  /// Makes one step; nil until the decision is there.
  package mutating func advance(in registry: SnapshotRegistry) -> CommitAnnouncement? {
    switch step {
    case .announce:
      if mustKeep { return decide(.keeping) }
      registry.announceDiscarding()
      step = .scan(0)
    case .scan(let index):
      guard index < registry.limit else {
        step = .published
        return nil
      }
      let state = registry.state(index)
      let isSomeone = state == SnapshotRegistry.pending || state >= SnapshotRegistry.bias
      if isSomeone && index != ownSlot { return retract(registry) }
      step = .scan(index + 1)
    case .published:
      step = .acknowledged(registry.published)
    case .acknowledged(let published):
      if registry.acknowledged < published { return retract(registry) }
      return decide(CommitAnnouncement(keepsVersions: false, isAnnounced: true))
    case .done:
      preconditionFailure("a handshake is made once")
    }
    return nil
  }

  private mutating func retract(_ registry: SnapshotRegistry) -> CommitAnnouncement {
    registry.retractDiscarding()
    return decide(.keeping)
  }

  private mutating func decide(_ announcement: CommitAnnouncement) -> CommitAnnouncement {
    step = .done
    return announcement
  }
}
