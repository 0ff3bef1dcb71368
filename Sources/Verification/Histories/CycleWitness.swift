/// Searches short cycles in components.
///
/// - Invariant HI3: the work in one component is bounded, whatever the history: at most
///   `startLimit` searches, and fewer in a large component. What is left out is a shorter witness
///   or a further name, never the fact that there is a cycle.
struct CycleWitness {
  private static let startLimit = 200
  private static let workLimit = 20_000_000

  let search: CycleSearch
  /// Which component a state belongs to; -1 for none.
  private var membership: [Int32]
  /// The edge by which a state was reached in the search under way, and that search's number.
  private var arrival: [Int32]
  private var visit: [Int32]
  private var visitNumber: Int32 = 0

  init(_ search: CycleSearch, components: [[CycleSearch.State]]) {
    self.search = search
    membership = [Int32](repeating: -1, count: search.stateCount)
    for (number, component) in components.enumerated() {
      for state in component { membership[Int(state)] = Int32(number) }
    }
    arrival = [Int32](repeating: -1, count: search.stateCount)
    visit = [Int32](repeating: 0, count: search.stateCount)
  }

  /// Short cycles of a component through edges of certain kinds, the shortest of each name.
  ///
  /// - Parameter closing: which edges may lead back; nil for all that count.
  mutating func cycles(
    in component: [CycleSearch.State], through isWanted: (DependencyKind) -> Bool,
    closing: BindingRule? = nil
  ) -> [[Dependency]] {
    var starts: [(state: CycleSearch.State, edge: Int)] = []
    var edgeCount = 0
    for state in component {
      for index in search.graph.range(of: search.node(state)) {
        let edge = search.graph.edges[index]
        guard let target = search.target(of: edge, from: state),
          membership[Int(target)] == membership[Int(state)]
        else { continue }
        edgeCount += 1
        if isWanted(edge.kind) { starts.append((state, index)) }
      }
    }
    let limit = max(1, min(Self.startLimit, Self.workLimit / max(1, edgeCount)))
    let step = max(1, starts.count / limit)
    var found: [String: [Dependency]] = [:]
    for position in stride(from: 0, to: starts.count, by: step) {
      let start = starts[position]
      guard let cycle = shortest(from: start.state, by: start.edge, closing: closing) else {
        continue
      }
      let name = Anomaly.name(of: cycle)
      if found[name].map({ $0.count > cycle.count }) ?? true { found[name] = cycle }
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The shortest closed walk that begins with an edge.
  private mutating func shortest(
    from state: CycleSearch.State, by first: Int, closing: BindingRule?
  ) -> [Dependency]? {
    let graph = search.graph
    guard let begin = search.target(of: graph.edges[first], from: state) else { return nil }
    let closingRules = closing.map(BindingRules.uniform)
    visitNumber += 1
    visit[Int(begin)] = visitNumber
    var queue: [(state: CycleSearch.State, parent: Int)] = [(begin, -1)]
    var head = 0
    while head < queue.count {
      let current = queue[head].state
      for index in graph.range(of: search.node(current)) {
        let edge = graph.edges[index]
        guard let next = search.target(of: edge, from: current),
          membership[Int(next)] == membership[Int(state)],
          closingRules?.bind(edge, isAntiDependencySpent: false) ?? true
        else { continue }
        if next == state || (closing != nil && search.node(next) == search.node(state)) {
          var path = [edge]
          var place = head
          while place > 0 {
            path.append(graph.edges[Int(arrival[Int(queue[place].state)])])
            place = queue[place].parent
          }
          path.append(graph.edges[first])
          return path.reversed()
        }
        guard visit[Int(next)] != visitNumber else { continue }
        visit[Int(next)] = visitNumber
        arrival[Int(next)] = Int32(index)
        queue.append((next, head))
      }
      head += 1
    }
    return nil
  }
}
