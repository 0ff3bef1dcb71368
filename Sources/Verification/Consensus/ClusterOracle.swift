package import Consensus
package import Primitives
package import Replication
internal import RawBytes

/// What is known of all replicas of a group together, for all time: what each slot holds, what
/// state it led to, and who may answer alone.
///
/// - Invariant CO1: a slot has one content, whoever learns it, in whichever life, by the log or in
///   an image.
/// - Invariant CO2: replicas that have applied a slot came to the same state.
package struct ClusterOracle: Sendable {
  /// What a slot led to.
  private struct Slotted {
    let content: UInt64
    let stateHash: StateHash
    /// Who was the first to apply it.
    let replica: ReplicaID
  }

  private var slots: [Slot: Slotted] = [:]
  /// The newest slot that somebody has applied.
  package private(set) var newest = Slot.zero
  /// The newest configuration that was applied, and its slot.
  package private(set) var configuration: Configuration
  package private(set) var configurationSlot = Slot.zero
  /// How many slots were compared with what another replica had.
  package private(set) var comparisonCount = 0
  /// The first promise that was broken.
  package private(set) var violation: ClusterViolation?

  package init(founding: Configuration) { configuration = founding }

  /// How many slots were applied by somebody.
  package var slotCount: Int { slots.count }

  /// A replica has applied an entry, and came to a state.
  package mutating func note(_ entry: Entry, _ stateHash: StateHash, by replica: ReplicaID) {
    let content = Self.hash(of: entry.content)
    if let known = slots[entry.slot] {
      comparisonCount += 1
      if known.content != content {
        fail(
          .twoValuesInSlot,
          "\(entry.slot): \(replica) applied \(entry), \(known.replica) had applied other content")
      } else if known.stateHash != stateHash {
        fail(
          .statesDiffer, "\(entry.slot): \(replica) and \(known.replica) come to different states")
      }
      return
    }
    slots[entry.slot] = Slotted(content: content, stateHash: stateHash, replica: replica)
    newest = max(newest, entry.slot)
    if case .configuration(let next) = entry.content, entry.slot > configurationSlot {
      (configuration, configurationSlot) = (next, entry.slot)
    }
  }

  package mutating func fail(_ kind: ClusterViolation.Kind, _ detail: String) {
    if violation == nil { violation = ClusterViolation(kind, detail) }
  }

  private static func hash(of content: Entry.Content) -> UInt64 {
    // A description tells all kinds apart; the bytes of commands are what matters.
    if case .command(let bytes) = content { return bytes.withByteView { Hash64.hash($0, seed: 1) } }
    return Array("\(content)".utf8).withByteView { Hash64.hash($0, seed: 2) }
  }
}

/// Which replicas would answer a read alone, because they hold a lease.
extension ClusterOracle {
  /// - Parameter holders: at one moment of true time.
  package mutating func note(leaseHolders holders: [ReplicaID]) {
    if holders.count > 1 {
      fail(.twoLeases, "\(holders.map(\.description).joined(separator: " and ")) at once")
    }
  }
}
