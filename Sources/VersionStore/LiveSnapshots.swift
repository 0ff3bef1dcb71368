package import Primitives

/// A live snapshot as a collector sees it.
package struct LiveSnapshot: BitwiseCopyable, Sendable, Equatable {
  package let timestamp: Timestamp
  package let slot: Int

  package init(timestamp: Timestamp, slot: Int) {
    self.timestamp = timestamp
    self.slot = slot
  }
}

extension SnapshotRegistry {
  /// Whether no begin is in progress.
  package var hasNoPending: Bool {
    for index in 0..<limit where state(index) == Self.pending { return false }
    return true
  }

  /// Slots with a snapshot, live or expired.
  package var occupiedCount: Int {
    (0..<limit).count { state($0) >= Self.bias }
  }

  /// Fills `live` with every live snapshot, oldest first. Load the acknowledged watermark before
  /// calling: a snapshot that begins later than that is at or above it.
  ///
  /// - Returns: false when a begin is in progress, so that the list may lack one.
  package func collectLive(into live: inout [LiveSnapshot]) -> Bool {
    live.removeAll(keepingCapacity: true)
    for index in 0..<limit {
      let state = state(index)
      if state == Self.pending { return false }
      if state < Self.bias || state & Self.expiredBit != 0 { continue }
      live.append(LiveSnapshot(timestamp: Timestamp(state - Self.bias), slot: index))
    }
    if live.count > 1 {
      live.sort { ($0.timestamp, $0.slot) < ($1.timestamp, $1.slot) }
    }
    return true
  }

  /// The oldest moment that some snapshot, live or beginning, or the acknowledged watermark shows;
  /// nil while a begin is in progress.
  ///
  /// - Parameter includingExpired: whether an expired snapshot whose owner has not ended it counts:
  ///   it may be walking a tree right now.
  package func horizon(includingExpired: Bool = false) -> Timestamp? {
    var oldest = acknowledged
    for index in 0..<limit {
      let state = state(index)
      if state == Self.pending { return nil }
      if state < Self.bias { continue }
      if state & Self.expiredBit != 0 && !includingExpired { continue }
      oldest = min(oldest, Timestamp((state & ~Self.expiredBit) - Self.bias))
    }
    return oldest
  }
}
