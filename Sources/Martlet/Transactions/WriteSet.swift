internal import ConcurrencyControl
package import Primitives
package import RawBytes
package import VersionStore

/// The private writes of one transaction, until its commit.
///
/// Writes append to one buffer, in the format of the log; a later write of a key wins. While keys
/// arrive in ascending order, as in a load, the list of entries is itself the index and the buffer
/// itself the batch: nothing is hashed, nothing is sorted and nothing is copied at the end. Out of order
/// a few entries are searched one by one; more get a hash index.
///
/// - Invariant WS1: `newest(of:in:)` is the last write of that key, if any.
/// - Invariant WS2: `seal` gives each key once, ascending, with its last write.
/// - Invariant WS3: a failed operation leaves the set as it was.
/// - Invariant WS5: `mergeCount` entries are merges, superseded ones included; no batch holds one.
/// - Invariant WS4: entries are only ever appended, so that a mark is a count: rolling back to it
///   makes the set what it was then.
package struct WriteSet: ~Copyable {
  /// A write of one key.
  package enum Write {
    case set(ByteView)
    case remove
    case large(ordinal: Int, byteCount: UInt64)
    /// Operations on whatever value the key has (`WriteSet.merges`); none is left when the set is
    /// sealed.
    case merge
  }

  /// A write, and when what it writes expires; zero: never.
  struct Found {
    let write: Write
    let expiry: UInt64
  }

  /// Where an entry lies in `builder`.
  private struct Entry: BitwiseCopyable {
    var place: WriteBatchBuilder.Place
    var keyspace: KeyspaceID
    var operation: WriteBatchEntry.Operation
    /// A merge, whose bytes stand in the place of a value.
    var isMerge = false
    var fingerprint: UInt64
  }

  /// Every write so far, in their order.
  private var builder = WriteBatchBuilder(capacity: 1024)
  private var entries: [Entry] = []
  /// Whether keys have come in ascending order so far.
  private var isAscending = true
  /// Slots of an open-addressing hash table: index of an entry plus one; empty while ascending, and
  /// while entries are few.
  private var table: [UInt32] = []
  private var liveCount = 0
  /// The batch, when the writes had to be sorted for it.
  private var sorted = WriteBatchBuilder(capacity: 16)

  package init() {}

  /// Keyspaces written so far, each once, in order of first use.
  package private(set) var keyspaces: [KeyspaceID] = []

  /// How many merges were noted and not rolled back.
  private(set) var mergeCount = 0

  /// At or before the first moment at which anything written expires.
  private(set) var leastExpiry = UInt64.max

  package var isEmpty: Bool { entries.isEmpty }

  /// Bytes that the writes take, superseded ones included.
  package var byteCount: Int {
    builder.entriesByteCount + entries.count * MemoryLayout<Entry>.stride
  }

  /// What an entry takes beside its key and value, at most.
  static let entryByteCount = MemoryLayout<Entry>.stride + 32

  /// Bytes that the writes would take with one more.
  func byteCount(adding entry: WriteBatchEntry) -> Int {
    byteCount + WriteBatchBuilder.byteCount(of: entry) + MemoryLayout<Entry>.stride
  }

  /// So many entries are searched without an index.
  private static let fewEntries = 12

  // MARK: Writing

  package mutating func set(
    _ key: ByteView, to value: ByteView, expiring expiry: UInt64 = 0, in keyspace: KeyspaceID,
    _ hash: UInt64
  ) {
    add(.set(key, to: value, in: keyspace).expiring(at: expiry), hash)
  }

  /// Notes an operation on a key's value, encoded by `NotedStep`.
  mutating func merge(
    _ key: ByteView, _ noted: ByteView, in keyspace: KeyspaceID, _ hash: UInt64
  ) {
    mergeCount += 1
    add(.set(key, to: noted, in: keyspace), hash, isMerge: true)
  }

  package mutating func remove(_ key: ByteView, in keyspace: KeyspaceID, _ hash: UInt64) {
    add(.remove(key, in: keyspace), hash)
  }

  package mutating func setLarge(
    _ key: ByteView, ordinal: Int, byteCount: UInt64, expiring expiry: UInt64 = 0,
    in keyspace: KeyspaceID, _ hash: UInt64
  ) {
    add(
      .large(key, ordinal: ordinal, byteCount: byteCount, in: keyspace).expiring(at: expiry), hash)
  }

  @inline(__always)
  private mutating func add(_ entry: WriteBatchEntry, _ hash: UInt64, isMerge: Bool = false) {
    let place = builder.add(entry)
    if entry.expiry != 0 { leastExpiry = min(leastExpiry, entry.expiry) }
    insert(
      Entry(
        place: place, keyspace: entry.keyspace, operation: entry.operation, isMerge: isMerge,
        fingerprint: hash))
  }

  private mutating func insert(_ entry: Entry) {
    if isAscending {
      if let last = entries.last {
        if !precedes(last, entry) {
          isAscending = false
          return insert(entry)
        }
        if last.keyspace != entry.keyspace { noteKeyspace(entry.keyspace) }
      } else {
        noteKeyspace(entry.keyspace)
      }
      liveCount += 1
    } else {
      noteKeyspace(entry.keyspace)
      if entries.count < Self.fewEntries {
        if newestIndex(of: key(of: entry), in: entry.keyspace, entry.fingerprint) == nil {
          liveCount += 1
        }
      } else {
        if 2 * (liveCount + 1) > table.count {
          buildTable(capacity: max(2 * table.count, 4 * entries.count))
        }
        let slot = slot(of: entry)
        if table[slot] == 0 { liveCount += 1 }
        table[slot] = UInt32(entries.count + 1)
      }
    }
    entries.append(entry)
  }

  /// The newest of a few entries that writes a key.
  private func newestIndex(of key: ByteView, in keyspace: KeyspaceID, _ hash: UInt64) -> Int? {
    var index = entries.count
    while index > 0 {
      index -= 1
      let entry = entries[index]
      if entry.fingerprint == hash, entry.keyspace == keyspace, self.key(of: entry) == key {
        return index
      }
    }
    return nil
  }

  private mutating func noteKeyspace(_ keyspace: KeyspaceID) {
    if keyspaces.last != keyspace, !keyspaces.contains(keyspace) { keyspaces.append(keyspace) }
  }

  // MARK: Looking up

  /// The last write of a key. The views live until the next change.
  package func newest(of key: ByteView, in keyspace: KeyspaceID, _ hash: UInt64) -> Write? {
    index(of: key, in: keyspace, hash).map { write(of: entries[$0]) }
  }

  /// The same, with when it expires.
  @inline(__always)
  func found(_ key: ByteView, in keyspace: KeyspaceID, _ hash: UInt64) -> Found? {
    index(of: key, in: keyspace, hash).map { found(at: $0) }
  }

  /// A write, and when it expires.
  func found(at index: Int) -> Found {
    Found(write: write(of: entries[index]), expiry: builder.expiry(at: entries[index].place))
  }

  /// Of the last write of a key.
  @inline(__always)
  func index(of key: ByteView, in keyspace: KeyspaceID, _ hash: UInt64) -> Int? {
    if entries.isEmpty { return nil }
    if isAscending {
      let index = firstIndex(atOrAfter: key, in: keyspace)
      guard index < entries.count, entries[index].keyspace == keyspace,
        self.key(of: entries[index]) == key
      else { return nil }
      return index
    }
    if table.isEmpty { return newestIndex(of: key, in: keyspace, hash) }
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while table[slot] != 0 {
      let entry = entries[Int(table[slot]) - 1]
      if entry.fingerprint == hash, entry.keyspace == keyspace, self.key(of: entry) == key {
        return Int(table[slot]) - 1
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The last writes of a keyspace's keys within bounds, ascending: what a scan has to merge.
  package func sortedIndices(in keyspace: KeyspaceID, from lower: ByteView?, to upper: ByteView?)
    -> [Int]
  {
    liveIndices().filter { index in
      let entry = entries[index]
      guard entry.keyspace == keyspace else { return false }
      let key = key(of: entry)
      if let lower, key < lower { return false }
      if let upper, !(key < upper) { return false }
      return true
    }
  }

  /// The last writes of all keys, ascending by keyspace and key: the canonical order of locks.
  func allSortedIndices() -> [Int] { liveIndices() }

  package func key(at index: Int) -> ByteView { key(of: entries[index]) }

  /// The name under which an entry's key is locked.
  func name(at index: Int) -> LockName {
    LockName(keyspace: entries[index].keyspace, fingerprint: entries[index].fingerprint)
  }

  package func write(at index: Int) -> Write { write(of: entries[index]) }

  /// Whether a write is a merge.
  func isMerge(at index: Int) -> Bool { entries[index].isMerge }

  /// The newest operation of a merge.
  func notedStep(at index: Int) -> NotedStep {
    precondition(entries[index].isMerge, "an operation of what is no merge")
    return NotedStep(decoding: builder.value(at: entries[index].place))
  }

  /// All operations of a merge, and the transaction's own write that they change, if there is one.
  ///
  /// - Complexity: O(operations)
  func merges(at index: Int) -> (program: MergeProgram, own: Found?) {
    var steps: [MergeStep] = []
    var next: Int? = index
    while let index = next {
      guard entries[index].isMerge else {
        return (MergeProgram(steps: steps.reversed()), found(at: index))
      }
      let noted = notedStep(at: index)
      steps.append(noted.step)
      next = noted.beneath
    }
    return (MergeProgram(steps: steps.reversed()), nil)
  }

  func keyspace(at index: Int) -> KeyspaceID { entries[index].keyspace }

  // MARK: Savepoints

  /// A moment of the set to which it can be rolled back: everything written before stays.
  package struct Mark: BitwiseCopyable, Sendable {
    fileprivate let entryCount: Int
    fileprivate let byteCount: Int
    fileprivate let keyspaceCount: Int
    fileprivate let isAscending: Bool
  }

  /// The present moment.
  package var mark: Mark {
    Mark(
      entryCount: entries.count, byteCount: builder.byteCount, keyspaceCount: keyspaces.count,
      isAscending: isAscending)
  }

  /// Forgets everything written since a mark; a later mark is worth nothing then.
  ///
  /// - Complexity: O(entries that stay) when keys did not come in order, else O(1).
  package mutating func rollBack(to mark: Mark) {
    precondition(
      mark.entryCount <= entries.count && mark.byteCount <= builder.byteCount,
      "WS4: a mark that was rolled back over")
    for entry in entries[mark.entryCount...] where entry.isMerge { mergeCount -= 1 }
    entries.removeLast(entries.count - mark.entryCount)
    builder.truncate(to: mark.byteCount, entryCount: entries.count)
    keyspaces.removeLast(keyspaces.count - mark.keyspaceCount)
    isAscending = mark.isAscending
    let capacity = table.count
    table.removeAll(keepingCapacity: true)
    if isAscending {
      liveCount = entries.count
    } else if entries.count <= Self.fewEntries {
      liveCount = entries.indices.count { isNewest($0) }
    } else {
      buildTable(capacity: capacity)
      liveCount = table.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
    }
  }

  // MARK: Sealing

  /// The writes as one batch, valid until the next change.
  package mutating func seal() -> WriteBatch {
    precondition(mergeCount == 0 || !isAscending, "WS5: a merge was left unresolved")
    if isAscending { return builder.finish() }
    sorted.removeAll()
    for index in liveIndices() {
      let entry = entries[index]
      precondition(!entry.isMerge, "WS5: a merge was left unresolved")
      sorted.append(builder, entry.place, in: entry.keyspace)
    }
    return sorted.finish()
  }

  /// Forgets all writes and keeps the memory.
  package mutating func removeAll() {
    if entries.isEmpty { return }
    builder.removeAll()
    entries.removeAll(keepingCapacity: true)
    if !table.isEmpty { table.removeAll() }
    if !isAscending { sorted.removeAll() }
    keyspaces.removeAll(keepingCapacity: true)
    isAscending = true
    liveCount = 0
    mergeCount = 0
    leastExpiry = .max
  }

  // MARK: Inside

  @inline(__always)
  private func key(of entry: Entry) -> ByteView { builder.key(at: entry.place) }

  private func write(of entry: Entry) -> Write {
    switch entry.operation {
    case .set where entry.isMerge: return .merge
    case .set: return .set(builder.value(at: entry.place))
    case .remove: return .remove
    case .large:
      let large = builder.large(at: entry.place)
      return .large(ordinal: large.ordinal, byteCount: large.byteCount)
    }
  }

  private func precedes(_ left: Entry, _ right: Entry) -> Bool {
    left.keyspace == right.keyspace
      ? key(of: left) < key(of: right) : left.keyspace < right.keyspace
  }

  private func firstIndex(atOrAfter key: ByteView, in keyspace: KeyspaceID) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      let entry = entries[middle]
      let isBefore =
        entry.keyspace == keyspace ? self.key(of: entry) < key : entry.keyspace < keyspace
      if isBefore { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Indices of the last write of each key, ascending by keyspace and key.
  private func liveIndices() -> [Int] {
    if isAscending { return Array(entries.indices) }
    if table.isEmpty { return fewLiveIndices() }
    var live: [Int] = []
    live.reserveCapacity(liveCount)
    let skipped = commonPrefixCount
    var order: [SortKey] = []
    order.reserveCapacity(liveCount)
    for slot in table where slot != 0 {
      let index = Int(slot) - 1
      order.append(
        SortKey(
          keyspace: entries[index].keyspace.rawValue, index: UInt32(index),
          head: Self.head(of: key(of: entries[index]), from: skipped)))
    }
    order.sort { left, right in
      if left.keyspace != right.keyspace { return left.keyspace < right.keyspace }
      if left.head != right.head { return left.head < right.head }
      return key(of: entries[Int(left.index)]) < key(of: entries[Int(right.index)])
    }
    for entry in order { live.append(Int(entry.index)) }
    return live
  }

  /// The same for a few entries: sorted by insertion.
  private func fewLiveIndices() -> [Int] {
    var live: [Int] = []
    live.reserveCapacity(liveCount)
    for index in entries.indices where isNewest(index) {
      var position = live.count
      while position > 0, precedes(entries[index], entries[live[position - 1]]) { position -= 1 }
      live.insert(index, at: position)
    }
    return live
  }

  /// Whether none of the entries behind it writes the same key.
  private func isNewest(_ index: Int) -> Bool {
    let entry = entries[index]
    return !entries[(index + 1)...].contains {
      $0.fingerprint == entry.fingerprint && $0.keyspace == entry.keyspace
        && key(of: $0) == key(of: entry)
    }
  }

  /// What most comparisons of a sort need, side by side in memory.
  private struct SortKey: BitwiseCopyable {
    let keyspace: UInt32
    let index: UInt32
    /// The first bytes of the key after the prefix that all keys share, big-endian.
    let head: UInt64
  }

  /// How many first bytes all keys share.
  private var commonPrefixCount: Int {
    guard let first = entries.first else { return 0 }
    let model = key(of: first)
    var count = model.count
    for entry in entries where count > 0 {
      count = min(count, key(of: entry).commonPrefixCount(model))
    }
    return count
  }

  /// Eight bytes from an offset on, padded with zeros. Keys with different heads are ordered by
  /// them; equal heads decide nothing.
  private static func head(of key: ByteView, from offset: Int) -> UInt64 {
    if offset + 8 <= key.count { return key.load(UInt64.self, at: offset).byteSwapped }
    var head: UInt64 = 0
    for index in offset..<offset + 8 {
      head = head << 8 | (index < key.count ? UInt64(key[index]) : 0)
    }
    return head
  }

  /// The slot that holds the entry's key, or the empty one where it belongs.
  private func slot(of entry: Entry) -> Int {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: entry.fingerprint) & mask
    while table[slot] != 0 {
      let other = entries[Int(table[slot]) - 1]
      if other.fingerprint == entry.fingerprint, other.keyspace == entry.keyspace,
        key(of: other) == key(of: entry)
      {
        break
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func buildTable(capacity: Int) {
    var size = 64
    while size < capacity { size *= 2 }
    let previous = table
    table = [UInt32](repeating: 0, count: size)
    if previous.isEmpty {
      for index in entries.indices { table[slot(of: entries[index])] = UInt32(index + 1) }
    } else {
      for index in previous where index != 0 {
        table[slot(of: entries[Int(index) - 1])] = index
      }
    }
  }
}
