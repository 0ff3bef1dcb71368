import Paging
import Primitives
import RawBytes

/// A leaf being packed with ascending keys, whose fences are not both known yet.
///
/// A leaf stores its keys without what its fences have in common, but its upper fence is known only
/// when the first key behind it is. Writing whole keys and rewriting the leaf afterwards costs a
/// second pass over every entry. So the packer guesses: it leaves out as many bytes of the lower
/// fence as the leaf before left out of its own. Leaves of one load are alike, and mostly the guess
/// is right: then the entries are in their final form and are moved to the page as one piece.
///
/// ```text
///   stage:  │ slots →          free          ← entries │
///   page:   │ header │ slots → │ zeros │ ← entries │ lower, upper fence │
/// ```
///
/// - Invariant LP1: entry i of the stage has the bytes that it has in a leaf with that prefix.
/// - Invariant LP2: every key of the stage begins with the first `prefixCount` bytes of the lower
///   fence, and keys ascend strictly.
/// - Invariant LP3: there is room left for both fences, whatever key comes next.
struct LeafPacker {
  private let timestamp: Timestamp
  private let maximumKeyByteCount: Int
  /// Slots from the beginning, entries from the end.
  private var stage: AlignedMemory
  private var spare: AlignedMemory
  /// Those of `stage`.
  private var bytes: MutableByteView
  private let fence: AlignedMemory
  private var lowerCount = 0
  private(set) var count = 0
  private var heapStart: Int
  private var prefixCount = 0
  /// Where the suffix of the last key lies in the stage.
  private var lastSuffix = 0..<0

  enum Outcome { case added, full, notAscending }

  init(pageSize: Int, timestamp: Timestamp) {
    self.timestamp = timestamp
    maximumKeyByteCount = NodeLayout.maximumKeyByteCount(pageSize: pageSize)
    stage = AlignedMemory(byteCount: pageSize)
    spare = AlignedMemory(byteCount: pageSize)
    bytes = stage.bytes
    fence = AlignedMemory(byteCount: maximumKeyByteCount)
    heapStart = pageSize
  }

  var lowerFence: ByteView { fence.bytes.view.prefix(lowerCount) }
  private var prefix: ByteView { lowerFence.prefix(prefixCount) }
  private var slotsByteCount: Int { count * NodeLayout.slotByteCount }

  // MARK: Adding

  /// Adds the entry of a key that is within its limits, as its value is.
  @inline(__always)
  mutating func append(_ key: ByteView, flags: EntryFlags, value: ByteView) -> Outcome {
    if prefixCount > 0 {
      guard key.count >= prefixCount, KeyOrder.compare(key.prefix(prefixCount), prefix) == 0
      else { return appendBesidePrefix(key, flags, value) }
    }
    let suffix = key.dropFirst(prefixCount)
    if count > 0, KeyOrder.compare(bytes.view[lastSuffix], suffix) >= 0 { return .notAscending }
    let entryByteCount = MutableNode.leafEntryByteCount(
      suffixCount: suffix.count, valueCount: value.count)
    // LP3: the upper fence is at most one byte longer than the last key.
    let fences = lowerCount + Swift.min(key.count + 1, maximumKeyByteCount)
    let used = NodeLayout.headerByteCount + slotsByteCount + NodeLayout.slotByteCount + fences
    guard heapStart >= used + entryByteCount else { return .full }
    let offset = heapStart - entryByteCount
    let suffixAt = offset + NodeLayout.leafEntryHeaderByteCount
    bytes.store(timestamp.rawValue, at: offset)
    bytes[offset + NodeLayout.entryFlags] = flags.rawValue
    bytes.store(UInt16(value.count), at: offset + NodeLayout.entryValueCount)
    bytes.copy(suffix, at: suffixAt)
    bytes.copy(value, at: suffixAt + suffix.count)
    bytes.store(
      Slot(head: KeyOrder.head(suffix), offset: offset, suffixCount: suffix.count).rawValue,
      at: slotsByteCount)
    lastSuffix = suffixAt..<suffixAt + suffix.count
    heapStart = offset
    count += 1
    return .added
  }

