internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// Looks at versions whose keeper has gone, and frees those that nobody needs.
  ///
  /// - Returns: whether some are left to look at.
  func collectGarbage(limit: Int) -> Bool {
    guard chains.versionCount > 0 else { return false }
    var freed: [VersionHandle] = []
    let now = effects.time.coarse()
    let isMoreLeft = ledger.withLock { ledger in
      // The watermark before the slots: a snapshot that begins after the scan is at or above it.
      ledger.acknowledge(through: registry.acknowledged)
      ledger.place(limit: limit, freed: &freed) { live in
        registry.collectLive(into: &live)
      } pin: { snapshot in
        registry.pin(snapshot, at: now)
      }
      return ledger.hasUnplaced
    }
    var overflow: [OverflowReference] = []
    for handle in freed {
      if let reference = chains.remove(handle) { overflow.append(reference) }
    }
    if deferred.queueFree(overflow) { maintainer.wake() }
    return isMoreLeft
  }

  /// Warns of snapshots that pin much, and expires some when they pin too much (V5).
  func enforceBudget() {
    var pinned = ledger.withLock { $0.pinnedByteCount }
    guard budget.isNotable(pinned) else { return }
    budget.exclusively {
      if budget.shouldWarn(pinned: pinned), let culprit = heaviest() {
        // From here on idle means: not used since the warning.
        for snapshot in candidates() { _ = registry.takeTouched(slot: snapshot.slot) }
        let report = report(on: culprit)
        effects.events.report(
          Event(
            .warning, kind: .pinnedVersions,
            "superseded versions: \(pinned) of \(budget.byteCount) bytes, most of them pinned by "
              + "\(report.text)",
            report.facts.merging(
              ["totalBytes": .number(pinned), "budget": .number(budget.byteCount)]
            ) { first, _ in first }))
      }
      while pinned > budget.byteCount, let victim = chooseVictim() {
        let report = report(on: victim)
        if registry.expire(victim) {
          budget.countExpired()
          effects.events.report(
            Event(
              .warning, kind: .snapshotExpired,
              "\(report.text) expired: superseded versions exceed \(budget.byteCount) bytes",
              report.facts))
          ledger.withLock { $0.release(slot: victim.slot) }
        }
        while collectGarbage(limit: Self.cooperativeLimit) {
          // A begin in progress hides the list of live snapshots: leave the rest to the background.
          if !registry.hasNoPending { break }
        }
        let now = ledger.withLock { $0.pinnedByteCount }
        if now == pinned { break }
        pinned = now
      }
    }
  }

  /// Live snapshots that pin something, oldest first.
  private func candidates() -> [LiveSnapshot] {
    var live: [LiveSnapshot] = []
    guard registry.collectLive(into: &live) else { return [] }
    let all = live
    return ledger.withLock { ledger in all.filter { ledger.pinnedByteCount(slot: $0.slot) > 0 } }
  }

  /// The oldest snapshot that was not used since this was last asked, else the oldest.
  private func chooseVictim() -> LiveSnapshot? {
    let candidates = candidates()
    var idle: LiveSnapshot?
    for snapshot in candidates where !registry.takeTouched(slot: snapshot.slot) && idle == nil {
      idle = snapshot
    }
    return idle ?? candidates.first
  }

  /// The live snapshot that pins most.
  private func heaviest() -> LiveSnapshot? {
    let candidates = candidates()
    return ledger.withLock { ledger in
      candidates.max {
        ledger.pinnedByteCount(slot: $0.slot) < ledger.pinnedByteCount(slot: $1.slot)
      }
    }
  }
}
