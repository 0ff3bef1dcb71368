import Primitives

// Circles in the graph of waits (rule L7). An edge leads from whoever waits to every holder of an
// incompatible mode, and for a new request also to every converter and to every older request
// in its queue, since it will not overtake them.
extension LockTable {
  /// A transaction has just begun to wait: breaks all circles through it.
  mutating func breakCircles(through owner: Int32, notices: inout [LockNotice]) -> LockOutcome {
    let transaction = claimants[Int(owner)].transaction
    while claimants[Int(owner)].waiting != Request.none {
      let circle = shortestCircle(through: owner)
      guard !circle.isEmpty else { return .waiting }
      let victim = chooseVictim(of: circle)
      let cycle = circle.map { claimants[Int($0)].transaction }
      if victim == owner {
        withdraw(owner, notices: &notices)
        return .deadlock(cycle: cycle)
      }
      notices.append(
        LockNotice(claimants[Int(victim)].transaction, .deadlock(cycle: cycle)))
      let count = notices.count
      withdraw(victim, notices: &notices)
      // What the withdrawal let in may be the requester itself: that is its answer, no notice.
      if let index = notices[count...].firstIndex(where: { $0.transaction == transaction }) {
        notices.remove(at: index)
        return .granted
      }
    }
    return .granted
  }

  /// Fewest bytes written, then youngest; never one that was a victim too often, unless all were.
  private func chooseVictim(of circle: [Int32]) -> Int32 {
    func isLess(_ left: Int32, _ right: Int32) -> Bool {
      let (left, right) = (claimants[Int(left)], claimants[Int(right)])
      let (leftSpared, rightSpared) =
        (left.timesVictim >= exemptAfter, right.timesVictim >= exemptAfter)
      if leftSpared != rightSpared { return rightSpared }
      if left.weight != right.weight { return left.weight < right.weight }
      return left.transaction > right.transaction
    }
    guard let victim = circle.min(by: isLess) else { preconditionFailure("an empty circle") }
    return victim
  }

  /// A shortest circle of waits through a transaction that waits, beginning with it; empty: none.
  ///
  /// The search goes breadth first, in a graph with fewer edges and the same paths: of the older
  /// requests in a queue it takes the next one only, whose edges lead on to the rest. Where it
  /// walked along a queue, the circle is cut short afterwards.
  private mutating func shortestCircle(through start: Int32) -> [Int32] {
    searchNumber &+= 1
    frontier.removeAll(keepingCapacity: true)
    frontier.append(start)
    var position = 0
    while position < frontier.count {
      let waiter = frontier[position]
      position += 1
      let index = claimants[Int(waiter)].waiting
      guard let slot = slotFound(for: requests[Int(index)].name),
        let wanted = requests[Int(index)].wanted
      else { preconditionFailure("a wait without a lock") }
      let isNew = requests[Int(index)].granted == nil
      var other = slots[slot].head
      while other != Request.none {
        let request = requests[Int(other)]
        let isInTheWay =
          request.granted.map { held in
            request.owner != waiter
              && (!held.isCompatible(with: wanted) || (isNew && request.wanted != nil))
          } ?? (isNew && request.next == index)
        if isInTheWay {
          if request.owner == start { return shortened(pathTo: waiter) }
          if visit(request.owner, from: waiter) { frontier.append(request.owner) }
        }
        if isNew && other == index { break }
        other = request.next
      }
    }
    return []
  }

  /// Notes whence a transaction was reached; true when it is new and waits itself.
  private mutating func visit(_ claimant: Int32, from parent: Int32) -> Bool {
    guard claimants[Int(claimant)].waiting != Request.none,
      claimants[Int(claimant)].searchNumber != searchNumber
    else { return false }
    claimants[Int(claimant)].searchNumber = searchNumber
    claimants[Int(claimant)].parent = parent
    return true
  }

  /// The way from the start of the search, without those who are passed only because they stand
  /// in a queue between two others.
  private func shortened(pathTo end: Int32) -> [Int32] {
    var path = [end]
    while path[path.count - 1] != frontier[0] {
      path.append(claimants[Int(path[path.count - 1])].parent)
    }
    path.reverse()
    var index = 1
    while index + 1 < path.count {
      if isNewWaiter(path[index - 1], onLockOf: path[index]),
        isNewWaiter(path[index], onLockOf: path[index + 1])
      {
        path.remove(at: index)
      } else {
        index += 1
      }
    }
    return path
  }

  /// Whether a transaction waits with a new request for the name for which another waits.
  private func isNewWaiter(_ claimant: Int32, onLockOf other: Int32) -> Bool {
    let request = requests[Int(claimants[Int(claimant)].waiting)]
    return request.granted == nil
      && request.name == requests[Int(claimants[Int(other)].waiting)].name
  }
}
