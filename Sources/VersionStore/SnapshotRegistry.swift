package import Primitives
internal import RawBytes
internal import Synchronization

/// Who reads at which moment: one slot for each snapshot in use, the two watermarks at which
/// snapshots begin, and the number of commits that discard what they supersede.
///
/// A list of snapshots under a mutex would make every transaction queue twice. Here a begin claims
/// a slot with one compare-and-swap on a cache line of its own, and whoever needs to know the live
/// snapshots looks at all slots. `BeginHandshake` and `CommitHandshake` say in which order.
///
///     slot:  free ──▶ pending ──▶ registered ──▶ closing ──▶ free
///                                     └──▶ expired ──▶ closing
///
/// - Invariant SR1: a slot's memory never moves and lives as long as the registry.
/// - Invariant SR2: only the snapshot's owner ends it; anyone may expire it.
/// - Invariant SR3: acknowledged <= published, and both only rise.
// SAFETY: slots and chunk pointers lie in memory that the registry allocates, initialises before it
// publishes their index, and frees at its end. False if an index beyond `limit` is used.
@safe
package final class SnapshotRegistry: @unchecked Sendable {
  // SENDABLE: everything mutable is atomic.
  static let slotsPerChunk = 64
  static let chunkLimit = 1024
  /// Two cache lines of 64 bytes, or one of Apple's 128.
  static let slotStride = 128

  /// Contents of a slot's state word. A registered one holds its timestamp plus `bias`.
  package static let free: UInt64 = 0
  package static let pending: UInt64 = 1
  package static let closing: UInt64 = 2
  package static let bias: UInt64 = 3
  package static let expiredBit: UInt64 = 1 << 63

  /// One word to a line of memory: the published and acknowledged watermarks, the number of
  /// announced discarding commits, and how many slots have ever been used.
  private let words: UnsafeMutableRawPointer
  private let chunks: UnsafeMutablePointer<Atomic<UInt>>
  private let growth = Mutex<Int>(0)

  package init(watermark: Timestamp) {
    unsafe words = UnsafeMutableRawPointer.allocate(
      byteCount: 4 * Self.slotStride, alignment: Self.slotStride)
    unsafe chunks = .allocate(capacity: Self.chunkLimit)
    for index in 0..<Self.chunkLimit { unsafe (chunks + index).initialize(to: Atomic(0)) }
    for index in 0..<4 {
      let initial = index < 2 ? watermark.rawValue : 0
      unsafe (words + index * Self.slotStride)
        .bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(initial))
    }
    grow(toHold: 0)
  }

  deinit {
    for index in 0..<Self.chunkLimit {
      let chunk = unsafe chunks[index].load(ordering: .acquiring)
      unsafe UnsafeMutableRawPointer(bitPattern: chunk)?.deallocate()
    }
    unsafe chunks.deinitialize(count: Self.chunkLimit).deallocate()
    unsafe words.deallocate()
  }

  // MARK: Words

  @inline(__always)
  private func word(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe (words + index &* Self.slotStride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  package var published: Timestamp {
    unsafe Timestamp(word(0).pointee.load(ordering: .sequentiallyConsistent))
  }

  package var acknowledged: Timestamp {
    unsafe Timestamp(word(1).pointee.load(ordering: .sequentiallyConsistent))
  }

  package func publish(through timestamp: Timestamp) {
    unsafe raise(word(0), to: timestamp.rawValue)
  }

  package func acknowledge(through timestamp: Timestamp) {
    precondition(timestamp <= published, "an acknowledged commit is published (SR3)")
    unsafe raise(word(1), to: timestamp.rawValue)
  }

  /// Commits that discard what they supersede, from their announcement to their publication.
  package var discardingCount: UInt64 {
    unsafe word(2).pointee.load(ordering: .sequentiallyConsistent)
  }

  package func announceDiscarding() {
    unsafe word(2).pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
  }

  package func retractDiscarding() {
    let before = unsafe word(2).pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    precondition(before.oldValue > 0, "an announcement is retracted once")
  }

  /// Slots at or beyond this index have never been claimed.
  package var limit: Int {
    Int(unsafe word(3).pointee.load(ordering: .sequentiallyConsistent))
  }

  private func raise(_ word: UnsafeMutablePointer<Atomic<UInt64>>, to value: UInt64) {
    var seen = unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    while seen < value {
      let outcome = unsafe word.pointee.weakCompareExchange(
        expected: seen, desired: value, ordering: .sequentiallyConsistent)
      if outcome.exchanged { return }
      seen = outcome.original
    }
  }

  // MARK: Slots

  /// The words of a slot: state, touched, pinning, four of its owner, and since when it pins.
  @inline(__always)
  func slot(_ index: Int, word: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    let chunk = unsafe chunks[index >> 6].load(ordering: .acquiring)
    let base = unsafe UnsafeMutableRawPointer(bitPattern: chunk).unsafelyUnwrapped
    return unsafe (base + (index & 63) &* Self.slotStride + word &* 8)
      .assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  package func state(_ index: Int) -> UInt64 {
    unsafe slot(index, word: 0).pointee.load(ordering: .sequentiallyConsistent)
  }

  /// Claims a free slot for a beginning snapshot, trying from a hint.
  package func claim(hint: Int) -> Int {
    var index = hint & (Self.slotsPerChunk - 1)
    while true {
      precondition(index < Self.chunkLimit * Self.slotsPerChunk, "65,536 snapshots at once")
      if unsafe chunks[index >> 6].load(ordering: .acquiring) == 0 { grow(toHold: index) }
      unsafe raise(word(3), to: UInt64(index + 1))
      let state = unsafe slot(index, word: 0)
      if unsafe state.pointee.load(ordering: .relaxed) == Self.free,
        unsafe state.pointee.compareExchange(
          expected: Self.free, desired: Self.pending, ordering: .sequentiallyConsistent
        ).exchanged
      {
        return index
      }
      index += 1
    }
  }

  /// Turns a pending slot into a live snapshot.
  package func register(_ index: Int, at timestamp: Timestamp) {
    precondition(timestamp.rawValue < Self.expiredBit - Self.bias)
    unsafe slot(index, word: 1).pointee.store(1, ordering: .relaxed)
    unsafe slot(index, word: 0).pointee.store(
      timestamp.rawValue + Self.bias, ordering: .sequentiallyConsistent)
  }

  /// Whether a snapshot is still live. Call after looking something up, before answering (V5).
  @inline(__always)
  package func isLive(_ snapshot: StoreSnapshot) -> Bool {
    atomicMemoryFence(ordering: .acquiring)
    let index = Int(snapshot.slot)
    let touched = unsafe slot(index, word: 1)
    if unsafe touched.pointee.load(ordering: .relaxed) == 0 {
      unsafe touched.pointee.store(1, ordering: .relaxed)
    }
    return unsafe slot(index, word: 0).pointee.load(ordering: .acquiring)
      == snapshot.timestamp.rawValue &+ Self.bias
  }

  /// Ends a snapshot. The slot stays out of use until `recycle` when garbage hangs on it.
  ///
  /// - Returns: whether garbage may hang on the slot.
  package func end(_ snapshot: StoreSnapshot) -> Bool {
    let index = Int(snapshot.slot)
    let before = unsafe slot(index, word: 0).pointee.exchange(
      Self.closing, ordering: .sequentiallyConsistent)
    precondition(
      before & ~Self.expiredBit == snapshot.timestamp.rawValue + Self.bias,
      "a snapshot is ended once, by its owner")
    if unsafe slot(index, word: 2).pointee.load(ordering: .sequentiallyConsistent) != 0 {
      return true
    }
    unsafe slot(index, word: 0).pointee.store(Self.free, ordering: .sequentiallyConsistent)
    return false
  }

  /// Gives an ended snapshot's slot back, after its garbage has been taken away.
  package func recycle(slot index: Int) {
    unsafe slot(index, word: 2).pointee.store(0, ordering: .sequentiallyConsistent)
    unsafe slot(index, word: 7).pointee.store(0, ordering: .relaxed)
    unsafe slot(index, word: 0).pointee.store(Self.free, ordering: .sequentiallyConsistent)
  }

  /// Says that garbage is about to hang on a snapshot, so that its end looks for it.
  ///
  /// - Parameter now: noted the first time, since a reader itself has no time to look at a clock.
  /// - Returns: false when the snapshot has ended or expired: nothing may hang on it.
  package func pin(_ live: LiveSnapshot, at now: UInt64 = 0) -> Bool {
    let since = unsafe slot(live.slot, word: 7)
    if unsafe since.pointee.load(ordering: .relaxed) == 0 {
      unsafe since.pointee.store(now, ordering: .relaxed)
    }
    unsafe slot(live.slot, word: 2).pointee.store(1, ordering: .sequentiallyConsistent)
    return state(live.slot) == live.timestamp.rawValue + Self.bias
  }

  /// Expires a snapshot: it counts no longer, and its next read fails.
  ///
  /// - Returns: false when it had ended or expired already.
  package func expire(_ live: LiveSnapshot) -> Bool {
    let registered = live.timestamp.rawValue + Self.bias
    return unsafe slot(live.slot, word: 0).pointee.compareExchange(
      expected: registered, desired: registered | Self.expiredBit,
      ordering: .sequentiallyConsistent
    ).exchanged
  }

  /// Whether a snapshot was used since the last time this was asked.
  package func takeTouched(slot index: Int) -> Bool {
    unsafe slot(index, word: 1).pointee.exchange(0, ordering: .relaxed) != 0
  }

  private func grow(toHold index: Int) {
    growth.withLock { count in
      while count * Self.slotsPerChunk <= index {
        let byteCount = Self.slotsPerChunk * Self.slotStride
        let memory = UnsafeMutableRawPointer.allocate(
          byteCount: byteCount, alignment: Self.slotStride)
        for offset in stride(from: 0, to: byteCount, by: 8) {
          unsafe (memory + offset).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
            .initialize(to: Atomic(0))
        }
        unsafe chunks[count].store(UInt(bitPattern: memory), ordering: .releasing)
        count += 1
      }
    }
  }
}
