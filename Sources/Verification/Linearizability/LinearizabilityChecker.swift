/// Decides whether concurrent operations on some objects could have happened one after the other,
/// each at one moment between its invocation and its return, with the answers that they gave.
///
/// The naive way tries all orders. The way taken is the search of Wing and Gong (1993), which orders
/// one operation after the other among those that nothing has to precede, with what made it
/// practical: each object by itself (P-compositionality), and no combination of operations done
/// and state reached is tried twice (Lowe, "Testing for linearizability", 2017; Porcupine does the
/// same). Added here:
///
/// - An operation of unknown outcome need never be done. So a combination is not tried either when
///   one with the same state, the same known operations and fewer of the unknown was tried in vain.
/// - Where every operation is a condition and a value (`Footprint`), as in a register, most steps
///   need no choice, and dead ends show early: see `RegisterSearch`, which keeps near to linear
///   time where the general search has to look at all subsets of what is concurrent.
///
/// A violation comes with the shortest window of operations that contradict each other.
///
/// - Complexity: the question is NP-complete. Registers whose values are mostly written once take
///   time near to linear in practice; a limit bounds the rest.
public struct LinearizabilityChecker<Model: SequentialModel>: Sendable {
  /// What the objects do.
  public var model: Model
  /// How many partial orders of one key are looked at before it counts as undecided.
  public var stepLimit = 20_000_000

  /// A checker of objects of a kind.
  public init(_ model: Model) { self.model = model }

  /// Checks a history: operations on any keys, in any order.
  public func check(_ history: [TimedOperation<Model>]) -> LinearizabilityReport<Model> {
    var report = LinearizabilityReport<Model>()
    report.operationCount = history.count
    report.unknownCount = history.count { $0.isUnknown }
    let objects = Dictionary(grouping: history, by: \.key)
    report.keyCount = objects.count
    for (key, operations) in objects.sorted(by: { $0.key < $1.key }) {
      let (verdict, stepCount) = decide(operations, from: model.initialState(of: key))
      report.stepCount += stepCount
      switch verdict {
      case .possible: break
      case .undecided: report.undecided.append(key)
      case .impossible:
        report.violations.append(ViolationSearch(self, key: key, operations).violation())
      }
    }
    return report
  }

  /// Whether operations on one object can be ordered from a state on.
  func decide(
    _ operations: [TimedOperation<Model>], from initial: Model.State
  ) -> (OrderVerdict, stepCount: Int) {
    let ordered = operations.sorted { ($0.invoked, $0.returned) < ($1.invoked, $1.returned) }
    if let problem = RegisterProblem(ordered, from: initial, by: model) {
      var search = RegisterSearch(problem, stepLimit: stepLimit)
      return (search.run(), search.stepCount)
    }
    var search = ModelSearch(ordered, from: initial, by: model, stepLimit: stepLimit)
    return (search.run(), search.stepCount)
  }
}

/// Whether operations can be ordered.
enum OrderVerdict: Hashable {
  case possible
  case impossible
  /// The search ended at its limit.
  case undecided
}
