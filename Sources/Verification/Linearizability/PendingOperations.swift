/// Operations in the order of their invocations, out of which single ones are taken and, in
/// the opposite order, put back: in constant time each (Knuth's dancing links).
struct PendingOperations {
  private var following: [Int32]
  private var preceding: [Int32]
  /// How many there are.
  private(set) var count: Int

  /// - Parameter members: ascending numbers below `capacity`.
  init(_ members: [Int], capacity: Int) {
    following = [Int32](repeating: -1, count: capacity + 1)
    preceding = following
    count = members.count
    // The last place is before the first member and behind the last one.
    var last = capacity
    for member in members {
      following[last] = Int32(member)
      preceding[member] = Int32(last)
      last = member
    }
    following[last] = Int32(capacity)
    preceding[capacity] = Int32(last)
  }

  /// The first one, or nil when there is none.
  var first: Int? { after(following.count - 1) }

  /// The one behind another.
  func after(_ member: Int) -> Int? {
    let next = Int(following[member])
    return next == following.count - 1 ? nil : next
  }

  mutating func take(_ member: Int) {
    following[Int(preceding[member])] = following[member]
    preceding[Int(following[member])] = preceding[member]
    count -= 1
  }

  /// - Precondition: whatever was taken after it is back.
  mutating func putBack(_ member: Int) {
    following[Int(preceding[member])] = Int32(member)
    preceding[Int(following[member])] = Int32(member)
    count += 1
  }
}
