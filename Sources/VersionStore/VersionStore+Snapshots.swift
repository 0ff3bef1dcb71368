internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// Begins a snapshot. No mutex; waits only for commits of at most
  /// `CommitHandshake.entryLimit` entries that are being applied this moment.
  ///
  /// - Parameters:
  ///   - owner: who will have it: told to whoever asks what keeps versions in memory; nil: an unnamed
  ///     reader.
  ///   - moment: against which expiry is judged; zero: the present one.
  package func beginSnapshot(
    _ kind: SnapshotKind, for owner: SnapshotOwner? = nil, moment: UInt64 = 0
  ) -> StoreSnapshot {
    var handshake = BeginHandshake(kind, hint: Processor.threadHint)
    var attempt = 0
    while true {
      switch handshake.advance(in: registry) {
      case .advanced:
        break
      case .blocked:
        if isTorn.load(ordering: .acquiring) { handshake.stopWaiting() }
        effects.waits.yield(attempt: attempt)
        attempt += 1
      case .begun(var snapshot):
        if let owner { registry.describe(snapshot, as: owner) }
        // After the watermark was loaded: whoever sees an entry that expires sees that some do (EX1).
        if moment != 0 {
          snapshot.moment = moment
        } else if expiries.isInUse {
          snapshot.moment = expiries.now
        }
        if isTorn.load(ordering: .acquiring) {
          // Its moment can no longer be shown: every read fails.
          _ = registry.expire(
            LiveSnapshot(timestamp: snapshot.timestamp, slot: Int(snapshot.slot)))
        }
        return snapshot
      }
    }
  }

  /// Ends a snapshot and frees what only it needed. No mutex when it pinned nothing.
  package func endSnapshot(_ snapshot: StoreSnapshot) {
    guard registry.end(snapshot) else { return }
    let slot = Int(snapshot.slot)
    ledger.withLock { $0.release(slot: slot) }
    registry.recycle(slot: slot)
    if collectGarbage(limit: Self.cooperativeLimit) { maintainer.wakeSoon() }
  }

  /// Whether a snapshot can still be read.
  package func isLive(_ snapshot: StoreSnapshot) -> Bool { registry.isLive(snapshot) }

  /// Why a snapshot cannot be read.
  @inline(never)
  func failure(of snapshot: StoreSnapshot) -> StoreError {
    isTorn.load(ordering: .acquiring)
      ? .poisoned : .snapshotTooOld(at: snapshot.timestamp, newest: registry.published)
  }
}
