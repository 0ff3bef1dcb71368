/// By when the value of a write has certainly been overwritten: the earliest return of an
/// operation that was invoked after the write had returned and leaves another value.
struct WriteHorizon {
  /// Of the operations from one number on: the earliest return, what it leaves, and the
  /// earliest of those that leave something else.
  private struct Earliest {
    var returned = UInt64.max
    var effect = -1
    var otherReturned = UInt64.max

    mutating func include(_ time: UInt64, _ newEffect: Int) {
      if newEffect == effect {
        returned = min(returned, time)
      } else if time < returned {
        (otherReturned, returned, effect) = (returned, time, newEffect)
      } else {
        otherReturned = min(otherReturned, time)
      }
    }
  }

  private let operations: [RegisterProblem.Operation]
  private var earliest: [Earliest]

  init(_ operations: [RegisterProblem.Operation]) {
    self.operations = operations
    earliest = [Earliest](repeating: Earliest(), count: operations.count + 1)
    for number in operations.indices.reversed() {
      earliest[number] = earliest[number + 1]
      let operation = operations[number]
      if !operation.isUnknown, let effect = operation.effect {
        earliest[number].include(operation.returned, effect)
      }
    }
  }

  /// Whoever was invoked later than this never sees the value that this write left, unless
  /// another write left it again.
  func horizon(of write: Int) -> UInt64 {
    let returned = operations[write].returned
    var low = write
    var high = operations.count
    while low < high {
      let middle = (low + high) / 2
      if operations[middle].invoked > returned { high = middle } else { low = middle + 1 }
    }
    let found = earliest[low]
    return found.effect == operations[write].effect ? found.otherReturned : found.returned
  }
}
