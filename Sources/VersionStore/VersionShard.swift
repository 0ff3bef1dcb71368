internal import BTreeIndex
internal import Primitives
internal import RawBytes

/// One shard of the version chains: a hash table whose buckets are doubly linked lists of records
/// in slabs that never move.
///
/// All versions of a key stand in one bucket, newest first, among those of other keys with the same
/// bucket. A key has no node of its own: chains are short (V3) and come and go.
///
/// - Invariant SH1: an index names a record from `insert` to `remove`; generations never repeat.
/// - Invariant SH2: every record is in exactly the bucket of its hash.
// SAFETY: `slabs` and `buckets` are owned here; indices below are checked against what was handed
// out. False if used by two threads at once: the shard lives inside a mutex.
@safe
struct VersionShard: ~Copyable, @unchecked Sendable {
  // SENDABLE: the shard is its memory's only owner.
  private static let none = UInt32.max
  private static let recordsPerSlab = 128
  private static let smallestBucketCount = 16

  private var slabs: [UnsafeMutablePointer<VersionRecord>] = unsafe []
  private var freeIndices: [UInt32] = []
  private var usedIndexCount: UInt32 = 0
  private var buckets: UnsafeMutablePointer<UInt32>
  private var bucketCount: Int
  private(set) var count = 0
  private var nextGeneration: UInt64 = 1

  init() {
    bucketCount = Self.smallestBucketCount
    unsafe buckets = .allocate(capacity: bucketCount)
    unsafe buckets.initialize(repeating: Self.none, count: bucketCount)
  }

  deinit {
    for bucket in 0..<bucketCount {
      var index = unsafe buckets[bucket]
      while index != Self.none {
        let record =
          unsafe slabs[Int(index) / Self.recordsPerSlab]
          + Int(index) % Self.recordsPerSlab
        unsafe record.pointee.bytes.deallocate()
        index = unsafe record.pointee.next
      }
    }
    unsafe buckets.deallocate()
    unsafe slabs.forEach { unsafe $0.deallocate() }
  }

  /// Puts a version in front of its bucket and takes over `bytes`.
  mutating func insert(
    bytes: UnsafeMutableRawPointer, keyByteCount: Int, valueByteCount: Int, hash: UInt64,
    keyspace: KeyspaceID, begin: Timestamp, end: Timestamp, flags: EntryFlags
  ) -> (index: UInt32, generation: UInt64) {
    if count >= bucketCount { rehash(to: bucketCount * 2) }
    let index = takeIndex()
    let generation = nextGeneration
    nextGeneration += 1
    let bucket = Int(hash & UInt64(bucketCount - 1))
    let next = unsafe buckets[bucket]
    unsafe pointer(index).initialize(
      to: VersionRecord(
        bytes: bytes, hash: hash, begin: begin, end: end, generation: generation,
        valueByteCount: UInt32(valueByteCount), keyspace: keyspace, next: next,
        previous: Self.none, keyByteCount: UInt16(keyByteCount), flags: flags))
    if next != Self.none { unsafe pointer(next).pointee.previous = index }
    unsafe buckets[bucket] = index
    count += 1
    return (index, generation)
  }

  /// The version of a key that a moment sees. Its bytes are valid until the next change.
  func find(_ key: ByteView, in keyspace: KeyspaceID, hash: UInt64, at moment: Timestamp)
    -> VersionRecord?
  {
    var index = unsafe buckets[Int(hash & UInt64(bucketCount - 1))]
    while index != Self.none {
      let record = unsafe pointer(index)
      if unsafe record.pointee.hash == hash && record.pointee.begin <= moment
        && moment < record.pointee.end && record.pointee.keyspace == keyspace
        && record.pointee.key == key
      {
        return unsafe record.pointee
      }
      index = unsafe record.pointee.next
    }
    return nil
  }

