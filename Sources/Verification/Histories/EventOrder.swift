/// The orders that a history has apart from what was read: of real time, and of each process.
enum EventOrder {
  /// Edges from each transaction to those that were invoked after it had completed, without those
  /// that follow from others: the transitive reduction.
  ///
  /// One pass over the events in order. The frontier holds what has completed and is not yet
  /// followed by anything that has completed as well; it is never larger than the number of
  /// processes, so there are at most as many edges as transactions times processes. An unknown
  /// outcome never completes, so nothing follows it; failed transactions have no place.
  static func realTime(_ history: History) -> [Dependency] {
    var events: [(index: Int, transaction: Int32, isCompletion: Bool)] = []
    for (number, transaction) in history.transactions.enumerated()
    where transaction.outcome != .fail {
      events.append((transaction.invocationIndex, Int32(number), false))
      if transaction.outcome == .ok, let completion = transaction.completionIndex {
        events.append((completion, Int32(number), true))
      }
    }
    events.sort { $0.index < $1.index }
    var edges: [Dependency] = []
    var frontier: [(transaction: Int32, completion: Int)] = []
    for event in events {
      if event.isCompletion {
        let invocation = history.transactions[Int(event.transaction)].invocationIndex
        frontier.removeAll { $0.completion < invocation }
        frontier.append((event.transaction, event.index))
      } else {
        for earlier in frontier {
          edges.append(
            Dependency(from: earlier.transaction, to: event.transaction, kind: .realTime))
        }
      }
    }
    return edges
  }

  /// Edges from each transaction of a process to the next.
  static func processes(_ history: History) -> [Dependency] {
    var last: [Int: Int32] = [:]
    var edges: [Dependency] = []
    for (number, transaction) in history.transactions.enumerated()
    where transaction.outcome != .fail {
      if let earlier = last.updateValue(Int32(number), forKey: transaction.process) {
        edges.append(Dependency(from: earlier, to: Int32(number), kind: .process))
      }
    }
    return edges
  }
}
