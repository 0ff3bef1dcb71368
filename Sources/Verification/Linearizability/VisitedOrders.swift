/// The partial orders that led nowhere: which known operations they had done, which unknown ones,
/// and what state they had reached.
///
/// A set of operations is known by a fingerprint of 128 bits, the exclusive or of one for each:
/// kept up to date in constant time, where a bit for each operation would make every entry as
/// long as the history. Two different sets with one fingerprint would need some 2^64 entries.
///
/// - Invariant VO1: an order is refused only when one with the same known operations, the same state
///   and no other unknown operations than its own was seen: whatever completes the one completes
///   the other as well.
struct VisitedOrders<State: Hashable> {
  /// A set of operations.
  struct Fingerprint: Hashable {
    var high: UInt64 = 0
    var low: UInt64 = 0

    /// Adds an operation, or takes it out again.
    mutating func toggle(_ operation: Int) {
      high ^= Self.mix(UInt64(operation) &* 2 &+ 1)
      low ^= Self.mix(UInt64(operation) &* 2 &+ 2)
    }

    /// SplitMix64.
    private static func mix(_ number: UInt64) -> UInt64 {
      var z = number &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// A set of unknown operations, as a list that shares its tail with those it grew from.
  struct UnknownSet {
    fileprivate(set) var head: Int32 = -1
    fileprivate(set) var count: Int32 = 0
    fileprivate(set) var fingerprint = Fingerprint()
  }

  private struct Place: Hashable {
    let known: Fingerprint
    let state: State
  }

  private struct Node {
    let operation: Int32
    let tail: Int32
  }

  private var nodes: [Node] = []
  private var places: [Place: [UnknownSet]] = [:]

  /// A set with one more operation.
  mutating func adding(_ operation: Int, to set: UnknownSet) -> UnknownSet {
    var result = set
    nodes.append(Node(operation: Int32(operation), tail: set.head))
    result.head = Int32(nodes.count - 1)
    result.count += 1
    result.fingerprint.toggle(operation)
    return result
  }

  /// Notes an order. False when it need not be tried any more.
  mutating func enter(known: Fingerprint, unknown: UnknownSet, state: State) -> Bool {
    let place = Place(known: known, state: state)
    guard let seen = places[place] else {
      places[place] = [unknown]
      return true
    }
    for other in seen where other.count <= unknown.count && isSubset(other, of: unknown) {
      return false
    }
    places[place, default: []].append(unknown)
    return true
  }

  private func isSubset(_ small: UnknownSet, of large: UnknownSet) -> Bool {
    if small.fingerprint == large.fingerprint { return true }
    guard small.count < large.count else { return false }
    if small.count == 0 { return true }
    let all = Set(operations(of: large))
    return operations(of: small).allSatisfy(all.contains)
  }

  private func operations(of set: UnknownSet) -> [Int32] {
    var result: [Int32] = []
    var node = set.head
    while node >= 0 {
      result.append(nodes[Int(node)].operation)
      node = nodes[Int(node)].tail
    }
    return result
  }
}
