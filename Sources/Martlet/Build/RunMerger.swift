internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes

/// Merges sorted runs: a heap of readers, the one with the smallest key on top.
///
/// - Invariant RM1: of equal keys the reader of the earliest run comes first, so that the last one
///   that comes is the record appended last.
struct RunMerger {
  private var heap: [RunReader] = []

  /// - Parameter runs: in the order of their records' arrival.
  init(_ runs: [SortedRun]) throws(DatabaseError) {
    for (number, run) in runs.enumerated() {
      let reader = RunReader(run, number: number)
      if try reader.advance() { heap.append(reader) }
    }
    for index in (0..<heap.count / 2).reversed() { sink(index) }
  }

  /// Calls a closure with the last record of each key, in order; `replacing` with the others.
  mutating func forEach(
    replacing: (SortRecord) -> Void, _ body: (SortRecord) throws -> Void
  ) throws {
    while let top = heap.first {
      // While another reader has the same key, it is the later one.
      if let other = runnerUp, other.record.key == top.record.key {
        replacing(top.record)
      } else {
        try body(top.record)
      }
      if try !top.advance() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
      }
      if !heap.isEmpty { sink(0) }
    }
  }

  /// The reader that comes after the one on top.
  private var runnerUp: RunReader? {
    guard heap.count > 1 else { return nil }
    return heap.count > 2 && heap[2].precedes(heap[1]) ? heap[2] : heap[1]
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      var least = 2 * index + 1
      guard least < heap.count else { return }
      if least + 1 < heap.count, heap[least + 1].precedes(heap[least]) { least += 1 }
      guard heap[least].precedes(heap[index]) else { return }
      heap.swapAt(least, index)
      index = least
    }
  }
}

/// Reads a run, a block at a time.
private final class RunReader {
  private let run: SortedRun
  private let number: Int
  private var offset: UInt64 = 0
  private var block = ByteBuffer(capacity: SortedRun.blockByteCount + 4096)
  /// Where the next record of the block begins.
  private var next = 0
  private var head: UInt64 = 0
  /// Valid until the next `advance`.
  private(set) var record = SortRecord(key: .empty, flags: EntryFlags(rawValue: 0), value: .empty)

  init(_ run: SortedRun, number: Int) {
    self.run = run
    self.number = number
  }

  func precedes(_ other: RunReader) -> Bool {
    if head != other.head { return head < other.head }
    let order = KeyOrder.compare(record.key, other.record.key)
    return order == 0 ? number < other.number : order < 0
  }

  /// Goes to the next record; false when there is none.
  func advance() throws(DatabaseError) -> Bool {
    if next == block.count {
      guard offset < run.byteCount else { return false }
      try load()
    }
    guard let found = SortRecord(decoding: block.view.dropFirst(next)) else {
      throw DatabaseError(damage: ExternalSorter.damage("a whole record"))
    }
    record = found
    head = found.key.longHead
    next += found.byteCount
    return true
  }

  private func load() throws(DatabaseError) {
    var header = ByteBuffer(capacity: SortedRun.blockHeaderByteCount)
    header.append(zeros: SortedRun.blockHeaderByteCount)
    try read(header.mutableView)
    let count = Int(header.view.load(UInt32.self, at: 0))
    guard count > 0, count <= SortedRun.longestBlock else {
      throw DatabaseError(damage: ExternalSorter.damage("the length of a block"))
    }
    block.removeAll()
    block.append(zeros: count)
    try read(block.mutableView)
    guard CRC32C.checksum(block.view) == header.view.load(UInt32.self, at: 4) else {
      throw DatabaseError(damage: ExternalSorter.damage("the checksum of a block"))
    }
    next = 0
  }

  private func read(_ bytes: MutableByteView) throws(DatabaseError) {
    let count: Int
    do { count = try run.file.read(into: bytes, at: offset) } catch { throw DatabaseError(error) }
    guard count == bytes.count else {
      throw DatabaseError(damage: ExternalSorter.damage("\(bytes.count) more bytes"))
    }
    offset += UInt64(count)
  }
}
