package import Primitives

/// A superseded version as the ledger sees it.
package struct GarbageItem: BitwiseCopyable, Sendable, Equatable {
  package let handle: VersionHandle
  /// The snapshots in `begin..<end` see it.
  package let begin: Timestamp
  package let end: Timestamp
  package let byteCount: UInt32

  package init(handle: VersionHandle, begin: Timestamp, end: Timestamp, byteCount: UInt32) {
    self.handle = handle
    self.begin = begin
    self.end = end
    self.byteCount = byteCount
  }
}

/// Knows of every superseded version which single thing keeps it, so that nothing is ever searched
/// for: when that thing goes away, its versions are looked at again, and no others.
///
///     link ──▶ waiting ──(acknowledged >= end)──▶ unplaced ──▶ cohort of a snapshot
///                                                    │  ▲             │
///                                                    ▼  └──(it ends)──┘
///                                                  freed
///
/// A version hangs on the *newest* live snapshot that sees it. When that one ends, the next older
/// one that sees it takes over. So a version is looked at once for each snapshot that saw it, and
/// never otherwise, and one that falls between two snapshots goes at once (V3).
///
/// - Invariant GL1: a version is in exactly one of `waiting`, `unplaced` and the cohorts.
/// - Invariant GL2: `waiting` ascends by `end`; everything in it is above the newest acknowledged
///   watermark that the ledger was told.
/// - Invariant GL3: a version is freed only if no live snapshot's timestamp lies in `begin..<end`
///   and the acknowledged watermark is at or above `end`, so that none will.
package struct GarbageLedger: Sendable {
  /// A list through `links`.
  private struct List: BitwiseCopyable {
    var head = GarbageLedger.none
    var tail = GarbageLedger.none
  }

  private struct Commit {
    let end: Timestamp
    let items: List
  }

  private static let none = UInt32.max

  private var items: [GarbageItem] = []
  private var links: [UInt32] = []
  private var firstFree = GarbageLedger.none
  private var waiting: [Commit] = []
  private var waitingStart = 0
  private var unplaced = List()
  private var cohorts: [List] = []
  private var live: [LiveSnapshot] = []
  /// Versions that the ledger knows.
  package private(set) var count = 0
  /// Bytes that hang on snapshots, by slot.
  private var cohortBytes: [Int] = []
  /// Bytes that hang on any snapshot.
  package private(set) var pinnedByteCount = 0

  package init() {}

  package var hasUnplaced: Bool { unplaced.head != Self.none }

  /// Bytes that hang on the snapshot in a slot.
  package func pinnedByteCount(slot: Int) -> Int {
    slot < cohortBytes.count ? cohortBytes[slot] : 0
  }

  /// Takes over what one commit superseded.
  package mutating func add(_ superseded: [GarbageItem]) {
    guard let end = superseded.first?.end else { return }
    var list = List()
    for item in superseded {
      precondition(item.end == end, "a commit has one timestamp")
      Self.append(allocate(item), to: &list, &links)
    }
    count += superseded.count
    // Concurrent commits come nearly in order.
    var position = waiting.count
    while position > waitingStart && waiting[position - 1].end > end { position -= 1 }
    waiting.insert(Commit(end: end, items: list), at: position)
  }

  /// Looks again at what only the watermark kept, up to `timestamp`.
  package mutating func acknowledge(through timestamp: Timestamp) {
    while waitingStart < waiting.count && waiting[waitingStart].end <= timestamp {
      Self.splice(waiting[waitingStart].items, onto: &unplaced, &links)
      waitingStart += 1
    }
    if waitingStart == waiting.count {
      waiting.removeAll(keepingCapacity: waitingStart < 4096)
      waitingStart = 0
    } else if waitingStart > 1024 && waitingStart * 2 > waiting.count {
      waiting.removeFirst(waitingStart)
      waitingStart = 0
    }
  }

  /// Looks again at what hung on a snapshot that ended or expired.
  package mutating func release(slot: Int) {
    guard slot < cohorts.count else { return }
    Self.splice(cohorts[slot], onto: &unplaced, &links)
    cohorts[slot] = List()
    pinnedByteCount -= cohortBytes[slot]
    cohortBytes[slot] = 0
  }

  /// Hangs unplaced versions on the snapshots that see them, or gives them to `freed`.
  ///
  /// - Parameter collectLive: fills the list of live snapshots, oldest first; false when it cannot
  ///   be known now, and then nothing is done. The watermark last given to `acknowledge` was loaded
  ///   before.
  /// - Parameter pin: told before something hangs on a snapshot; false when it has just ended.
  package mutating func place(
    limit: Int, freed: inout [VersionHandle], collectLive: (inout [LiveSnapshot]) -> Bool,
    pin: (LiveSnapshot) -> Bool
  ) {
    guard hasUnplaced, collectLive(&live) else { return }
    var remaining = limit
    while remaining > 0, unplaced.head != Self.none {
      remaining -= 1
      let index = unplaced.head
      unplaced.head = links[Int(index)]
      if unplaced.head == Self.none { unplaced.tail = Self.none }
      let item = items[Int(index)]
      if let snapshot = keeper(of: item, pin: pin) {
        hang(index, on: snapshot.slot, byteCount: Int(item.byteCount))
      } else {
        freed.append(item.handle)
        deallocate(index)
        count -= 1
      }
    }
  }

  /// The newest live snapshot that sees a version; snapshots that have just ended are struck.
  private mutating func keeper(
    of item: GarbageItem, pin: (LiveSnapshot) -> Bool
  ) -> LiveSnapshot? {
    while true {
      // The first snapshot at or above `end`; the one before it is the newest below.
      var low = 0
      var high = live.count
      while low < high {
        let middle = (low + high) / 2
        if live[middle].timestamp < item.end { low = middle + 1 } else { high = middle }
      }
      guard low > 0, live[low - 1].timestamp >= item.begin else { return nil }
      if pin(live[low - 1]) { return live[low - 1] }
      live.remove(at: low - 1)
    }
  }

  private mutating func hang(_ index: UInt32, on slot: Int, byteCount: Int) {
    while cohorts.count <= slot {
      cohorts.append(List())
      cohortBytes.append(0)
    }
    Self.append(index, to: &cohorts[slot], &links)
    cohortBytes[slot] += byteCount
    pinnedByteCount += byteCount
  }

  // MARK: Lists

  private mutating func allocate(_ item: GarbageItem) -> UInt32 {
    if firstFree != Self.none {
      let index = firstFree
      firstFree = links[Int(index)]
      items[Int(index)] = item
      return index
    }
    precondition(items.count < Int(Self.none), "4,294,967,295 superseded versions")
    items.append(item)
    links.append(Self.none)
    return UInt32(items.count - 1)
  }

  private mutating func deallocate(_ index: UInt32) {
    links[Int(index)] = firstFree
    firstFree = index
    if count == 1 && items.count > 4096 {
      items = []
      links = []
      firstFree = Self.none
    }
  }

  private static func append(_ index: UInt32, to list: inout List, _ links: inout [UInt32]) {
    links[Int(index)] = none
    if list.tail == none { list.head = index } else { links[Int(list.tail)] = index }
    list.tail = index
  }

  private static func splice(_ source: List, onto target: inout List, _ links: inout [UInt32]) {
    guard source.head != none else { return }
    if target.tail == none {
      target = source
    } else {
      links[Int(target.tail)] = source.head
      target.tail = source.tail
    }
  }
}