  /// The key does not begin with the prefix: less of it can be left out.
  @inline(never)
  private mutating func appendBesidePrefix(
    _ key: ByteView, _ flags: EntryFlags, _ value: ByteView
  ) -> Outcome {
    let common = prefix.commonPrefixCount(key)
    // Keys of the stage begin with the prefix; this one must stand above them, and a leaf that has
    // none yet begins at its lower fence.
    guard KeyOrder.compare(prefix, key) < 0 else { return .notAscending }
    if count > 0 {
      let grown = (prefixCount - common) * count
      let needed =
        NodeLayout.headerByteCount + slotsByteCount + NodeLayout.slotByteCount + lowerCount
        + Swift.min(key.count + 1, maximumKeyByteCount) + grown
        + MutableNode.leafEntryByteCount(
          suffixCount: key.count - common, valueCount: value.count)
      guard heapStart >= needed else { return .full }
      restage(0..<count, prefixCount: common)
    } else {
      prefixCount = common
    }
    return append(key, flags: flags, value: value)
  }

  /// Whether a key stands above the last one, if there is one.
  func isBelow(_ key: ByteView) -> Bool {
    guard count > 0 else { return true }
    let common = prefix.commonPrefixCount(key)
    guard common == prefixCount else { return KeyOrder.compare(prefix, key) < 0 }
    return KeyOrder.compare(bytes.view[lastSuffix], key.dropFirst(prefixCount)) < 0
  }

  /// Empty when there is none.
  var lastKey: [UInt8] { count == 0 ? [] : prefix.array + bytes.view[lastSuffix].array }

  // MARK: Ending

  /// The separator between the last key and the next one, which is greater.
  func separatorCount(before next: ByteView) -> Int {
    let common = prefix.commonPrefixCount(next)
    guard common == prefixCount else { return common + 1 }
    return prefixCount
      + KeyOrder.separatorCount(bytes.view[lastSuffix], next.dropFirst(prefixCount))
  }

  /// How many entries from the first one on must leave before the rest fits in one leaf with this
  /// upper fence; zero when all fit.
  func excessCount(before upper: ByteView?) -> Int {
    let final = sharedCount(with: upper)
    guard final < prefixCount, count > 0 else { return 0 }
    let room = bytes.count - NodeLayout.headerByteCount - (upper?.count ?? 0)
    let grown = prefixCount - final
    let needed = bytes.count - heapStart + slotsByteCount + grown * count
    if needed + lowerCount <= room { return 0 }
    // The rest begins at a fence of its own.
    var rest = maximumKeyByteCount
    var index = count
    while index > 0 {
      rest += entryByteCount(index - 1) + NodeLayout.slotByteCount + grown
      if rest > room { break }
      index -= 1
    }
    return index
  }

  /// The key of an entry after the bytes that it has in common with the one before, those included
  /// and one more: what tells the two apart.
  func separator(at index: Int) -> [UInt8] {
    let shared = KeyOrder.separatorCount(suffix(index - 1), suffix(index))
    return prefix.array + suffix(index).prefix(shared).array
  }

  /// Makes a leaf of the first entries, and goes on with the others behind its upper fence.
  mutating func emit(_ leading: Int, into page: MutableByteView, upperFence: ByteView) {
    write(0..<leading, into: page, upperFence: upperFence)
    let guess = sharedCount(with: upperFence)
    fence.bytes.copy(upperFence)
    lowerCount = upperFence.count
    guard leading < count else { return begin(leavingOut: guess) }
    restage(leading..<count, prefixCount: prefixCount)
  }

  /// Makes the last leaf.
  func emitLast(into page: MutableByteView) { write(0..<count, into: page, upperFence: nil) }

  private mutating func begin(leavingOut guess: Int) {
    prefixCount = Swift.min(guess, lowerCount)
    count = 0
    heapStart = bytes.count
    lastSuffix = 0..<0
  }

  /// How long the prefix is that a leaf with this upper fence has.
  private func sharedCount(with upper: ByteView?) -> Int {
    upper.map { lowerFence.commonPrefixCount($0) } ?? 0
  }

