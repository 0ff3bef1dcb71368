package import Primitives
package import RawBytes

/// A node whose bytes may change while they are read: what a reader without a latch sees.
///
/// - Invariant U1: nothing here traps or loops without bound, whatever the bytes are. Arithmetic
///   wraps; every offset that comes from the page is compared with the page's size before it is
///   followed; a binary search halves.
/// - Invariant U2: every answer may be wrong until the page's version has been validated after the
///   read. When the version still holds, an `impossible` answer is corruption of the page.
///
/// This file and `Tree+Descent.swift` are the only ones that look at unvalidated bytes.
// SAFETY: the pointer is dereferenced only inside `0..<byteCount`; frames stay mapped for the life
// of the pager. False if a bound is not checked here.
@safe
package struct UnvalidatedNode: BitwiseCopyable {
  @usableFromInline let base: UnsafeRawPointer
  /// The page size.
  @usableFromInline let byteCount: Int

  @inline(__always)
  package init(_ bytes: ByteView) {
    unsafe base = unsafe bytes.base
    byteCount = bytes.count
  }

  /// Which child to follow.
  package enum Target: Sendable {
    /// The one whose range holds the key.
    case covering
    /// The one whose range holds the keys just below the key.
    case before
    /// The last one.
    case last
  }

  /// Where a key is or would be.
  package struct Position: BitwiseCopyable, Sendable {
    package enum Finding: UInt8, Sendable, BitwiseCopyable { case found, absent, impossible }
    package let index: Int
    package let finding: Finding

    @inline(__always) init(_ index: Int, _ finding: Finding) {
      self.index = index
      self.finding = finding
    }
  }

  /// Where the parts of a leaf entry lie; all inside the page.
  package struct EntryPlace: BitwiseCopyable, Sendable {
    package let timestamp: Timestamp
    package let flags: EntryFlags
    package let value: ByteView
  }

  @inline(__always)
  private func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type, _ offset: Int
  ) -> Integer {
    unsafe Integer(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: type))
  }

  @inline(__always) package var isLeaf: Bool {
    load(UInt8.self, NodeLayout.kind) == PageKind.leaf.rawValue
  }
  @inline(__always) package var isInner: Bool {
    load(UInt8.self, NodeLayout.kind) == PageKind.inner.rawValue
  }
  @inline(__always) package var level: Int {
    Int(truncatingIfNeeded: load(UInt16.self, NodeLayout.level))
  }
  @inline(__always) package var slotCount: Int {
    Int(truncatingIfNeeded: load(UInt16.self, NodeLayout.slotCount))
  }

  @inline(__always)
  private func slot(_ index: Int) -> Slot {
    Slot(
      rawValue: load(
        UInt64.self, NodeLayout.headerByteCount &+ index &* NodeLayout.slotByteCount))
  }

  /// 1 when the slot's head is below another, else 0.
  @inline(__always)
  private func below(_ slot: Slot, _ head: UInt32) -> Int {
    Int(truncatingIfNeeded: (slot.rawValue >> 32 &- UInt64(head)) >> 63)
  }

  /// The first position whose key is not below `key`.
  @inline(__always)
  package func search(_ key: ByteView, entryHeaderByteCount: Int) -> Position {
    let count = slotCount
    let prefixCount = Int(truncatingIfNeeded: load(UInt16.self, NodeLayout.prefixCount))
    guard NodeLayout.headerByteCount &+ count &* NodeLayout.slotByteCount <= byteCount,
      prefixCount <= key.count
    else { return Position(0, .impossible) }
    let suffix = unsafe ByteView(base: key.base + prefixCount, count: key.count &- prefixCount)
    var headStart = suffix
    if entryHeaderByteCount == NodeLayout.innerEntryHeaderByteCount {
      let skip = Int(truncatingIfNeeded: load(UInt8.self, NodeLayout.headSkip))
      if skip > 0 {
        let order = compareShared(suffix, skip, count)
        if order != 0 {
          return order == .min
            ? Position(0, .impossible) : Position(order < 0 ? 0 : count, .absent)
        }
        headStart = unsafe ByteView(base: suffix.base + skip, count: suffix.count &- skip)
      }
    }
    let head = KeyOrder.head(headStart)
    // Four ways a step and without a branch: the three slots of a step are loaded at once, and
    // their comparisons are added up, which the compiler does not turn into jumps. A jump would be
    // mispredicted at every other step of a binary search; conditional moves would wait for
    // twice as many loads, one after the other.
    var first = 0
    var length = count
    while length > 3 {
      let quarter = length >> 2
      let steps =
        below(slot(first &+ quarter &- 1), head)
        &+ below(slot(first &+ 2 &* quarter &- 1), head)
        &+ below(slot(first &+ 3 &* quarter &- 1), head)
      first &+= quarter &* steps
      length &-= 3 &* quarter
    }
    var index = first
    let end = first &+ length
    while index < end {
      first &+= below(slot(index), head)
      index &+= 1
    }
    // Here every slot before `first` has a smaller head. Ties are settled by the keys themselves.
    guard first < count, slot(first).head == head else { return Position(first, .absent) }
    let order = compare(slot(first), suffix, entryHeaderByteCount)
    if order == 0 { return Position(first, .found) }
    if order == .min { return Position(first, .impossible) }
    if order > 0 { return Position(first, .absent) }
    return searchTies(after: first, count, suffix, head, entryHeaderByteCount)
  }

  /// The order of a key's suffix against the bytes that all separators share after the prefix;
  /// zero when it shares them; `Int.min` when the bytes are impossible.
  @inline(__always)
  private func compareShared(_ suffix: ByteView, _ skip: Int, _ count: Int) -> Int {
    guard count > 0 else { return .min }
    let first = slot(0)
    let start = first.offset &+ NodeLayout.innerEntryHeaderByteCount
    guard skip <= first.suffixCount, start &+ skip <= byteCount else { return .min }
    let shared = unsafe ByteView(base: base + start, count: skip)
    return unsafe KeyOrder.compare(
      ByteView(base: suffix.base, count: suffix.count < skip ? suffix.count : skip), shared)
  }

  /// Whether a key is above every key of a leaf, by its last slot alone. False says nothing.
  @inline(__always)
  package func isBelow(_ key: ByteView) -> Bool {
    let count = slotCount
    let prefixCount = Int(truncatingIfNeeded: load(UInt16.self, NodeLayout.prefixCount))
    guard count > 0, NodeLayout.headerByteCount &+ count &* NodeLayout.slotByteCount <= byteCount,
      prefixCount <= key.count
    else { return false }
    let last = slot(count &- 1)
    let start = last.offset &+ NodeLayout.leafEntryHeaderByteCount
    guard start &+ last.suffixCount <= byteCount else { return false }
    return unsafe KeyOrder.compare(
      ByteView(base: base + start, count: last.suffixCount),
      ByteView(base: key.base + prefixCount, count: key.count &- prefixCount)) < 0
  }

  @inline(never)
  private func searchTies(
    after first: Int, _ count: Int, _ suffix: ByteView, _ head: UInt32,
    _ entryHeaderByteCount: Int
  ) -> Position {
    var low = first &+ 1
    var high = count
    while low < high {
      let middle = low &+ (high &- low) >> 1
      let candidate = slot(middle)
      if candidate.head > head {
        high = middle
      } else if candidate.head < head {
        low = middle &+ 1
      } else {
        let order = compare(candidate, suffix, entryHeaderByteCount)
        if order == 0 { return Position(middle, .found) }
        if order == .min { return Position(middle, .impossible) }
        if order < 0 { low = middle &+ 1 } else { high = middle }
      }
    }
    return Position(low, .absent)
  }

  /// The order of a slot's key and a suffix; `Int.min` when the slot points outside the page.
  @inline(__always)
  private func compare(_ slot: Slot, _ suffix: ByteView, _ entryHeaderByteCount: Int) -> Int {
    let start = slot.offset &+ entryHeaderByteCount
    guard start &+ slot.suffixCount <= byteCount else { return .min }
    return unsafe KeyOrder.compare(
      ByteView(base: base + start, count: slot.suffixCount), suffix)
  }

  /// The child to follow; `PageID.none` when the bytes are impossible.
  @inline(__always)
  package func child(for key: ByteView, _ target: Target) -> PageID {
    let position: Int
    switch target {
    case .covering:
      let found = search(key, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
      if found.finding == .impossible { return .none }
      position = found.finding == .found ? found.index &+ 1 : found.index
    case .before:
      let found = search(key, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
      if found.finding == .impossible { return .none }
      position = found.index
    case .last:
      position = slotCount
      guard NodeLayout.headerByteCount &+ position &* NodeLayout.slotByteCount <= byteCount
      else { return .none }
    }
    if position == 0 { return PageID(load(UInt32.self, NodeLayout.firstChild)) }
    let offset = slot(position &- 1).offset
    guard offset &+ NodeLayout.innerEntryHeaderByteCount <= byteCount else { return .none }
    return PageID(load(UInt32.self, offset))
  }

  /// The child to follow and the children next to it in one direction, up to `limit` in all; none
  /// when the bytes are impossible.
  package func children(
    for key: ByteView, _ target: Target, isForward: Bool, limit: Int
  ) -> [PageID] {
    let found = search(key, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
    let count = slotCount
    guard found.finding != .impossible, target != .last,
      NodeLayout.headerByteCount &+ count &* NodeLayout.slotByteCount <= byteCount
    else { return [] }
    var position = found.index
    if target == .covering && found.finding == .found { position &+= 1 }
    var children: [PageID] = []
    while position >= 0, position <= count, children.count < limit {
      if position == 0 {
        children.append(PageID(load(UInt32.self, NodeLayout.firstChild)))
      } else {
        let offset = slot(position &- 1).offset
        guard offset &+ NodeLayout.innerEntryHeaderByteCount <= byteCount else { return [] }
        children.append(PageID(load(UInt32.self, offset)))
      }
      position &+= isForward ? 1 : -1
    }
    return children
  }

  /// The parts of the entry at a position below the slot count that `search` accepted; nil when
  /// the bytes are impossible.
  @inline(__always)
  package func entry(at index: Int) -> EntryPlace? {
    let slot = self.slot(index)
    let suffixStart = slot.offset &+ NodeLayout.leafEntryHeaderByteCount
    guard suffixStart <= byteCount else { return nil }
    let valueCount = Int(
      truncatingIfNeeded: load(UInt16.self, slot.offset &+ NodeLayout.entryValueCount))
    let valueStart = suffixStart &+ slot.suffixCount
    guard valueStart &+ valueCount <= byteCount else { return nil }
    return unsafe EntryPlace(
      timestamp: Timestamp(load(UInt64.self, slot.offset)),
      flags: EntryFlags(rawValue: load(UInt8.self, slot.offset &+ NodeLayout.entryFlags)),
      value: ByteView(base: base + valueStart, count: valueCount))
  }

  /// Copies header, slots and heap, not the zeros between; false when the bounds are impossible.
  package func copyUsed(into target: MutableByteView) -> Bool {
    let slotsEnd = NodeLayout.headerByteCount &+ slotCount &* NodeLayout.slotByteCount
    let heapStart = Int(truncatingIfNeeded: load(UInt32.self, NodeLayout.heapStart))
    guard target.count == byteCount, slotsEnd <= heapStart, heapStart <= byteCount
    else { return false }
    unsafe target.copy(ByteView(base: base, count: slotsEnd))
    unsafe target.copy(
      ByteView(base: base + heapStart, count: byteCount &- heapStart), at: heapStart)
    return true
  }
}
