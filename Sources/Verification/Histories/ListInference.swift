/// Infers dependencies between transactions that append to lists.
///
/// A list tells its own past: whoever reads it sees every version before, in order. So the longest
/// read of a key is the order of its versions, and every other read must be the beginning of it
/// (Kingsbury and Alvaro 2020, section 4).
///
/// - Invariant HI4: every edge is certain. Appends that no read shows are placed after all that are
///   shown, and not among each other; of unknown outcomes only what somebody saw is used.
struct ListInference {
  /// Unobserved appends of a key that get edges: any subset is certain, and a key that is written
  /// blindly and never read must not cost the square of its writes.
  private static let unobservedLimit = 8

  /// The versions of a key.
  private struct Trace {
    var elements: [Int] = []
    /// The write of each element; -1 when nobody wrote it.
    var writes: [Int32] = []
    /// Where the first element of an aborted transaction stands.
    var firstAborted = Int.max
    var firstGarbage = Int.max
    /// The first transaction that read so many elements and then appended.
    var updaters: [Int32] = []
    /// Writes of committed transactions that no read shows.
    var unobserved: [Int32] = []
  }

  private let history: History
  private let index: WriteIndex
  private var traces: [Trace]
  private var own: OwnView<Int>
  private var edges: [Dependency]
  private let log: FindingLog

  /// Adds to `edges` and `log` what the lists of a history tell.
  static func run(
    _ history: History, _ index: WriteIndex, _ edges: inout [Dependency], _ log: FindingLog
  ) {
    guard index.isList.contains(true) else { return }
    var inference = Self(history, index, edges, log)
    edges = []
    inference.findTraces()
    inference.examineTraces()
    inference.examineTransactions()
    edges = inference.edges
  }

  private init(_ history: History, _ index: WriteIndex, _ edges: [Dependency], _ log: FindingLog) {
    self.history = history
    self.index = index
    self.edges = edges
    self.log = log
    traces = [Trace](repeating: Trace(), count: index.keys.count)
    own = OwnView(keyCount: index.keys.count)
  }

  private func outcome(_ write: Int32) -> HistoryTransaction.Outcome {
    history.transactions[Int(index.writes[Int(write)].transaction)].outcome
  }

  private func writer(_ write: Int32) -> Int32 { index.writes[Int(write)].transaction }

  // MARK: The order of versions

  private mutating func findTraces() {
    for transaction in history.transactions where transaction.outcome == .ok {
      for operation in transaction.operations {
        switch operation {
        case .read(let key, .list(let elements)?): offer(elements, key)
        case .scan(_, _, let entries?):
          for entry in entries {
            if case .list(let elements) = entry.value { offer(elements, entry.key) }
          }
        default: break
        }
      }
    }
  }

  private mutating func offer(_ elements: [Int], _ key: Int) {
    let number = index.number(of: key)
    guard elements.count > traces[number].elements.count else { return }
    let count = soundCount(elements[...], number)
    if count > traces[number].elements.count {
      traces[number].elements = Array(elements.prefix(count))
    }
  }

  /// How many elements there are before those at the end that were rolled back: a dirty read shows
  /// such an end, and what was there before it is what its order is judged by. In the middle they
  /// are part of the order, for somebody has built on them.
  private func soundCount(_ elements: ArraySlice<Int>, _ key: Int) -> Int {
    var count = elements.count
    while count > 0, let write = index.write(elements[elements.startIndex + count - 1], to: key),
      outcome(Int32(write)) == .fail
    {
      count -= 1
    }
    return count
  }