  /// How many versions a key has.
  func versionCount(of key: ByteView, in keyspace: KeyspaceID, hash: UInt64) -> Int {
    var found = 0
    var index = unsafe buckets[Int(hash & UInt64(bucketCount - 1))]
    while index != Self.none {
      let record = unsafe pointer(index)
      if unsafe record.pointee.hash == hash && record.pointee.keyspace == keyspace
        && record.pointee.key == key
      {
        found += 1
      }
      index = unsafe record.pointee.next
    }
    return found
  }

  /// Takes a version out; the caller frees its bytes. Nil when the handle names nothing any more.
  mutating func remove(index: UInt32, generation: UInt64) -> VersionRecord? {
    guard index < usedIndexCount else { return nil }
    let record = unsafe pointer(index).pointee
    guard record.generation == generation else { return nil }
    if record.previous == Self.none {
      unsafe buckets[Int(record.hash & UInt64(bucketCount - 1))] = record.next
    } else {
      unsafe pointer(record.previous).pointee.next = record.next
    }
    if record.next != Self.none {
      unsafe pointer(record.next).pointee.previous = record.previous
    }
    count -= 1
    giveBack(index)
    return record
  }

  /// Every record, in no particular order.
  func forEach(_ body: (VersionRecord) -> Void) {
    for bucket in 0..<bucketCount {
      var index = unsafe buckets[bucket]
      while index != Self.none {
        let record = unsafe pointer(index).pointee
        body(record)
        index = record.next
      }
    }
  }

  private func pointer(_ index: UInt32) -> UnsafeMutablePointer<VersionRecord> {
    unsafe slabs[Int(index) / Self.recordsPerSlab] + Int(index) % Self.recordsPerSlab
  }

  private mutating func takeIndex() -> UInt32 {
    if let index = freeIndices.popLast() { return index }
    let index = usedIndexCount
    precondition(index < Self.none, "4,294,967,295 versions in a shard")
    if unsafe Int(index) / Self.recordsPerSlab == slabs.count {
      unsafe slabs.append(.allocate(capacity: Self.recordsPerSlab))
    }
    usedIndexCount += 1
    return index
  }

  /// Makes an index free, and all memory but the first slab when it was the last one in use.
  private mutating func giveBack(_ index: UInt32) {
    // A freed record answers to no handle.
    let old = unsafe pointer(index).pointee
    unsafe pointer(index).initialize(
      to: VersionRecord(
        bytes: old.bytes, hash: 0, begin: .zero, end: .zero, generation: 0, valueByteCount: 0,
        keyspace: old.keyspace, next: Self.none, previous: Self.none, keyByteCount: 0,
        flags: EntryFlags(rawValue: 0)))
    if count > 0 {
      freeIndices.append(index)
      return
    }
    freeIndices.removeAll()
    usedIndexCount = 0
    while unsafe slabs.count > 1 { unsafe slabs.removeLast().deallocate() }
    if bucketCount > Self.smallestBucketCount { rehash(to: Self.smallestBucketCount) }
  }

  private mutating func rehash(to newCount: Int) {
    let newBuckets = UnsafeMutablePointer<UInt32>.allocate(capacity: newCount)
    unsafe newBuckets.initialize(repeating: Self.none, count: newCount)
    for bucket in 0..<bucketCount {
      // Walked to its end first: moving from the back keeps newest first.
      var index = unsafe buckets[bucket]
      var last = Self.none
      while index != Self.none {
        last = index
        index = unsafe pointer(index).pointee.next
      }
      index = last
      while index != Self.none {
        let record = unsafe pointer(index)
        let previous = unsafe record.pointee.previous
        let target = unsafe Int(record.pointee.hash & UInt64(newCount - 1))
        let head = unsafe newBuckets[target]
        unsafe record.pointee.next = head
        unsafe record.pointee.previous = Self.none
        if head != Self.none { unsafe pointer(head).pointee.previous = index }
        unsafe newBuckets[target] = index
        index = previous
      }
    }
    unsafe buckets.deallocate()
    unsafe buckets = unsafe newBuckets
    bucketCount = newCount
  }
}
