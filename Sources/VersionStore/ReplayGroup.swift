internal import BTreeIndex
internal import Paging
internal import Primitives
internal import RawBytes

/// Commits of the log that go into the trees together.
///
/// One by one, every commit of a long log costs a descent to a leaf that is in no processor cache.
/// Here some hundred thousand commits are gathered, their entries are sorted by keyspace and key, and
/// what they come to is applied in the order of the leaves: a key that many of them changed is
/// written once, and a leaf is visited once.
///
/// The result is that of one-by-one, to the timestamps and tombstones: `ReplayApplication` says why.
/// The bytes of the commits are copied, so that their source may go.
///
/// - Invariant RG1: entries are gathered in the order of their commits, so that of two entries of
///   one key the later one has the larger offset and the larger timestamp.
/// - Invariant RG2: no commit in it changes the catalog. Whoever gathers applies what was gathered
///   first, and such a commit by itself.
/// - Invariant RG3: it holds at most `byteLimit` bytes and one commit more; a large value counts in
///   full, because its pages stay taken until the group is applied, needed or not (rule R5).
package struct ReplayGroup: ~Copyable {
  /// One keyspace in the group.
  struct Lane {
    let keyspace: KeyspaceID
    /// Where its first key lies.
    let firstKey: Range<Int>
    /// How many first bytes all its keys have in common, at least.
    var commonCount: Int
  }

  /// An entry's place in the order of keys.
  struct Place: BitwiseCopyable {
    /// The eight bytes of the key that follow those which the whole lane has in common.
    var word: UInt64 = 0
    /// Of the entry among the bytes.
    let offset: UInt32
    let lane: UInt32
  }

  /// How much it gathers.
  package let byteLimit: Int
  /// Headers, keys and values of the entries.
  var bytes: ByteBuffer
  var places: [Place] = []
  /// Of the same size while they are sorted: where to.
  var scratch: [Place] = []
  private(set) var lanes: [Lane] = []
  private var laneOfKeyspace: [KeyspaceID: Int] = [:]
  private var newestLane = 0
  /// The large values of all commits, and which of them an entry is for.
  private(set) var references: [OverflowReference] = []
  private var isClaimed: [Bool] = []
  private var largeByteCount: UInt64 = 0
  /// Of the newest commit.
  private(set) var timestamp = Timestamp.zero

  /// Entries are found by offsets of 32 bits.
  package static let byteLimits = 1...1 << 30

  package init(byteLimit: Int) {
    precondition(Self.byteLimits.contains(byteLimit))
    self.byteLimit = byteLimit
    bytes = ByteBuffer(capacity: min(byteLimit, 1 << 20))
  }

  package var isEmpty: Bool { places.isEmpty && references.isEmpty }

  package var isFull: Bool {
    let own = bytes.count + places.count * 2 * MemoryLayout<Place>.stride
    return own >= byteLimit || largeByteCount >= UInt64(byteLimit - own)
  }

  /// Whether a commit may be gathered: it leaves the catalog alone, and is so small that sorting
  /// it again with others pays.
  package func takes(_ batch: WriteBatch) -> Bool {
    !batch.concernsCatalog && batch.bytes.count <= byteLimit / 4
  }

  /// Gathers a commit, newer than all before.
  ///
  /// - Throws: when the commit's entries cannot be; see `VersionStore.apply`.
  mutating func add(
    _ batch: WriteBatch, at timestamp: Timestamp, _ largeValues: [OverflowReference],
    in store: VersionStore
  ) throws(StoreError) {
    precondition(timestamp > self.timestamp, "an older commit (RG1)")
    let firstReference = references.count
    if !largeValues.isEmpty {
      references += largeValues
      isClaimed += repeatElement(false, count: largeValues.count)
      for reference in largeValues { largeByteCount &+= reference.byteCount }
    }
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      try check(entry, firstReference, store)
      let offset = UInt32(bytes.count)
      let keyRange = ReplayEntry.append(
        entry, at: timestamp, reference: firstReference + entry.ordinal, to: &bytes)
      let lane = try lane(of: entry.keyspace, store, firstKey: keyRange)
      narrow(lane, for: entry.key)
      places.append(Place(offset: offset, lane: UInt32(truncatingIfNeeded: lane)))
    }
    self.timestamp = timestamp
  }

  /// Forgets everything and keeps its memory.
  package mutating func removeAll() {
    bytes.removeAll()
    places.removeAll(keepingCapacity: true)
    lanes.removeAll()
    laneOfKeyspace.removeAll()
    newestLane = 0
    references.removeAll()
    isClaimed.removeAll()
    largeByteCount = 0
  }

  private mutating func check(
    _ entry: WriteBatchEntry, _ firstReference: Int, _ store: VersionStore
  ) throws(StoreError) {
    switch entry.operation {
    case .remove: return
    case .set: if store.fitsInline(entry) { return }
    case .large:
      let index = firstReference + entry.ordinal
      if index < references.count, !isClaimed[index],
        references[index].byteCount == entry.byteCount, references[index].root != .none
      {
        isClaimed[index] = true
        return
      }
    }
    throw .tree(Application.misfit(entry))
  }

  private mutating func lane(
    of keyspace: KeyspaceID, _ store: VersionStore, firstKey: Range<Int>
  ) throws(StoreError) -> Int {
    if newestLane < lanes.count, lanes[newestLane].keyspace == keyspace { return newestLane }
    if let known = laneOfKeyspace[keyspace] {
      newestLane = known
      return known
    }
    let table = store.keyspaceTable
    guard table.root(of: keyspace).page != .none || table.info(keyspace)?.droppedAt != nil else {
      throw .unknownKeyspace(keyspace)
    }
    newestLane = lanes.count
    laneOfKeyspace[keyspace] = newestLane
    lanes.append(Lane(keyspace: keyspace, firstKey: firstKey, commonCount: firstKey.count))
    return newestLane
  }

  /// Cuts down what a lane's keys have in common to what this one has too.
  @inline(__always)
  private mutating func narrow(_ lane: Int, for key: ByteView) {
    let commonCount = lanes[lane].commonCount
    let common = bytes.view[lanes[lane].firstKey].prefix(commonCount)
    if key.count >= commonCount, key.prefix(commonCount) == common { return }
    lanes[lane].commonCount = key.commonPrefixCount(common)
  }
}
