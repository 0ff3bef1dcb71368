/// Searches the cycles of every name in a graph.
///
/// Each pass lets more kinds of edges count than the one before and looks for cycles that need the
/// new ones. One search with all of them comes first: what lies in none of its components lies in
/// no cycle, and a clean history is done.
struct AnomalySurvey {
  private struct Pass {
    let rule: BindingRule
    /// Each cycle of the pass has one of these.
    let needed: Set<DependencyKind>
    /// What else the cycle may consist of; nil for all that counts.
    var closing: BindingRule?
  }

  let graph: DependencyGraph
  let log: FindingLog
  let looksAtRealTime: Bool
  let countsProcessOrder: Bool

  private static let passes = [
    Pass(rule: [], needed: [.write]),
    Pass(rule: [.reads], needed: [.read]),
    Pass(rule: [.reads, .items, .pivots], needed: [.antiDependency], closing: [.reads]),
    Pass(rule: [.reads, .items, .pivots], needed: [.antiDependency]),
    Pass(
      rule: [.reads, .items, .predicates, .pivots], needed: [.predicateAntiDependency],
      closing: [.reads]),
    Pass(
      rule: [.reads, .items, .predicates, .pivots], needed: [.predicateAntiDependency]),
    Pass(rule: [.reads, .items], needed: [.antiDependency]),
    Pass(rule: [.reads, .items, .predicates], needed: [.predicateAntiDependency]),
  ]

  func run() {
    survey(adding: [], marked: nil)
    if countsProcessOrder { survey(adding: [.processOrder], marked: .process) }
    if looksAtRealTime {
      survey(
        adding: countsProcessOrder ? [.realTime, .processOrder] : [.realTime], marked: .realTime)
    }
    if let rules = log.judge.mixedRules { surveyMixed(rules) }
  }

  /// One round of passes; with a mark, of cycles that need an edge of that kind.
  private func survey(adding extra: BindingRule, marked mark: DependencyKind?) {
    let all: BindingRule = [.reads, .items, .predicates]
    let whole = CycleSearch(graph, .uniform(all.union(extra))).components()
    guard !whole.isEmpty else { return }
    var isActive = [Bool](repeating: false, count: graph.nodeCount)
    for component in whole {
      for node in component { isActive[Int(node)] = true }
    }
    var told: Set<String> = []
    for pass in Self.passes {
      let search = CycleSearch(graph, .uniform(pass.rule.union(extra)), isActive: isActive)
      let components = search.components()
      guard !components.isEmpty else { continue }
      var witness = CycleWitness(search, components: components)
      for component in components {
        let cycles = witness.cycles(
          in: component,
          through: { kind in
            if let mark, pass.closing == nil { return kind == mark }
            return pass.needed.contains(kind)
          }, closing: pass.closing.map { $0.union(extra) })
        for cycle in cycles where mark == nil || cycle.contains(where: { $0.kind == mark }) {
          tell(cycle, &told)
        }
      }
    }
  }

  /// Each cycle once: several passes may find the same.
  private func tell(_ cycle: [Dependency], _ told: inout Set<String>) {
    let nodes = cycle.map(\.from).sorted()
    guard told.insert("\(Anomaly.name(of: cycle)) \(nodes)").inserted else { return }
    log.record(
      Anomaly(
        cycle: cycle,
        isForbidden: log.judge.forbids(cycle, countsProcessOrder: countsProcessOrder)))
  }

  /// Cycles that count by the levels of their own transactions.
  private func surveyMixed(_ rules: BindingRules) {
    let search = CycleSearch(graph, rules)
    let components = search.components()
    guard !components.isEmpty else { return }
    var witness = CycleWitness(search, components: components)
    for component in components {
      for cycle in witness.cycles(in: component, through: { _ in true }) {
        log.record(Anomaly(cycle: cycle, isForbidden: true))
      }
    }
  }
}
