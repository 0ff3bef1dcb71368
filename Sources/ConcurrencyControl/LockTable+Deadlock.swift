package import Primitives

// Circles in the graph of waits (rules L7, L8). An edge leads from whoever waits
// - for a key or a keyspace: to every holder of an incompatible mode, and for a new request also
//   to every converter and to every older request in its queue, since it will not overtake them;
// - at the gate: to whoever is in the way there;
// and from every transaction to those that were begun inside its body.
extension LockTable {
  /// Whom a transaction waits for, directly: each once, none if it does not wait.
  package func blockers(of transaction: TransactionID) -> [TransactionID] {
    guard let owner = claimantIndex(transaction) else { return [] }
    var found: [Int32] = []
    addBlockers(of: owner, to: &found, isWhole: true)
    var blockers: [TransactionID] = []
    for index in found where !blockers.contains(claimants[Int(index)].transaction) {
      blockers.append(claimants[Int(index)].transaction)
    }
    return blockers
  }

  /// Breaks one circle through a transaction that waits; false: there is none.
  mutating func breakCircle(through owner: Int32, notices: inout [LockNotice]) -> Bool {
    let circle = shortestCircle(through: owner)
    guard !circle.isEmpty else { return false }
    let victim = chooseVictim(of: circle)
    notices.append(
      LockNotice(
        claimants[Int(victim)].transaction,
        .deadlock(cycle: circle.map { claimants[Int($0)].transaction })))
    withdraw(victim, notices: &notices)
    return true
  }

  /// Fewest bytes written, then youngest; never one that was a victim too often, unless all were;
  /// and of those that wait here, since others can give nothing up.
  private func chooseVictim(of circle: [Int32]) -> Int32 {
    func isLess(_ left: Int32, _ right: Int32) -> Bool {
      let (left, right) = (claimants[Int(left)], claimants[Int(right)])
      let (leftSpared, rightSpared) =
        (left.timesVictim >= exemptAfter, right.timesVictim >= exemptAfter)
      if leftSpared != rightSpared { return rightSpared }
      if left.weight != right.weight { return left.weight < right.weight }
      return left.transaction > right.transaction
    }
    let waiting = circle.lazy.filter { claimants[Int($0)].isWaiting }
    guard let victim = waiting.min(by: isLess) else { preconditionFailure("nobody waits") }
    return victim
  }

  /// A shortest circle of waits through a transaction that waits, beginning with it; empty: none.
  ///
  /// The search goes breadth first, in a graph with fewer edges and the same paths: of the older
  /// requests in a key's queue it takes the next one only, whose edges lead on to the rest. Where
  /// it walked along a queue, the circle is cut short afterwards.
  private mutating func shortestCircle(through start: Int32) -> [Int32] {
    searchNumber &+= 1
    frontier.removeAll(keepingCapacity: true)
    frontier.append(start)
    var found = takeScratch()
    defer { scratch = found }
    var position = 0
    while position < frontier.count {
      let waiter = frontier[position]
      position += 1
      found.removeAll(keepingCapacity: true)
      addBlockers(of: waiter, to: &found, isWhole: false)
      for other in found {
        if other == start { return shortened(pathTo: waiter) }
        if visit(other, from: waiter) { frontier.append(other) }
      }
    }
    return []
  }

  /// The list of edges, out of the table while it is filled from the table.
  private mutating func takeScratch() -> [Int32] {
    var taken: [Int32] = []
    swap(&taken, &scratch)
    return taken
  }

  /// Notes whence a transaction was reached; true when it is new and may wait itself.
  private mutating func visit(_ claimant: Int32, from parent: Int32) -> Bool {
    guard claimants[Int(claimant)].isWaiting || nestedCount > 0,
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
      if isNewWaiter(path[index - 1], onKeyOf: path[index]),
        isNewWaiter(path[index], onKeyOf: path[index + 1])
      {
        path.remove(at: index)
      } else {
        index += 1
      }
    }
    return path
  }

  /// Whether a transaction waits with a new request for the key for which another waits.
  private func isNewWaiter(_ claimant: Int32, onKeyOf other: Int32) -> Bool {
    let (asked, otherAsked) = (claimants[Int(claimant)].asked, claimants[Int(other)].asked)
    guard asked.stage == .key, otherAsked.stage == .key else { return false }
    let request = requests[Int(asked.request)]
    return request.granted == nil && request.name == requests[Int(otherAsked.request)].name
  }

  // MARK: Edges

  /// - Parameter isWhole: whether all older requests in a key's queue are wanted, or the next one
  ///   alone.
  private func addBlockers(of waiter: Int32, to found: inout [Int32], isWhole: Bool) {
    let asked = claimants[Int(waiter)].asked
    switch asked.stage {
    case .nothing: break
    case .escalation: addKeyspaceBlockers(of: asked.escalating, to: &found)
    case .keyspace: addKeyspaceBlockers(of: asked.member, to: &found)
    case .interval:
      let gate = spaces[Int(members[Int(asked.member)].space)].gate
      guard let place = gate.firstIndex(of: waiter) else {
        preconditionFailure("a wait outside the gate")
      }
      forEachObstacle(of: waiter, before: place) {
        found.append($0)
        return true
      }
    case .key: addKeyBlockers(of: asked.request, to: &found, isWhole: isWhole)
    }
    guard nestedCount > 0 else { return }
    let transaction = claimants[Int(waiter)].transaction
    for index in claimants.indices where claimants[index].enclosing == transaction {
      found.append(Int32(index))
    }
  }

  private func addKeyspaceBlockers(of waiter: Int32, to found: inout [Int32]) {
    let member = members[Int(waiter)]
    guard let wanted = member.wanted else { preconditionFailure("a wait without a wish") }
    var other = spaces[Int(member.space)].firstMember
    while other != Member.none {
      if other != waiter, let held = members[Int(other)].granted, !held.isCompatible(with: wanted) {
        found.append(members[Int(other)].owner)
      }
      other = members[Int(other)].next
    }
    guard member.granted == nil else { return }
    for older in spaces[Int(member.space)].queue.prefix(while: { $0 != waiter }) {
      found.append(members[Int(older)].owner)
    }
  }

  private func addKeyBlockers(of index: Int32, to found: inout [Int32], isWhole: Bool) {
    guard let slot = slotFound(for: requests[Int(index)].name),
      let wanted = requests[Int(index)].wanted
    else { preconditionFailure("a wait without a lock") }
    let owner = requests[Int(index)].owner
    let isNew = requests[Int(index)].granted == nil
    var other = slots[slot].head
    while other != Request.none, !(isNew && other == index) {
      let request = requests[Int(other)]
      let isInTheWay =
        request.granted.map { held in
          request.owner != owner
            && (!held.isCompatible(with: wanted) || (isNew && request.wanted != nil))
        } ?? (isNew && (isWhole || request.next == index))
      if isInTheWay { found.append(request.owner) }
      other = request.next
    }
  }
}