  private mutating func examineTraces() {
    var isObserved = [Bool](repeating: false, count: index.writes.count)
    for key in traces.indices where index.isList[key] {
      var trace = traces[key]
      trace.updaters = [Int32](repeating: -1, count: trace.elements.count + 1)
      var last: Int32?
      for (place, element) in trace.elements.enumerated() {
        guard let found = index.write(element, to: key) else {
          trace.writes.append(-1)
          trace.firstGarbage = min(trace.firstGarbage, place)
          continue
        }
        let write = Int32(found)
        trace.writes.append(write)
        if isObserved[found] {
          log.add(
            .duplicateElements, wronged: [Int(writer(write))], key: index.keys[key],
            "key \(index.keys[key]) holds \(element) more than once: "
              + "\(HistoryValue.list(trace.elements))")
          continue
        }
        isObserved[found] = true
        if outcome(write) == .fail {
          trace.firstAborted = min(trace.firstAborted, place)
          continue
        }
        noteDirtyUpdate(trace, key, place, write)
        if let last { connect(last, write, key) }
        last = write
      }
      traces[key] = trace
    }
    for write in index.writes.indices where !isObserved[write] {
      let key = Int(index.writes[write].key)
      guard index.isList[key], outcome(Int32(write)) == .ok,
        traces[key].unobserved.count < Self.unobservedLimit
      else { continue }
      traces[key].unobserved.append(Int32(write))
      if let last = traces[key].writes.last(where: { $0 >= 0 && outcome($0) != .fail }) {
        connect(last, Int32(write), key)
      }
    }
  }

  private mutating func connect(_ first: Int32, _ second: Int32, _ key: Int) {
    guard writer(first) != writer(second) else { return }
    edges.append(
      Dependency(
        from: writer(first), to: writer(second), kind: .write, key: index.keys[key],
        before: index.writes[Int(first)].value, after: index.writes[Int(second)].value))
  }

  private mutating func noteDirtyUpdate(
    _ trace: Trace, _ key: Int, _ place: Int, _ write: Int32
  ) {
    guard place > 0, outcome(write) == .ok, trace.writes[place - 1] >= 0,
      outcome(trace.writes[place - 1]) == .fail
    else { return }
    let aborted = writer(trace.writes[place - 1])
    log.add(
      .dirtyUpdate, wronged: [Int(writer(write))], others: [Int(aborted)], key: index.keys[key],
      "T\(writer(write)) appended \(trace.elements[place]) to key \(index.keys[key]) behind "
        + "\(trace.elements[place - 1]), which T\(aborted) had written and rolled back")
  }

  // MARK: Reads

  private mutating func examineTransactions() {
    for (number, transaction) in history.transactions.enumerated()
    where transaction.outcome == .ok {
      for operation in transaction.operations {
        if case .append(let key, let value) = operation {
          append(value, index.number(of: key), number)
          continue
        }
        var observations: [Observation] = []
        if !operation.forEachObservation(index, { observations.append($0) }) {
          log.add(
            .malformedScan, wronged: [number],
            "T\(number) scanned and was answered out of order: \(operation)")
        }
        for observation in observations where index.isList[observation.key] {
          observe(observation, number)
        }
      }
    }
  }

  private mutating func append(_ value: Int, _ key: Int, _ transaction: Int) {
    if own.written(key, by: transaction).isEmpty, let seen = own.seen(key, by: transaction) {
      let other = traces[key].updaters[seen]
      if other < 0 {
        traces[key].updaters[seen] = Int32(transaction)
      } else {
        log.add(
          .lostUpdate, wronged: [Int(other), transaction], key: index.keys[key],
          "T\(other) and T\(transaction) both read key \(index.keys[key]) with \(seen) elements "
            + "and appended to it")
      }
    }
    own.write(value, to: key, by: transaction)
  }

  private mutating func observe(_ observation: Observation, _ transaction: Int) {
    let key = observation.key
    var elements: [Int] = []
    if case .list(let list) = observation.value { elements = list }
    let written = own.written(key, by: transaction)
    var count = elements.count - written.count
    guard count >= 0, elements[max(0, count)...].elementsEqual(written) else {
      log.add(
        .internalInconsistency, wronged: [transaction], key: index.keys[key],
        "T\(transaction) appended \(HistoryValue.list(written)) to key \(index.keys[key]) and then "
          + "read \(HistoryValue.list(elements))")
      return
    }
    if written.isEmpty {
      let sound = soundCount(elements[...], key)
      if sound < count, let write = index.write(elements[sound], to: key) {
        log.add(
          .abortedRead, wronged: [transaction], others: [Int(writer(Int32(write)))],
          key: index.keys[key],
          "T\(transaction) read \(elements[sound]) of key \(index.keys[key]), which "
            + "T\(writer(Int32(write))) had written and rolled back")
        elements.removeLast(count - sound)
        count = sound
      }
    }
    guard elements.count <= traces[key].elements.count,
      traces[key].elements.prefix(elements.count).elementsEqual(elements)
    else { return complainOfOrder(elements, key, transaction) }
    // What a scan did not meet is a predicate's business: a key that appears later is a phantom.
    if !observation.isGap, let seen = own.seen(key, by: transaction), seen != count {
      log.add(
        .fuzzyRead, wronged: [transaction], key: index.keys[key],
        "T\(transaction) read key \(index.keys[key]) with \(seen) elements of others, and then "
          + "with \(count)")
    }
    if !observation.isGap { own.see(count, of: key, by: transaction) }
    noteDirtyRead(elements, key, count, transaction)
    connectReader(Int32(transaction), key, count, isGap: observation.isGap)
  }

