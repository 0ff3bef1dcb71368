package import Primitives

/// What a slot of the replicated log holds, as one ballot proposed it.
///
/// - Invariant EN1: two entries with the same slot and ballot are equal: a ballot has one leader,
///   and it proposes one content for a slot.
package struct Entry: Hashable, Sendable {
  package let slot: Slot
  /// The ballot that proposed it, which for a recovered content is not the first that did.
  package let ballot: Ballot
  package let content: Content
  /// The proposing leader's boot clock when it proposed: opaque to everyone else (rule L1).
  package let leaderTime: BootTime

  package init(slot: Slot, ballot: Ballot, content: Content, leaderTime: BootTime) {
    self.slot = slot
    self.ballot = ballot
    self.content = content
    self.leaderTime = leaderTime
  }

  /// The kinds of content. A kind that a replica does not know stops it: skipping one would let
  /// replicas differ (rule G2).
  package enum Content: Hashable, Sendable {
    /// Fills a slot in which nothing can have been chosen.
    case noOperation
    /// The first entry of a ballot of its own: with it chosen and applied, a leader may serve.
    case newLeader(usesLease: Bool)
    /// Governs the slots behind its own.
    case configuration(Configuration)
    /// An opaque command of the state machine above.
    case command([UInt8])
    /// Renews the lease of an otherwise idle leader (rule L3).
    case tick
    /// The last entry of a ballot whose leader hands over: its lease ends here (rule R3).
    case leaseRelease
  }
}

extension Entry {
  /// Bytes of commands, for the limits of windows and batches.
  package var byteCount: Int {
    switch content {
    case .command(let bytes): bytes.count
    default: 0
    }
  }
}
