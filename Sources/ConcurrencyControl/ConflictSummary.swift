import Primitives

/// What is left of the oldest records and marks when the budget is used up (rule S12): for each
/// bucket of names the extremes of all that fell into it. Whoever asks is answered as if all of it
/// concerned the name asked for: aborts too many, never one too few.
struct ConflictSummary: Sendable {
  struct Bucket: Sendable, BitwiseCopyable {
    /// The newest commit that wrote one of the names.
    var newestWrite = Timestamp.zero
    /// The least `earliestOut` of commits that wrote one of the names; `max` when none has one.
    var leastOut = Timestamp.max
    /// The greatest bound of a mark.
    var newestMark = Timestamp.zero
  }

  private static let keyspaceBucketCount = 64

  /// By name.
  private var buckets: [Bucket]
  /// By keyspace: writes for readers of intervals, marks of intervals for writers.
  private var keyspaceBuckets: [Bucket]
  /// Over everything. Marks here are of names and of intervals.
  private(set) var whole = Bucket()

  init(bucketCount: Int) {
    precondition(bucketCount > 0)
    buckets = Array(repeating: Bucket(), count: bucketCount)
    keyspaceBuckets = Array(repeating: Bucket(), count: Self.keyspaceBucketCount)
  }

  var byteCount: Int {
    (buckets.capacity + keyspaceBuckets.capacity) * MemoryLayout<Bucket>.stride
  }

  func bucket(of name: LockName) -> Bucket { buckets[place(of: name)] }

  func bucket(of keyspace: KeyspaceID) -> Bucket { keyspaceBuckets[place(of: keyspace)] }

  /// Takes in one key of a committed record. What nobody active can need, because it is not newer
  /// than `floor`, makes room.
  mutating func noteWrite(
    of name: LockName, at timestamp: Timestamp, earliestOut: Timestamp?, floor: Timestamp
  ) {
    func merge(_ bucket: inout Bucket) {
      if bucket.newestWrite <= floor { bucket.leastOut = .max }
      bucket.newestWrite = Swift.max(bucket.newestWrite, timestamp)
      if let earliestOut { bucket.leastOut = Swift.min(bucket.leastOut, earliestOut) }
    }
    merge(&buckets[place(of: name)])
    merge(&keyspaceBuckets[place(of: name.keyspace)])
    merge(&whole)
  }

  mutating func noteMark(of name: LockName, bound: Timestamp) {
    let place = place(of: name)
    buckets[place].newestMark = Swift.max(buckets[place].newestMark, bound)
    whole.newestMark = Swift.max(whole.newestMark, bound)
  }

  mutating func noteMark(ofIntervalIn keyspace: KeyspaceID, bound: Timestamp) {
    let place = place(of: keyspace)
    keyspaceBuckets[place].newestMark = Swift.max(keyspaceBuckets[place].newestMark, bound)
    whole.newestMark = Swift.max(whole.newestMark, bound)
  }

  /// Forgets all writes, once none is newer than what nobody can need.
  mutating func forgetWrites() {
    func forget(_ bucket: inout Bucket) { (bucket.newestWrite, bucket.leastOut) = (.zero, .max) }
    guard whole.newestWrite != .zero else { return }
    for index in buckets.indices { forget(&buckets[index]) }
    for index in keyspaceBuckets.indices { forget(&keyspaceBuckets[index]) }
    forget(&whole)
  }

  mutating func forgetMarks() {
    guard whole.newestMark != .zero else { return }
    for index in buckets.indices { buckets[index].newestMark = .zero }
    for index in keyspaceBuckets.indices { keyspaceBuckets[index].newestMark = .zero }
    whole.newestMark = .zero
  }

  private func place(of name: LockName) -> Int { Int((name.mixed >> 16) % UInt64(buckets.count)) }

  private func place(of keyspace: KeyspaceID) -> Int {
    Int(keyspace.rawValue % UInt32(keyspaceBuckets.count))
  }
}
