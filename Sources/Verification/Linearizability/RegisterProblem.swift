/// Operations on one object, each as a condition on the state and a value that replaces it, with
/// numbers for the states: what `RegisterSearch` works on.
struct RegisterProblem {
  /// One operation.
  struct Operation {
    var invoked: UInt64
    var returned: UInt64
    /// Need never be done.
    var isUnknown: Bool
    let requirement: Footprint<Int>.Requirement
    /// Nil leaves the state as it is, whatever it is.
    let effect: Int?
  }

  /// Ascending by their invocation.
  private(set) var operations: [Operation] = []
  /// States are numbered from zero.
  private(set) var stateCount = 1
  /// The number of the first state.
  let initial = 0

  /// - Parameter operations: of one object, ascending by their invocation.
  /// - Returns: nil when one of them has no footprint.
  init?<Model: SequentialModel>(
    _ operations: [TimedOperation<Model>], from initial: Model.State, by model: Model
  ) {
    var numbers = [initial: 0]
    func number(_ state: Model.State) -> Int {
      if let number = numbers[state] { return number }
      numbers[state] = numbers.count
      return numbers.count - 1
    }
    self.operations.reserveCapacity(operations.count)
    for operation in operations {
      guard let footprint = model.footprint(of: operation.call, answer: operation.answer) else {
        return nil
      }
      let effect = footprint.effect.map(number)
      // Whoever changes nothing and was not answered proves nothing.
      if operation.isUnknown && effect == nil { continue }
      let requirement: Footprint<Int>.Requirement =
        switch footprint.requirement {
        case .any: .any
        case .only(let state): .only(number(state))
        case .not(let state): .not(number(state))
        }
      self.operations.append(
        Operation(
          invoked: operation.invoked, returned: operation.returned,
          isUnknown: operation.isUnknown, requirement: requirement, effect: effect))
    }
    stateCount = numbers.count
    tighten()
  }

  /// Draws the conclusions that need no search. Where a single operation leads to a state, it comes
  /// before all that need this state: so it takes effect before the first of them returns, for
  /// certain, even if nobody was told; and they come after its invocation.
  private mutating func tighten() {
    var suppliers = [Int](repeating: -1, count: stateCount)
    for (number, operation) in operations.enumerated() {
      guard let effect = operation.effect else { continue }
      suppliers[effect] = suppliers[effect] == -1 ? number : -2
    }
    // The first state has been there without an operation.
    suppliers[initial] = -2
    func supplier(of number: Int) -> Int? {
      guard case .only(let state) = operations[number].requirement, suppliers[state] >= 0,
        suppliers[state] != number
      else { return nil }
      return suppliers[state]
    }
    // From the last invocation to the first, so that a chain is mostly done in one pass.
    var hasChanged = true
    var passCount = 0
    while hasChanged && passCount < 8 {
      hasChanged = false
      passCount += 1
      for number in operations.indices.reversed() where !operations[number].isUnknown {
        guard let supplier = supplier(of: number) else { continue }
        let returned = operations[number].returned
        guard operations[supplier].isUnknown || operations[supplier].returned > returned else {
          continue
        }
        operations[supplier].isUnknown = false
        operations[supplier].returned = returned
        hasChanged = true
      }
    }
    for number in operations.indices {
      if let supplier = supplier(of: number) {
        operations[number].invoked = max(
          operations[number].invoked, operations[supplier].invoked)
      }
    }
    operations.sort { ($0.invoked, $0.returned) < ($1.invoked, $1.returned) }
  }
}

extension RegisterProblem.Operation {
  func isPossible(in state: Int) -> Bool {
    switch requirement {
    case .any: true
    case .only(let only): only == state
    case .not(let not): not != state
    }
  }
}
