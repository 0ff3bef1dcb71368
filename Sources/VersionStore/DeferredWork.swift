internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import Synchronization

/// A leaf that waits until its tombstones may go.
struct PendingTombstones: Sendable {
  let keyspace: KeyspaceID
  /// Some key inside the leaf.
  let key: [UInt8]
  /// Not worth a visit before the horizon is here.
  let timestamp: Timestamp
}

/// Work that commits leave for the background: leaves with tombstones, and overflow pages that
/// nobody refers to any more.
///
/// - Invariant DW1: the tombstone queue holds at most `hintLimit` leaves; beyond that it remembers
///   keyspaces only, which are swept leaf by leaf.
final class DeferredWork: Sendable {
  static let hintLimit = 8192

  private struct State {
    var tombstones: [PendingTombstones] = []
    var tombstoneStart = 0
    var overflow: [OverflowReference] = []
    /// Ascending, each once.
    var unswept: [KeyspaceID] = []
    /// Where the sweep of the first of them goes on.
    var sweepKey: [UInt8]?
  }

  private let state = ShortMutex(State())
  private let count = Atomic<Int>(0)

  init(tombstones: [TombstoneHint], unswept: [KeyspaceID]) {
    for hint in tombstones {
      _ = queue(PendingTombstones(keyspace: hint.keyspace, key: hint.key, timestamp: .zero))
    }
    for id in unswept { state.withLock { Self.markUnswept(id, &$0) } }
    state.withLock { recount($0) }
  }

  /// Whether anything waits, be it for the horizon.
  var hasWork: Bool { count.load(ordering: .acquiring) > 0 }

  private func recount(_ state: borrowing State) {
    count.store(
      state.tombstones.count - state.tombstoneStart + state.overflow.count + state.unswept.count,
      ordering: .releasing)
  }

  // MARK: Tombstones

  /// Queues a leaf. Returns whether the queue was empty, so that somebody has to be woken.
  func queue(_ leaf: PendingTombstones) -> Bool {
    state.withLock { state in
      let wasIdle = count.load(ordering: .relaxed) == 0
      if state.tombstones.count - state.tombstoneStart >= Self.hintLimit {
        Self.markUnswept(leaf.keyspace, &state)
      } else {
        state.tombstones.append(leaf)
      }
      recount(state)
      return wasIdle
    }
  }

  /// The next leaf whose tombstones the horizon has passed.
  func takeTombstones(through horizon: Timestamp) -> PendingTombstones? {
    state.withLock { state in
      guard state.tombstoneStart < state.tombstones.count,
        state.tombstones[state.tombstoneStart].timestamp <= horizon
      else { return nil }
      let leaf = state.tombstones[state.tombstoneStart]
      state.tombstoneStart += 1
      if state.tombstoneStart == state.tombstones.count {
        state.tombstones.removeAll(keepingCapacity: state.tombstoneStart < 1024)
        state.tombstoneStart = 0
      } else if state.tombstoneStart >= 1024 {
        state.tombstones.removeFirst(state.tombstoneStart)
        state.tombstoneStart = 0
      }
      recount(state)
      return leaf
    }
  }

  /// What a checkpoint remembers of the queue: up to `byteLimit` bytes of hints, and the keyspaces
  /// of all others.
  func hints(byteLimit: Int) -> (tombstones: [TombstoneHint], unswept: [KeyspaceID]) {
    state.withLock { state in
      var hints: [TombstoneHint] = []
      var unswept = state
      var byteCount = 0
      for leaf in state.tombstones[state.tombstoneStart...] {
        byteCount += leaf.key.count + 12
        if byteCount <= byteLimit {
          hints.append(TombstoneHint(keyspace: leaf.keyspace, key: leaf.key))
        } else {
          Self.markUnswept(leaf.keyspace, &unswept)
        }
      }
      return (hints, unswept.unswept)
    }
  }

  // MARK: Sweeps

  private static func markUnswept(_ id: KeyspaceID, _ state: inout State) {
    let index = state.unswept.firstIndex { $0 >= id } ?? state.unswept.count
    if index < state.unswept.count && state.unswept[index] == id { return }
    if index == 0 { state.sweepKey = nil }
    state.unswept.insert(id, at: index)
  }

  /// The keyspace being swept and the key to go on after.
  var sweep: (keyspace: KeyspaceID, after: [UInt8]?)? {
    state.withLock { state in state.unswept.first.map { ($0, state.sweepKey) } }
  }

  /// Says how far the sweep of a keyspace has come; nil when it is done.
  func sweepReached(_ key: [UInt8]?, in keyspace: KeyspaceID) {
    state.withLock { state in
      guard state.unswept.first == keyspace else { return }
      state.sweepKey = key
      if key == nil { state.unswept.removeFirst() }
      recount(state)
    }
  }

  // MARK: Overflow pages

  /// Queues overflow values whose pages are volatile and that nobody refers to. Returns whether
  /// somebody has to be woken.
  func queueFree(_ references: [OverflowReference]) -> Bool {
    guard !references.isEmpty else { return false }
    return state.withLock { state in
      let wasIdle = count.load(ordering: .relaxed) == 0
      state.overflow.append(contentsOf: references)
      recount(state)
      return wasIdle
    }
  }

  func takeOverflow() -> OverflowReference? {
    state.withLock { state in
      defer { recount(state) }
      return state.overflow.popLast()
    }
  }

  /// Values that wait to be freed.
  var overflowReferences: [OverflowReference] { state.withLock { $0.overflow } }
}
