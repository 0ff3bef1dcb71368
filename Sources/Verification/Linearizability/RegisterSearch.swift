/// The search for an order of operations on one register-like object (`RegisterProblem`): that of
/// `ModelSearch` with four observations, by which most steps need no choice.
///
/// - Invariant RS1: an operation without effect that is possible now, and that nothing has to precede
///   any more, is done at once. *Any order that does it later does as well with it moved to here: it
///   changes nothing.*
/// - Invariant RS2: a state is not left while an operation needs it that returned before every
///   pending operation that could bring the state back was invoked.
/// - Invariant RS3: a write is *settled* when, done now, all that see its value can be done with it:
///   then it is done, without an alternative. *In any order that does it later, move it to here with
///   those that see its value there. Until the next write the moved ones saw its value before and
///   see it now; those in front of which it is moved start with a write, or RS1 would have done
///   them; and those that stood behind it saw a value that they must not have seen only
///   if they refuse exactly the value that is current there now, which is asked for.*
/// - Invariant RS4: an unknown operation is done only if its value is seen, or hides one that
///   must not be seen, before some known write ends that.
///
/// Operations are sorted by invocation; "pending" is what is not done yet; a pending operation is
/// *free* when no pending known operation returned before it was invoked.
struct RegisterSearch {
  private typealias Operation = RegisterProblem.Operation

  private let operations: [Operation]
  private let horizons: WriteHorizon
  private let stepLimit: Int
  private(set) var stepCount = 0

  // What is not done yet.
  private var known: PendingOperations
  private var unknown: PendingOperations
  private var isDone: [Bool]
  private var returns: PendingQueue
  /// By state: known operations that are possible only in it, by their return.
  private var needing: [PendingQueue]
  /// By state: operations that lead to it, by their invocation.
  private var supplying: [PendingQueue]
  /// By state: pending unknown operations that do something only in it.
  private var unknownNeedCount: [Int]
  /// The places of each operation in the queues above.
  private var places: [Places]

  // What is done.
  private var state: Int
  private var done = VisitedOrders<Int>.Fingerprint()
  private var doneUnknown = VisitedOrders<Int>.UnknownSet()
  private var visited = VisitedOrders<Int>()
  private var trail: [Step] = []

  /// Whether there is an unknown operation that does nothing in one certain state.
  private let hasUnknownRefusals: Bool

  private struct Places {
    var inReturns: Int32 = 0
    var inNeeding: Int32 = 0
    var inSupplying: Int32 = 0
  }

  private struct Step {
    let operation: Int
    let state: Int
    let doneUnknown: VisitedOrders<Int>.UnknownSet
  }

  /// A point at which one of several operations comes next.
  private struct Choice {
    let trailCount: Int
    /// Last tried first.
    var candidates: [Int]
  }

  init(_ problem: RegisterProblem, stepLimit: Int) {
    operations = problem.operations
    horizons = WriteHorizon(operations)
    self.stepLimit = stepLimit
    state = problem.initial
    isDone = [Bool](repeating: false, count: operations.count)
    let knownOnes = operations.indices.filter { [operations] in !operations[$0].isUnknown }
    let unknownOnes = operations.indices.filter { [operations] in operations[$0].isUnknown }
    known = PendingOperations(knownOnes, capacity: operations.count)
    unknown = PendingOperations(unknownOnes, capacity: operations.count)
    places = [Places](repeating: Places(), count: operations.count)
    returns = PendingQueue()
    needing = [PendingQueue](repeating: PendingQueue(), count: problem.stateCount)
    supplying = needing
    unknownNeedCount = [Int](repeating: 0, count: problem.stateCount)
    hasUnknownRefusals = unknownOnes.contains { [operations] in
      if case .not = operations[$0].requirement { true } else { false }
    }
    for number in knownOnes.sorted(by: { [operations] in
      (operations[$0].returned, $0) < (operations[$1].returned, $1)
    }) {
      places[number].inReturns = returns.append(number)
      if case .only(let only) = operations[number].requirement {
        places[number].inNeeding = needing[only].append(number)
      }
    }
    for number in operations.indices {
      if let effect = operations[number].effect {
        places[number].inSupplying = supplying[effect].append(number)
      }
    }
    for number in unknownOnes {
      if case .only(let only) = operations[number].requirement { unknownNeedCount[only] += 1 }
    }
  }

  mutating func run() -> OrderVerdict {
    var choices: [Choice] = []
    while true {
      doEverythingWithoutEffect()
      if known.count == 0 { return .possible }
      stepCount += 1
      if stepCount > stepLimit { return .undecided }
      if doSettledWrite() { continue }
      if visited.enter(known: done, unknown: doneUnknown, state: state) {
        choices.append(Choice(trailCount: trail.count, candidates: candidates()))
      }
      if !doNextChoice(&choices) { return .impossible }
    }
  }

  /// Goes back to the last choice with something left to try, and tries it.
  private mutating func doNextChoice(_ choices: inout [Choice]) -> Bool {
    while !choices.isEmpty {
      undo(to: choices[choices.count - 1].trailCount)
      while let candidate = choices[choices.count - 1].candidates.popLast() {
        if take(candidate) { return true }
        undo(to: choices[choices.count - 1].trailCount)
      }
      choices.removeLast()
    }
    return false
  }

  /// Ways to go on that change the state: the earliest return last, as it is the first to be tried,
  /// unknown operations before all others.
  private mutating func candidates() -> [Int] {
    let limit = freeUntil()
    var result: [Int] = []
    var next = known.first
    while let number = next, operations[number].invoked <= limit {
      if operations[number].effect != nil, operations[number].isPossible(in: state) {
        result.append(number)
      }
      next = known.after(number)
    }
    result.sort { (operations[$0].returned, $0) > (operations[$1].returned, $1) }
    return usefulUnknown(until: limit).reversed() + result
  }

