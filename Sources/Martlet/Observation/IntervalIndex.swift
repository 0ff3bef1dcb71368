package import ConcurrencyControl

/// The intervals of one keyspace, by whom: finds those that contain a key.
///
/// A treap ordered by lower bound and observer, each node with the greatest upper bound below it
/// (Cormen et al., "Introduction to Algorithms", interval trees; Seidel and Aragon 1996, treaps).
///
/// - Invariant II1: nodes ascend by (lower bound, observer, upper bound), and no node's priority is
///   above its parent's.
/// - Invariant II2: `farthest` of a node is the node of its subtree with the greatest upper bound.
package struct IntervalIndex {
  private struct Node {
    let interval: KeyInterval
    let observer: ObserverID
    let priority: UInt64
    var left = IntervalIndex.none
    var right = IntervalIndex.none
    var farthest: Int
  }

  private static var none: Int { -1 }

  private var nodes: [Node] = []
  private var spare: [Int] = []
  private var root = IntervalIndex.none
  private var insertions: UInt64 = 0

  package init() {}

  package var count: Int { nodes.count - spare.count }

  package mutating func insert(_ interval: KeyInterval, _ observer: ObserverID) {
    insertions += 1
    let place = spare.popLast() ?? nodes.count
    let node = Node(
      interval: interval, observer: observer, priority: Self.mix(insertions), farthest: place)
    if place == nodes.count { nodes.append(node) } else { nodes[place] = node }
    let (left, right) = split(root, before: place)
    root = merge(merge(left, place), right)
  }

  /// Takes out one that was inserted.
  package mutating func remove(_ interval: KeyInterval, _ observer: ObserverID) {
    root = remove(interval, observer, from: root)
  }

  /// Visits the observers of the intervals that contain a key.
  package func forEachObserver(of key: RawSpan, _ body: (ObserverID) -> Void) {
    visit(root, key, body)
  }

  private func visit(_ place: Int, _ key: RawSpan, _ body: (ObserverID) -> Void) {
    guard place != Self.none, ends(nodes[nodes[place].farthest].interval, behind: key) else {
      return
    }
    visit(nodes[place].left, key, body)
    // All to the right begin behind this one.
    guard begins(nodes[place].interval, notBehind: key) else { return }
    if ends(nodes[place].interval, behind: key) { body(nodes[place].observer) }
    visit(nodes[place].right, key, body)
  }

  private func ends(_ interval: KeyInterval, behind key: RawSpan) -> Bool {
    guard let upper = interval.upper else { return true }
    // SAFETY: the pointer does not leave the closure.
    return unsafe key.withUnsafeBytes { unsafe $0.lexicographicallyPrecedes(upper) }
  }

  private func begins(_ interval: KeyInterval, notBehind key: RawSpan) -> Bool {
    // SAFETY: the pointer does not leave the closure.
    unsafe key.withUnsafeBytes { unsafe !$0.lexicographicallyPrecedes(interval.lower) }
  }

  // MARK: The treap

  /// Whether one stands before another.
  private func precedes(
    _ interval: KeyInterval, _ observer: ObserverID, _ other: Node
  ) -> Bool {
    if interval.lower != other.interval.lower {
      return interval.lower.lexicographicallyPrecedes(other.interval.lower)
    }
    if observer != other.observer { return observer < other.observer }
    return Self.ends(interval, before: other.interval)
  }

  private static func ends(_ left: KeyInterval, before right: KeyInterval) -> Bool {
    guard let upper = left.upper else { return false }
    return right.upper.map { upper.lexicographicallyPrecedes($0) } ?? true
  }

  /// Parts a subtree into what stands before a node, and the rest.
  private mutating func split(_ place: Int, before node: Int) -> (Int, Int) {
    guard place != Self.none else { return (Self.none, Self.none) }
    if precedes(nodes[node].interval, nodes[node].observer, nodes[place]) {
      let (left, right) = split(nodes[place].left, before: node)
      nodes[place].left = right
      update(place)
      return (left, place)
    }
    let (left, right) = split(nodes[place].right, before: node)
    nodes[place].right = left
    update(place)
    return (place, right)
  }

  /// Joins two subtrees, of which one stands before the other.
  private mutating func merge(_ left: Int, _ right: Int) -> Int {
    if left == Self.none { return right }
    if right == Self.none { return left }
    if nodes[left].priority > nodes[right].priority {
      nodes[left].right = merge(nodes[left].right, right)
      update(left)
      return left
    }
    nodes[right].left = merge(left, nodes[right].left)
    update(right)
    return right
  }

  private mutating func remove(_ interval: KeyInterval, _ observer: ObserverID, from place: Int)
    -> Int
  {
    guard place != Self.none else { preconditionFailure("an interval that was not inserted") }
    if nodes[place].observer == observer, nodes[place].interval == interval {
      spare.append(place)
      return merge(nodes[place].left, nodes[place].right)
    }
    if precedes(interval, observer, nodes[place]) {
      nodes[place].left = remove(interval, observer, from: nodes[place].left)
    } else {
      nodes[place].right = remove(interval, observer, from: nodes[place].right)
    }
    update(place)
    return place
  }

  private mutating func update(_ place: Int) {
    var farthest = place
    for child in [nodes[place].left, nodes[place].right] where child != Self.none {
      let other = nodes[child].farthest
      if Self.ends(nodes[farthest].interval, before: nodes[other].interval) { farthest = other }
    }
    nodes[place].farthest = farthest
  }

  /// A priority without chance: bits of a number, well mixed (Steele et al. 2014, SplitMix).
  private static func mix(_ number: UInt64) -> UInt64 {
    var bits = number &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }
}