  private func write(
    _ range: Range<Int>, into page: MutableByteView, upperFence: ByteView?
  ) {
    let final = sharedCount(with: upperFence)
    let upper = upperFence ?? .empty
    let heapEnd = page.count - lowerCount - upper.count
    let start: Int
    if final == prefixCount && range == 0..<count {
      start = moveAll(to: page, heapEnd: heapEnd)
    } else {
      start = rewrite(
        range, prefixCount: final, to: page, slotsAt: NodeLayout.headerByteCount, heapEnd: heapEnd)
    }
    let slotsEnd = NodeLayout.headerByteCount + range.count * NodeLayout.slotByteCount
    page.zero(slotsEnd..<start)
    page.copy(lowerFence, at: heapEnd)
    page.copy(upper, at: heapEnd + lowerCount)
    page.store(
      UInt32(PageKind.leaf.rawValue)
        | (upperFence == nil ? UInt32(NodeLayout.hasNoUpperFence) << 8 : 0), at: NodeLayout.kind)
    page.zero(NodeLayout.slotCount..<NodeLayout.headerByteCount)
    page.store(UInt16(range.count), at: NodeLayout.slotCount)
    page.store(UInt16(final), at: NodeLayout.prefixCount)
    page.store(UInt16(lowerCount), at: NodeLayout.lowerFenceCount)
    page.store(UInt16(upper.count), at: NodeLayout.upperFenceCount)
    page.store(UInt32(start), at: NodeLayout.heapStart)
    page.store(
      range.isEmpty ? UInt64(0) : timestamp.rawValue, at: NodeLayout.newestTimestamp)
  }

  /// Entries as they are: the heap moves down by the fences, and every offset with it.
  private func moveAll(to page: MutableByteView, heapEnd: Int) -> Int {
    let shift = bytes.count - heapEnd
    let start = heapStart - shift
    page.copy(bytes.view[heapStart..<bytes.count], at: start)
    let difference = UInt64(shift) << 16
    for index in 0..<count {
      let at = index * NodeLayout.slotByteCount
      page.store(
        bytes.load(UInt64.self, at: at) &- difference, at: NodeLayout.headerByteCount + at)
    }
    return start
  }

  /// Entries with more or less of their keys left out.
  private func rewrite(
    _ range: Range<Int>, prefixCount final: Int, to target: MutableByteView, slotsAt: Int,
    heapEnd: Int
  ) -> Int {
    let gained = final < prefixCount ? lowerFence[final..<prefixCount] : .empty
    let dropped = Swift.max(0, final - prefixCount)
    let fixed = NodeLayout.leafEntryHeaderByteCount
    var start = heapEnd
    for index in range {
      let slot = slot(index)
      let end = slot.offset + entryByteCount(index)
      let suffixAt = slot.offset + fixed
      start -= end - slot.offset + gained.count - dropped
      target.copy(bytes.view[slot.offset..<suffixAt], at: start)
      target.copy(gained, at: start + fixed)
      target.copy(bytes.view[suffixAt + dropped..<end], at: start + fixed + gained.count)
      let suffixCount = slot.suffixCount + gained.count - dropped
      let suffix = target.view[start + fixed..<start + fixed + suffixCount]
      target.store(
        Slot(head: KeyOrder.head(suffix), offset: start, suffixCount: suffixCount).rawValue,
        at: slotsAt + (index - range.lowerBound) * NodeLayout.slotByteCount)
    }
    return start
  }

  /// Keeps some of the entries, with a shorter prefix or the same.
  private mutating func restage(_ range: Range<Int>, prefixCount final: Int) {
    heapStart = rewrite(
      range, prefixCount: final, to: spare.bytes, slotsAt: 0, heapEnd: spare.count)
    swap(&stage, &spare)
    bytes = stage.bytes
    prefixCount = final
    count = range.count
    let last = slot(count - 1)
    let start = last.offset + NodeLayout.leafEntryHeaderByteCount
    lastSuffix = start..<start + last.suffixCount
  }

  private func slot(_ index: Int) -> Slot {
    Slot(rawValue: bytes.load(UInt64.self, at: index * NodeLayout.slotByteCount))
  }

  private func suffix(_ index: Int) -> ByteView {
    let slot = slot(index)
    let start = slot.offset + NodeLayout.leafEntryHeaderByteCount
    return bytes.view[start..<start + slot.suffixCount]
  }

  private func entryByteCount(_ index: Int) -> Int {
    let slot = slot(index)
    return NodeLayout.leafEntryHeaderByteCount + slot.suffixCount
      + Int(bytes.load(UInt16.self, at: slot.offset + NodeLayout.entryValueCount))
  }
}