  /// RS4: which unknown operations may be worth doing now.
  private func usefulUnknown(until limit: UInt64) -> [Int] {
    guard let first = unknown.first, operations[first].invoked <= limit else { return [] }
    // When the first known write that is pending now has returned, no value of now is left.
    var end = UInt64.max
    var next = known.first
    var needed: Set<Int> = []
    var isStateRefused = false
    while let number = next, operations[number].invoked <= end {
      let operation = operations[number]
      if operation.effect != nil { end = min(end, operation.returned) }
      switch operation.requirement {
      case .any: break
      case .only(let only): needed.insert(only)
      case .not(let not): isStateRefused = isStateRefused || not == state
      }
      next = known.after(number)
    }
    var result: [Int] = []
    var candidate = unknown.first
    while let number = candidate, operations[number].invoked <= limit {
      if let effect = operations[number].effect, effect != state,
        operations[number].isPossible(in: state),
        isStateRefused || needed.contains(effect) || unknownNeedCount[effect] > 0
      {
        result.append(number)
      }
      candidate = unknown.after(number)
    }
    return result
  }

  // MARK: Steps without a choice

  /// RS1.
  private mutating func doEverythingWithoutEffect() {
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      let limit = freeUntil()
      var next = known.first
      while let number = next, operations[number].invoked <= limit {
        next = known.after(number)
        if operations[number].effect == nil, operations[number].isPossible(in: state) {
          _ = take(number)
          hasChanged = true
        }
      }
    }
  }

  /// RS3: does a settled write, if there is one.
  private mutating func doSettledWrite() -> Bool {
    guard unknownNeedCount[state] == 0 else { return false }
    let limit = freeUntil()
    var writes: [Int] = []
    var refused: [Int] = []
    var next = known.first
    while let number = next, operations[number].invoked <= limit {
      next = known.after(number)
      guard let effect = operations[number].effect else { continue }
      switch operations[number].requirement {
      case .any: if effect != state { writes.append(number) }
      case .only(let only): if only == state { return false }
      case .not(let not): refused.append(not)
      }
    }
    for write in writes {
      let trailCount = trail.count
      if takeChain(from: write), !refused.contains(state) { return true }
      undo(to: trailCount)
    }
    return false
  }

  /// Does a write, all that see its value and, where a conditional write is the only one that can
  /// follow, that one too and so on. False when the end is not settled.
  private mutating func takeChain(from write: Int) -> Bool {
    var last = write
    while take(last) {
      guard unknownNeedCount[state] == 0 else { return false }
      doEverythingWithoutEffect()
      guard let following = needing[state].first(pending: isDone),
        supplying[state].first(pending: isDone) == nil,
        operations[following].effect != nil, operations[following].invoked <= freeUntil()
      else { return isSettled(from: write, to: last) }
      last = following
    }
    return false
  }

  /// Whether nobody is left who may have seen the value of the last of some writes that were just
  /// done, nor one who would refuse what may be there in their stead.
  private mutating func isSettled(from first: Int, to last: Int) -> Bool {
    guard !hasUnknownRefusals else { return false }
    let horizon = horizons.horizon(of: last)
    let returned = operations[first].returned
    var next = known.first
    var count = 0
    while let number = next, operations[number].invoked <= horizon {
      next = known.after(number)
      switch operations[number].requirement {
      case .any: break
      case .only(let only): if only == state { return false }
      case .not(let not):
        if let supplier = supplying[not].first(pending: isDone),
          operations[supplier].invoked <= returned
        {
          return false
        }
      }
      count += 1
      if count > Self.settlingLimit { return false }
    }
    return true
  }

  /// How many pending operations are looked at before a write counts as not settled.
  private static let settlingLimit = 1024

  // MARK: Doing and undoing

  /// A pending operation that was invoked up to here is free.
  private mutating func freeUntil() -> UInt64 {
    returns.first(pending: isDone).map { operations[$0].returned } ?? .max
  }

  /// Does an operation. False when that leads nowhere (RS2).
  private mutating func take(_ number: Int) -> Bool {
    let operation = operations[number]
    trail.append(Step(operation: number, state: state, doneUnknown: doneUnknown))
    isDone[number] = true
    if operation.isUnknown {
      unknown.take(number)
      doneUnknown = visited.adding(number, to: doneUnknown)
      if case .only(let only) = operation.requirement { unknownNeedCount[only] -= 1 }
    } else {
      known.take(number)
      done.toggle(number)
    }
    guard let effect = operation.effect, effect != state else { return true }
    let left = state
    state = effect
    guard let needer = needing[left].first(pending: isDone) else { return true }
    guard let supplier = supplying[left].first(pending: isDone) else { return false }
    return operations[supplier].invoked <= operations[needer].returned
  }

  private mutating func undo(to trailCount: Int) {
    while trail.count > trailCount, let step = trail.popLast() {
      let number = step.operation
      let operation = operations[number]
      isDone[number] = false
      state = step.state
      doneUnknown = step.doneUnknown
      if operation.isUnknown {
        unknown.putBack(number)
      } else {
        known.putBack(number)
        done.toggle(number)
        returns.reopen(places[number].inReturns)
      }
      if case .only(let only) = operation.requirement {
        if operation.isUnknown {
          unknownNeedCount[only] += 1
        } else {
          needing[only].reopen(places[number].inNeeding)
        }
      }
      if let effect = operation.effect { supplying[effect].reopen(places[number].inSupplying) }
    }
  }
}
