/// Operations on one object, each as a condition on the state and a value that replaces it, with
/// numbers for the states: what `RegisterSearch` works on.
struct RegisterProblem {
  /// One operation.
  struct Operation {
    let invoked: UInt64
    let returned: UInt64
    /// Need never be done.
    let isUnknown: Bool
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
