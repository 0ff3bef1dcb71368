/// Finds cycles of the dependencies that count.
///
/// Whether there is one is decided exactly and in linear time: by the strongly connected components
/// (Tarjan 1972) of the graph or, where a transaction may be a pivot, of its product with the one
/// bit "the next anti-dependency does not count" (invariant HI2). A short witness in a component is searched
/// breadth-first from a bounded number of its edges.
struct CycleSearch {
  let graph: DependencyGraph
  let rules: BindingRules
  /// Whether a state carries the bit.
  let hasPivots: Bool
  /// Nodes that take part; nil for all.
  let isActive: [Bool]?

  /// A state is a node, or a node with the bit.
  typealias State = Int32

  init(_ graph: DependencyGraph, _ rules: BindingRules, isActive: [Bool]? = nil) {
    self.graph = graph
    self.rules = rules
    self.isActive = isActive
    hasPivots =
      switch rules {
      case .uniform(let rule): rule.contains(.pivots)
      case .each(let rules): rules.contains { $0.contains(.pivots) }
      }
  }

  var stateCount: Int { hasPivots ? 2 * graph.nodeCount : graph.nodeCount }

  func node(_ state: State) -> Int32 { hasPivots ? state >> 1 : state }

  func isAntiDependencySpent(_ state: State) -> Bool { hasPivots && state & 1 == 1 }

  /// The state that an edge leads to from a state; nil when it does not count there.
  func target(of edge: Dependency, from state: State) -> State? {
    guard isActive?[Int(edge.to)] ?? true,
      rules.bind(edge, isAntiDependencySpent: isAntiDependencySpent(state))
    else { return nil }
    return hasPivots ? edge.to << 1 | (rules.spends(edge) ? 1 : 0) : edge.to
  }

  // MARK: Components

  /// The strongly connected components with a cycle, by their states.
  func components() -> [[State]] {
    var tarjan = Tarjan(stateCount: stateCount)
    for node in 0..<Int32(graph.nodeCount) where isActive?[Int(node)] ?? true {
      let root = hasPivots ? node << 1 : node
      if !tarjan.isVisited(root) { tarjan.run(from: root, in: self) }
    }
    return tarjan.components
  }

  /// Tarjan's algorithm with a stack of its own: histories are deeper than any call stack.
  private struct Tarjan {
    var components: [[State]] = []
    private var order: [Int32]
    private var low: [Int32]
    private var isOnStack: [Bool]
    private var stack: [State] = []
    private var calls: [(state: State, edge: Int)] = []
    private var count: Int32 = 0

    init(stateCount: Int) {
      order = [Int32](repeating: -1, count: stateCount)
      low = order
      isOnStack = [Bool](repeating: false, count: stateCount)
    }

    func isVisited(_ state: State) -> Bool { order[Int(state)] >= 0 }

    private mutating func enter(_ state: State, _ search: borrowing CycleSearch) {
      order[Int(state)] = count
      low[Int(state)] = count
      count += 1
      stack.append(state)
      isOnStack[Int(state)] = true
      calls.append((state, search.graph.range(of: search.node(state)).lowerBound))
    }

    mutating func run(from root: State, in search: borrowing CycleSearch) {
      enter(root, search)
      while let (state, edge) = calls.last {
        if edge < search.graph.range(of: search.node(state)).upperBound {
          calls[calls.count - 1].edge += 1
          guard let next = search.target(of: search.graph.edges[edge], from: state) else {
            continue
          }
          if order[Int(next)] < 0 {
            enter(next, search)
          } else if isOnStack[Int(next)] {
            low[Int(state)] = min(low[Int(state)], order[Int(next)])
          }
        } else {
          calls.removeLast()
          if let caller = calls.last?.state {
            low[Int(caller)] = min(low[Int(caller)], low[Int(state)])
          }
          if low[Int(state)] == order[Int(state)] { close(state) }
        }
      }
    }

    private mutating func close(_ root: State) {
      var component: [State] = []
      while let state = stack.popLast() {
        isOnStack[Int(state)] = false
        component.append(state)
        if state == root { break }
      }
      if component.count > 1 { components.append(component) }
    }
  }
}
