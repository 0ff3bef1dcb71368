import Seeds
import Testing
import Verification

/// Small random histories whose reads are complete, beside a search of all orders.
@Suite struct `The history checker and brute force` {
  /// Transactions with lists that follow no rule: each read shows any beginning of the final list.
  static func random(
    _ generator: inout SplitMix, transactionCount: Int, keyCount: Int
  ) -> History {
    struct Pending { var key: Int, value: Int }
    var plans: [[HistoryOperation]] = []
    var appends: [[[Int]]] = []  // by key and transaction
    var value = 0
    appends = [[[Int]]](
      repeating: [[Int]](repeating: [], count: transactionCount), count: keyCount)
    for number in 0..<transactionCount {
      var operations: [HistoryOperation] = []
      for _ in 0..<1 + generator.below(3) {
        let key = generator.below(keyCount)
        switch generator.below(5) {
        case 0, 1:
          value += 1
          operations.append(append(key, value))
          appends[key][number].append(value)
        case 2: operations.append(.scan(lower: 0, upper: keyCount, nil))
        default: operations.append(.read(key: key, nil))
        }
      }
      plans.append(operations)
    }
    // The final order of each list: mostly whole transactions, one after the other.
    let order = Array(0..<transactionCount).shuffled(using: &generator)
    let final: [[Int]] = (0..<keyCount).map { key in
      let mine = generator.below(3) == 0 ? order.shuffled(using: &generator) : order
      return mine.flatMap { appends[key][$0] }
    }
    // How many transactions a transaction sees: mostly all before it.
    let snapshots = (0..<transactionCount).map { number in
      let place = order.firstIndex(of: number) ?? 0
      return generator.below(3) == 0 ? generator.below(place + 1) : place
    }
    func answer(_ key: Int, _ number: Int, _ written: [Int]) -> [Int] {
      // Mostly what a serial run would answer.
      var others = final[key].filter { !appends[key][number].contains($0) }
      if generator.below(4) > 0 {
        let before = Set(order.prefix(snapshots[number]))
        others = others.filter { value in before.contains { appends[key][$0].contains(value) } }
      } else {
        others = Array(others.prefix(generator.below(others.count + 1)))
      }
      return others + written
    }
    var history = History()
    for (number, plan) in plans.enumerated() {
      var written = [[Int]](repeating: [], count: keyCount)
      let operations = plan.map { operation -> HistoryOperation in
        switch operation {
        case .append(let key, let value):
          written[key].append(value)
          return operation
        case .read(let key, _): return .read(key: key, .list(answer(key, number, written[key])))
        default:
          let entries = (0..<keyCount).map {
            HistoryEntry($0, .list(answer($0, number, written[$0])))
          }
          return .scan(lower: 0, upper: keyCount, entries.filter { $0.value != .list([]) })
        }
      }
      history.transactions.append(
        HistoryTransaction(
          process: number, operations, invocationIndex: 0, completionIndex: 0))
    }
    // Any order of invocations and completions.
    var places = Array(0..<2 * transactionCount).shuffled(using: &generator)
    for number in 0..<transactionCount {
      let pair = [places.removeLast(), places.removeLast()].sorted()
      history.transactions[number].invocationIndex = pair[0]
      history.transactions[number].completionIndex = pair[1]
    }
    history.transactions.append(
      HistoryTransaction(
        process: transactionCount,
        (0..<keyCount).map { .read(key: $0, .list(final[$0])) },
        invocationIndex: 2 * transactionCount, completionIndex: 2 * transactionCount + 1))
    history.transactions.sort { $0.invocationIndex < $1.invocationIndex }
    return history
  }

  /// Runs a transaction on lists; false when it would have answered otherwise.
  static func replay(_ transaction: HistoryTransaction, _ lists: inout [Int: [Int]]) -> Bool {
    for operation in transaction.operations {
      switch operation {
      case .append(let key, let value): lists[key, default: []].append(value)
      case .read(let key, .list(let elements)?):
        if lists[key, default: []] != elements { return false }
      case .scan(let lower, let upper, let entries?):
        let expected = (lower..<upper).compactMap { key in
          lists[key].map { HistoryEntry(key, .list($0)) }
        }
        if entries != expected { return false }
      default: return false
      }
    }
    return true
  }

