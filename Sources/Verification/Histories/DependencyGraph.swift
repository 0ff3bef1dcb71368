/// Why one transaction comes before another.
public enum DependencyKind: UInt8, Sendable, Hashable, CaseIterable {
  /// It wrote a version, and the other wrote the next.
  case write
  /// The other read what it wrote.
  case read
  /// It read a version, and the other wrote the next.
  case antiDependency
  /// It scanned an interval without a key that the other inserted.
  case predicateAntiDependency
  /// It completed before the other was invoked.
  case realTime
  /// Its process ran the other after it.
  case process

  /// The short form of the literature.
  public var symbol: String {
    switch self {
    case .write: "ww"
    case .read: "wr"
    case .antiDependency: "rw"
    case .predicateAntiDependency: "predicate rw"
    case .realTime: "realtime"
    case .process: "process"
    }
  }

  var isAntiDependency: Bool { self == .antiDependency || self == .predicateAntiDependency }
}

/// A dependency with the versions it follows from.
///
/// There are millions of them: absent values are marks, not optionals.
struct Dependency: Sendable, Equatable {
  let from: Int32
  let to: Int32
  let kind: DependencyKind
  let key: Int
  private let markedBefore: Int
  private let markedAfter: Int

  init(
    from: Int32, to: Int32, kind: DependencyKind, key: Int = 0, before: Int? = nil,
    after: Int? = nil
  ) {
    self.from = from
    self.to = to
    self.kind = kind
    self.key = key
    markedBefore = before ?? .min
    markedAfter = after ?? .min
  }

  /// The version that was replaced or read; nil for an absent one.
  var before: Int? { markedBefore == .min ? nil : markedBefore }

  /// The version that came after it, or that was read.
  var after: Int? { markedAfter == .min ? nil : markedAfter }
}

/// Dependencies between transactions by their sources, in one array.
struct DependencyGraph: Sendable {
  let nodeCount: Int
  private(set) var edges: [Dependency] = []
  /// Where the edges of a node begin in `edges`.
  private(set) var starts: [Int32] = []

  /// A graph of edges in any order. A counting sort: linear.
  init(nodeCount: Int, _ unordered: [Dependency]) {
    self.nodeCount = nodeCount
    starts = [Int32](repeating: 0, count: nodeCount + 1)
    for edge in unordered { starts[Int(edge.from) + 1] += 1 }
    for node in 0..<nodeCount { starts[node + 1] += starts[node] }
    var next = starts
    var places = [Int32](repeating: 0, count: unordered.count)
    for (index, edge) in unordered.enumerated() {
      places[Int(next[Int(edge.from)])] = Int32(index)
      next[Int(edge.from)] += 1
    }
    edges.reserveCapacity(unordered.count)
    for place in places { edges.append(unordered[Int(place)]) }
  }

  /// The places of a node's edges.
  func range(of node: Int32) -> Range<Int> {
    Int(starts[Int(node)])..<Int(starts[Int(node) + 1])
  }
}