  private mutating func connectReader(
    _ transaction: Int32, _ key: Int, _ count: Int, isGap: Bool
  ) {
    let trace = traces[key]
    let before = count > 0 ? trace.elements[count - 1] : nil
    if count > 0, trace.writes[count - 1] >= 0 {
      let write = trace.writes[count - 1]
      if outcome(write) != .fail, writer(write) != transaction {
        edges.append(
          Dependency(
            from: writer(write), to: transaction, kind: .read, key: index.keys[key], after: before))
      }
    }
    func miss(_ write: Int32) {
      guard writer(write) != transaction else { return }
      edges.append(
        Dependency(
          from: transaction, to: writer(write),
          kind: isGap ? .predicateAntiDependency : .antiDependency, key: index.keys[key],
          before: before, after: index.writes[Int(write)].value))
    }
    var place = count
    while place < trace.writes.count {
      let write = trace.writes[place]
      if write >= 0, outcome(write) != .fail { return miss(write) }
      place += 1
    }
    for write in trace.unobserved { miss(write) }
  }

  private mutating func noteDirtyRead(
    _ elements: [Int], _ key: Int, _ count: Int, _ transaction: Int
  ) {
    let trace = traces[key]
    let name = index.keys[key]
    if count > trace.firstAborted {
      let aborted = Int(writer(trace.writes[trace.firstAborted]))
      log.add(
        .abortedRead, wronged: [transaction], others: [aborted], key: name,
        "T\(transaction) read \(trace.elements[trace.firstAborted]) of key \(name), which "
          + "T\(aborted) had written and rolled back")
    }
    if count > trace.firstGarbage {
      log.add(
        .garbageRead, wronged: [transaction], key: name,
        "T\(transaction) read \(trace.elements[trace.firstGarbage]) of key \(name), which nobody "
          + "wrote")
    }
    if count > 0, trace.writes[count - 1] >= 0 {
      let write = index.writes[Int(trace.writes[count - 1])]
      if !write.isFinal, write.transaction != transaction {
        log.add(
          .intermediateRead, wronged: [transaction], others: [Int(write.transaction)], key: name,
          "T\(transaction) read key \(name) up to \(write.value), behind which "
            + "T\(write.transaction) appended more")
      }
    }
  }

  /// A read that is not the beginning of the longest one: its elements are looked at one by one.
  private mutating func complainOfOrder(_ elements: [Int], _ key: Int, _ transaction: Int) {
    let name = index.keys[key]
    log.add(
      .incompatibleOrder, wronged: [transaction], key: name,
      "T\(transaction) read \(HistoryValue.list(elements)) of key \(name), another "
        + "\(HistoryValue.list(traces[key].elements))")
    var known: Set<Int> = []
    for element in elements {
      if !known.insert(element).inserted {
        log.add(
          .duplicateElements, wronged: [transaction], key: name,
          "T\(transaction) read \(element) of key \(name) more than once")
      }
      guard let write = index.write(element, to: key) else {
        log.add(
          .garbageRead, wronged: [transaction], key: name,
          "T\(transaction) read \(element) of key \(name), which nobody wrote")
        continue
      }
      if outcome(Int32(write)) == .fail {
        log.add(
          .abortedRead, wronged: [transaction], others: [Int(writer(Int32(write)))], key: name,
          "T\(transaction) read \(element) of key \(name), which T\(writer(Int32(write))) had "
            + "written and rolled back")
      }
    }
  }
}
