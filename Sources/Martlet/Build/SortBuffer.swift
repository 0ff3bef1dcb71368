internal import BTreeIndex
internal import RawBytes

/// Records in memory, in the order of their arrival until they are sorted.
///
/// - Invariant SB1: bytes and index together stay within the budget, but for the first record.
struct SortBuffer: ~Copyable {
  /// A record: where it lies, and enough of its key to settle most comparisons.
  private struct Item: BitwiseCopyable {
    var head: UInt64 = 0
    let offset: Int
  }

  private let byteBudget: Int
  private var bytes: ByteBuffer
  private var items: [Item] = []

  init(byteBudget: Int) {
    self.byteBudget = byteBudget
    // Memory that is never touched costs nothing; growing would need it twice.
    bytes = ByteBuffer(capacity: byteBudget)
  }

  var count: Int { items.count }

  func hasRoom(for key: ByteView, _ value: ByteView) -> Bool {
    let needed = SortRecord.headerByteCount + key.count + value.count + MemoryLayout<Item>.stride
    return items.isEmpty
      || bytes.count + items.count * MemoryLayout<Item>.stride + needed <= byteBudget
  }

  mutating func append(_ key: ByteView, flags: EntryFlags, _ value: ByteView) {
    let offset = bytes.count
    let record = SortRecord(key: key, flags: flags, value: value)
    bytes.append(zeros: record.byteCount)
    record.encode(into: bytes.mutableView[offset..<bytes.count])
    items.append(Item(offset: offset))
  }

  /// The record at a place in the order.
  func record(_ index: Int) -> SortRecord { Self.record(items[index], in: bytes.view) }

  private static func record(_ item: Item, in bytes: ByteView) -> SortRecord {
    guard let record = SortRecord(decoding: bytes.dropFirst(item.offset)) else {
      preconditionFailure("a record in memory is whole")
    }
    return record
  }

  /// Sorts by key, and keeps of each key the last record.
  mutating func sort(replacing: (SortRecord) -> Void) {
    let bytes = bytes.view
    let shared = sharedByteCount
    for index in items.indices {
      items[index].head = Self.record(items[index], in: bytes).key.dropFirst(shared).longHead
    }
    items.sort { left, right in
      if left.head != right.head { return left.head < right.head }
      let order = KeyOrder.compare(
        Self.record(left, in: bytes).key, Self.record(right, in: bytes).key)
      return order == 0 ? left.offset < right.offset : order < 0
    }
    var kept = 0
    for index in items.indices {
      let item = items[index]
      if kept > 0, items[kept - 1].head == item.head,
        Self.record(items[kept - 1], in: bytes).key == Self.record(item, in: bytes).key
      {
        replacing(Self.record(items[kept - 1], in: bytes))
        kept -= 1
      }
      items[kept] = item
      kept += 1
    }
    items.removeLast(items.count - kept)
  }

  /// How many bytes all keys begin with in common: they tell nothing.
  private var sharedByteCount: Int {
    guard let first = items.first.map({ Self.record($0, in: bytes.view).key }) else { return 0 }
    var shared = first.count
    for item in items where shared > 0 {
      shared = Self.record(item, in: bytes.view).key.commonPrefixCount(first.prefix(shared))
    }
    return shared
  }

  mutating func removeAll() {
    bytes.removeAll()
    items.removeAll(keepingCapacity: true)
  }
}
