internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// A durable checkpoint that stays readable in the file while others come and go: what a backup
/// copies.
///
/// Nobody waits for it. Places that it includes are not used again meanwhile, so the file may grow;
/// `PagingStatistics.heldByteCount` says by how much.
///
/// - Invariant PC1: until `release`, everything its superblock leads to lies where it lay (PL6).
package final class PinnedCheckpoint: Sendable {
  /// As it stands in the file.
  package let superblock: Superblock
  let pager: Pager
  private let isReleased = Atomic<Bool>(false)

  init(superblock: Superblock, pager: Pager) {
    self.superblock = superblock
    self.pager = pager
  }

  /// How many held places are looked at under the mutex at a time: commits take it, too.
  private static let stepCount = 1024

  /// Gives its places back. Later calls do nothing.
  package func release() {
    if isReleased.exchange(true, ordering: .relaxed) { return }
    pager.ledger.withLock { $0.unpin(superblock.generation) }
    while pager.ledger.withLock({ $0.releaseHeld(limit: Self.stepCount) }) {}
  }

  deinit { release() }
}

extension Pager {
  /// Keeps the newest durable checkpoint readable. Waits for one that is being written.
  package func pinDurableCheckpoint() throws(PagingError) -> PinnedCheckpoint {
    checkpointTurn.take()
    defer { checkpointTurn.pass() }
    try file.checkPoison()
    let (slot, generation) = ledger.withLock { ($0.durableSlot, $0.durable) }
    let superblock = try readSuperblock(slot: slot, generation: generation)
    ledger.withLock { ledger in
      let pinned = ledger.pinDurable()
      precondition(pinned == generation, "a checkpoint ended out of turn")
    }
    return PinnedCheckpoint(superblock: superblock, pager: self)
  }

  private func readSuperblock(
    slot: Int, generation: Generation
  ) throws(PagingError) -> Superblock {
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    var found = "none"
    for copy in 0..<2 {
      let number = Superblock.block(slot: slot, copy: copy)
      try file.read(
        into: block.bytes, at: UInt64(number * Place.blockByteCount), isDirect: true, "superblock")
      let reading = Superblock.read(block.bytes.view)
      if case .valid(let superblock) = reading, superblock.generation == generation {
        return superblock
      }
      found = reading.summary
    }
    throw .corrupt(
      CorruptionError(
        location: "superblock in slot \(slot)", expected: "generation \(generation.rawValue)",
        found: found))
  }
}