  /// Whether some order explains every answer; in real time when asked.
  static func isSerializable(_ history: History, inRealTime: Bool) -> Bool {
    let transactions = history.transactions
    func extend(_ lists: [Int: [Int]], _ rest: [Int]) -> Bool {
      if rest.isEmpty { return true }
      for number in rest {
        let mustWait =
          inRealTime
          && rest.contains {
            $0 != number
              && (transactions[$0].completionIndex ?? .max) < transactions[number].invocationIndex
          }
        var next = lists
        if !mustWait, replay(transactions[number], &next),
          extend(next, rest.filter { $0 != number })
        {
          return true
        }
      }
      return false
    }
    return extend([:], Array(transactions.indices))
  }

  /// Whether some order of beginnings and commits explains every answer, each transaction on the
  /// snapshot of its beginning, and of two that write a key one commits before the other begins.
  static func isSnapshotIsolated(_ history: History) -> Bool {
    let transactions = history.transactions
    let written = transactions.map { transaction in
      Set(
        transaction.operations.compactMap { operation -> Int? in
          if case .append(let key, _) = operation { key } else { nil }
        })
    }
    func extend(
      _ lists: [Int: [Int]], waiting: [Int], running: [Int: Set<Int>]
    ) -> Bool {
      if waiting.isEmpty, running.isEmpty { return true }
      for number in waiting {
        var own = lists
        guard replay(transactions[number], &own) else { continue }
        var next = running
        next[number] = []
        if extend(lists, waiting: waiting.filter { $0 != number }, running: next) { return true }
      }
      for (number, lost) in running where lost.isDisjoint(with: written[number]) {
        var committed = lists
        for case .append(let key, let value) in transactions[number].operations {
          committed[key, default: []].append(value)
        }
        var next = running
        next[number] = nil
        for other in next.keys { next[other]?.formUnion(written[number]) }
        if extend(committed, waiting: waiting, running: next) { return true }
      }
      return false
    }
    return extend([:], waiting: Array(transactions.indices), running: [:])
  }

  @Test func `agree about serializability, also in real time`() throws {
    var generator = SplitMix(Seed.take(for: #function))
    var counts = [false: 0, true: 0]
    for _ in 0..<1_500 {
      let history = Self.random(
        &generator, transactionCount: 2 + generator.below(3), keyCount: 1 + generator.below(3))
      for inRealTime in [false, true] {
        let model: ConsistencyModel = inRealTime ? .strictSerializable : .serializable
        let report = try HistoryChecker(.uniform(model)).check(history)
        let expected = Self.isSerializable(history, inRealTime: inRealTime)
        counts[expected, default: 0] += 1
        try #require(report.isValid == expected, "\(history) \(report.examples)")
      }
    }
    #expect(counts.values.allSatisfy { $0 > 250 }, "\(counts)")
  }

  @Test func `agree about snapshot isolation`() throws {
    var generator = SplitMix(Seed.take(for: #function))
    var counts = [false: 0, true: 0]
    var skews = 0
    for _ in 0..<1_000 {
      let history = Self.random(&generator, transactionCount: 3, keyCount: 1 + generator.below(3))
      let report = try HistoryChecker(.uniform(.snapshotIsolation)).check(history)
      let expected = Self.isSnapshotIsolated(history)
      counts[expected, default: 0] += 1
      if expected, !Self.isSerializable(history, inRealTime: false) { skews += 1 }
      try #require(report.isValid == expected, "\(history) \(report.examples)")
    }
    #expect(counts.values.allSatisfy { $0 > 150 }, "\(counts)")
    #expect(skews > 3)
  }

  @Test func `judge a mix of one level as that level`() throws {
    var generator = SplitMix(Seed.take(for: #function))
    for _ in 0..<500 {
      var history = Self.random(&generator, transactionCount: 4, keyCount: 2)
      for level in ConsistencyModel.allCases {
        for number in history.transactions.indices { history.transactions[number].level = level }
        let uniform = try HistoryChecker(.uniform(level)).check(history)
        let mixed = try HistoryChecker(.mixed).check(history)
        try #require(uniform.isValid == mixed.isValid, "\(level) \(history)")
      }
    }
  }
}
