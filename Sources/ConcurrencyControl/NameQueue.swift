import Primitives

/// A queue of entries that are found by name, newest first.
///
/// Entries hang on chains of a hash table, each chain from the newest to the oldest. Forgetting
/// the oldest entries touches no chain: a link to an entry that is gone ends the chain, since
/// everything behind it is older and gone as well. Of several entries of one name only the
/// newest hangs on the chain, and the others on it, so that a hot name costs its neighbours
/// nothing.
struct NameQueue<Payload: BitwiseCopyable & Sendable>: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    let name: LockName
    /// The next older entry of another name in the chain.
    var next = none
    /// The next older entry of the same name.
    var older = none
    let payload: Payload
  }

  /// Ends a chain, as every number before the queue's start does.
  static var none: Int { -1 }

  private var entries = Queue<Entry>()
  private var heads: [Int] = []

  var start: Int { entries.start }
  var end: Int { entries.end }
  var count: Int { entries.count }
  var isEmpty: Bool { entries.isEmpty }
  var byteCount: Int { entries.byteCount + heads.count * MemoryLayout<Int>.stride }
  var allocatedByteCount: Int {
    entries.allocatedByteCount + heads.capacity * MemoryLayout<Int>.stride
  }

  /// Bytes by which so many more entries would make it larger, its table included.
  func growth(adding added: Int) -> Int {
    var headCount = heads.count
    while entries.count + added > headCount { headCount = Self.larger(headCount) }
    return added * MemoryLayout<Entry>.stride
      + (headCount - heads.count) * MemoryLayout<Int>.stride
  }

  private static func larger(_ headCount: Int) -> Int { Swift.max(16, headCount * 2) }

  subscript(sequence: Int) -> Entry { entries[sequence] }

  /// The newest entry of a name.
  @inline(__always)
  func newest(of name: LockName) -> Int? {
    guard !heads.isEmpty else { return nil }
    let start = entries.start
    var sequence = heads[place(of: name)]
    while sequence >= start {
      let entry = entries[sequence]
      if entry.name == name { return sequence }
      sequence = entry.next
    }
    return nil
  }

  /// The next older entry of the same name.
  @inline(__always)
  func older(than sequence: Int) -> Int? {
    let older = entries[sequence].older
    return older >= entries.start ? older : nil
  }

  mutating func append(_ name: LockName, _ payload: Payload) {
    entries.append(Entry(name: name, payload: payload))
    if entries.count > heads.count {
      rebuild(Self.larger(heads.count))
    } else {
      link(entries.end - 1)
    }
  }

  mutating func removeAll(before sequence: Int) { entries.removeAll(before: sequence) }

  /// Puts an entry in front of its chain, in the place of the one of its name.
  private mutating func link(_ sequence: Int) {
    let name = entries[sequence].name
    let place = place(of: name)
    var previous = Self.none
    var other = heads[place]
    while other >= entries.start, entries[other].name != name {
      previous = other
      other = entries[other].next
    }
    if other >= entries.start {
      entries[sequence].older = other
      if previous == Self.none {
        heads[place] = entries[other].next
      } else {
        entries[previous].next = entries[other].next
      }
    }
    entries[sequence].next = heads[place]
    heads[place] = sequence
  }

  private mutating func rebuild(_ headCount: Int) {
    heads = [Int](repeating: Self.none, count: headCount)
    for sequence in entries.start..<entries.end {
      entries[sequence].older = Self.none
      link(sequence)
    }
  }

  @inline(__always)
  private func place(of name: LockName) -> Int {
    Int(truncatingIfNeeded: name.mixed >> 16) & (heads.count - 1)
  }
}

extension LockName {
  /// The fingerprint with the keyspace mixed in.
  @inline(__always)
  var mixed: UInt64 {
    (fingerprint ^ (UInt64(keyspace.rawValue) &* 0x9e37_79b9_7f4a_7c15)) &* 0xd6e8_feb8_6659_fd93
  }
}
