/// The search for an order of operations on one object of any kind: Wing and Gong (1993), with
/// Lowe's memory of what was tried.
///
/// - Invariant MS1: an operation is done next only if none that is not done yet returned before
///   it was invoked.
struct ModelSearch<Model: SequentialModel> {
  private let model: Model
  private let operations: [TimedOperation<Model>]
  private let stepLimit: Int
  private let initial: Model.State
  private(set) var stepCount = 0

  /// - Parameter operations: of one object, ascending by their invocation.
  init(
    _ operations: [TimedOperation<Model>], from initial: Model.State, by model: Model,
    stepLimit: Int
  ) {
    self.model = model
    self.operations = operations
    self.initial = initial
    self.stepLimit = stepLimit
  }

  /// A choice that was made, and what was before.
  private struct Choice {
    let operation: Int
    let state: Model.State
    let unknown: VisitedOrders<Model.State>.UnknownSet
  }

  mutating func run() -> OrderVerdict {
    var pending = PendingOperations(Array(operations.indices), capacity: operations.count)
    var knownCount = operations.count { !$0.isUnknown }
    var visited = VisitedOrders<Model.State>()
    var known = VisitedOrders<Model.State>.Fingerprint()
    var unknown = VisitedOrders<Model.State>.UnknownSet()
    var state = initial
    var choices: [Choice] = []
    var candidate = pending.first
    var earliestReturn = UInt64.max
    while knownCount > 0 {
      // No operation behind the first return of a pending one may come next.
      if let operation = candidate, operations[operation].invoked <= earliestReturn {
        let call = operations[operation]
        earliestReturn = min(earliestReturn, call.returned)
        candidate = pending.after(operation)
        guard let next = model.step(state, call.call, answer: call.answer) else { continue }
        var nextKnown = known
        var nextUnknown = unknown
        if call.isUnknown {
          if next == state { continue }
          nextUnknown = visited.adding(operation, to: unknown)
        } else {
          nextKnown.toggle(operation)
        }
        guard visited.enter(known: nextKnown, unknown: nextUnknown, state: next) else { continue }
        stepCount += 1
        if stepCount > stepLimit { return .undecided }
        choices.append(Choice(operation: operation, state: state, unknown: unknown))
        pending.take(operation)
        if !call.isUnknown { knownCount -= 1 }
        (state, known, unknown) = (next, nextKnown, nextUnknown)
      } else {
        guard let choice = choices.popLast() else { return .impossible }
        pending.putBack(choice.operation)
        (state, unknown) = (choice.state, choice.unknown)
        if !operations[choice.operation].isUnknown {
          known.toggle(choice.operation)
          knownCount += 1
        }
        earliestReturn = .max
        candidate = pending.first
        // The choices up to this one were tried; they bound those behind it all the same.
        while let tried = candidate, tried <= choice.operation {
          earliestReturn = min(earliestReturn, operations[tried].returned)
          candidate = pending.after(tried)
        }
        continue
      }
      earliestReturn = .max
      candidate = pending.first
    }
    return .possible
  }
}
