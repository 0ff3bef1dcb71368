/// Finds the smallest evidence that operations on one object cannot be ordered.
///
/// First the end: the earliest time up to which the answers contradict each other already, with
/// everything that had not returned then counted as unknown. Then the beginning: the latest
/// time from which on they still do, whatever the state was then, with everything under way then
/// counted as unknown too. Then each operation between that is not needed.
///
/// - Invariant VI1: what is told contradicts itself, whatever is left out: each step was confirmed by
///   a search that found no order. (At the limit of a search a step is not taken.)
struct ViolationSearch<Model: SequentialModel> {
  private let checker: LinearizabilityChecker<Model>
  private let key: Model.Key
  /// Ascending by their invocation.
  private let operations: [TimedOperation<Model>]

  /// - Precondition: the operations, all on the key, cannot be ordered.
  init(
    _ checker: LinearizabilityChecker<Model>, key: Model.Key, _ operations: [TimedOperation<Model>]
  ) {
    self.checker = checker
    self.key = key
    self.operations = operations.sorted { ($0.invoked, $0.returned) < ($1.invoked, $1.returned) }
  }

  func violation() -> LinearizabilityViolation<Model> {
    let ends = Set(operations.lazy.filter { !$0.isUnknown }.map(\.returned)).sorted()
    let end = ends[
      Self.firstIndex(of: ends.indices) { isImpossible(ending(ends[$0]), from: .beginning) }]
    var window = ending(end)
    var start = Start.beginning
    if let states = allStates() {
      let begins = Set(window.map(\.invoked)).sorted()
      func isContradiction(from begin: UInt64) -> Bool {
        isImpossible(beginning(begin, window), from: .any(states, at: begin))
      }
      // From the end in growing strides, as the window is mostly short and long ones are dear.
      var stride = 1
      while stride < begins.count, !isContradiction(from: begins[begins.count - stride]) {
        stride *= 2
      }
      let low = max(0, begins.count - stride)
      let first = Self.firstIndex(of: low..<begins.count - stride / 2 + 1) {
        $0 == begins.count || !isContradiction(from: begins[$0])
      }
      if first > low {
        start = .any(states, at: begins[first - 1])
        window = beginning(begins[first - 1], window)
      }
    }
    window.removeAll { operation in
      operation.isUnknown && !hasEffect(operation)
    }
    reduce(&window, from: start)
    return LinearizabilityViolation(
      key: key, model: checker.model, begin: start.time, end: end, window)
  }

  /// The state before the window of time that is looked at.
  private enum Start {
    /// That of a new object.
    case beginning
    /// Any of these.
    case any([Model.State], at: UInt64)

    var time: UInt64 {
      switch self {
      case .beginning: 0
      case .any(_, let time): time
      }
    }
  }

  private func isImpossible(_ some: [TimedOperation<Model>], from start: Start) -> Bool {
    let states =
      switch start {
      case .beginning: [checker.model.initialState(of: key)]
      case .any(let states, _): distinguishable(states, by: some)
      }
    return states.allSatisfy { checker.decide(some, from: $0).0 == .impossible }
  }

  // MARK: Windows

  /// The first index at which a condition holds that holds from there on, as it does at the last.
  private static func firstIndex(of indices: Range<Int>, _ holds: (Int) -> Bool) -> Int {
    var low = indices.lowerBound
    var high = indices.upperBound - 1
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func ending(_ end: UInt64) -> [TimedOperation<Model>] {
    operations.filter { $0.invoked <= end }.map { $0.returned <= end ? $0 : $0.withoutAnswer }
  }

  private func beginning(
    _ begin: UInt64, _ some: [TimedOperation<Model>]
  ) -> [TimedOperation<Model>] {
    some.filter { $0.returned >= begin }.map { $0.invoked >= begin ? $0 : $0.withoutAnswer }
  }

  /// Takes the answers of operations away, many at once first, as long as the rest contradicts
  /// itself.
  private func reduce(_ window: inout [TimedOperation<Model>], from start: Start) {
    var size = max(1, window.count / 2)
    while true {
      var position = 0
      while position < window.count {
        let chunk = position..<min(position + size, window.count)
        position = chunk.upperBound
        guard window[chunk].contains(where: { !$0.isUnknown }) else { continue }
        var weaker = window
        for index in chunk { weaker[index] = window[index].withoutAnswer }
        guard isImpossible(weaker, from: start) else { continue }
        let count = weaker.count
        weaker.removeAll { $0.isUnknown && !hasEffect($0) }
        position -= count - weaker.count
        window = weaker
      }
      if size == 1 { return }
      size = (size + 1) / 2
    }
  }

  // MARK: States

  /// Every state that the object can have been in: nil where nobody can tell.
  private func allStates() -> [Model.State]? {
    var seen: Set<Model.State> = []
    var result: [Model.State] = []
    func add(_ state: Model.State) { if seen.insert(state).inserted { result.append(state) } }
    add(checker.model.initialState(of: key))
    for operation in operations {
      guard
        let footprint = checker.model.footprint(of: operation.call, answer: operation.answer)
      else { return nil }
      if let effect = footprint.effect { add(effect) }
    }
    return result
  }

  /// False only when the operation, done or not, cannot matter.
  private func hasEffect(_ operation: TimedOperation<Model>) -> Bool {
    guard let footprint = checker.model.footprint(of: operation.call, answer: operation.answer)
    else { return true }
    return footprint.effect != nil
  }

  /// Those of the states for which the operations ask, and one for all others.
  private func distinguishable(
    _ states: [Model.State], by some: [TimedOperation<Model>]
  ) -> [Model.State] {
    var asked: Set<Model.State> = []
    for operation in some {
      switch checker.model.footprint(of: operation.call, answer: operation.answer)?.requirement {
      case .only(let state), .not(let state): asked.insert(state)
      case .any, nil: break
      }
    }
    return states.filter(asked.contains) + states.lazy.filter { !asked.contains($0) }.prefix(1)
  }
}
