/// Operations in an order of their own, of which the first that is not done is wanted again and
/// again: found in amortised constant time, since the search mostly goes on and seldom back.
struct PendingQueue {
  private var members: [Int32] = []
  /// Everything in front of it is done.
  private var next = 0

  /// - Returns: the place, to be named when the operation is undone.
  mutating func append(_ operation: Int) -> Int32 {
    members.append(Int32(operation))
    return Int32(members.count - 1)
  }

  /// The first operation that is not done.
  mutating func first(pending isDone: [Bool]) -> Int? {
    while next < members.count {
      let operation = Int(members[next])
      if !isDone[operation] { return operation }
      next += 1
    }
    return nil
  }

  /// An operation is not done any more.
  mutating func reopen(_ place: Int32) { next = min(next, Int(place)) }
}
