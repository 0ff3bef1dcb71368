/// Infers dependencies between transactions that write registers, each value once.
///
/// A register shows one version and not what was before it. What is known of the order of versions:
/// the absence of the key comes before all of them, and a version that a transaction read before it
/// wrote the key comes before the one that it wrote (Kingsbury and Alvaro 2020, section 5). So
/// workloads that read what they replace are judged sharply, and blind writes are not ordered among
/// each other.
///
/// - Invariant HI4: every edge is certain, as with lists.
struct RegisterInference {
  /// Versions known to follow another one that get edges: any subset is certain, and blind writes to
  /// a key that many found absent must not cost the product of both.
  private static let successorLimit = 16

  private struct Read {
    let slot: Int32
    let transaction: Int32
    let isGap: Bool
  }

  private let history: History
  private let index: WriteIndex
  private let log: FindingLog
  private var edges: [Dependency]
  /// What a transaction saw last of a key, as a slot.
  private var own: OwnView<Int32>
  /// A slot is a version: a write, or behind those the absence of a key.
  private var reads: [Read] = []
  /// Pairs of a slot and the write that followed it.
  private var successions: [(slot: Int32, write: Int32)] = []
  /// The first transaction that replaced a slot.
  private var updaters: [Int32]
  private var hasPredecessor: [Bool]
  private var isObserved: [Bool]

  /// Adds to `edges` and `log` what the registers of a history tell.
  static func run(
    _ history: History, _ index: WriteIndex, _ edges: inout [Dependency], _ log: FindingLog
  ) {
    guard index.isList.contains(false) else { return }
    var inference = Self(history, index, edges, log)
    edges = []
    for (number, transaction) in history.transactions.enumerated()
    where transaction.outcome == .ok {
      inference.examine(transaction, number)
    }
    inference.addFirstVersions()
    inference.connect()
    edges = inference.edges
  }

  private init(_ history: History, _ index: WriteIndex, _ edges: [Dependency], _ log: FindingLog) {
    self.history = history
    self.index = index
    self.log = log
    self.edges = edges
    own = OwnView(keyCount: index.keys.count)
    updaters = [Int32](repeating: -1, count: index.writes.count + index.keys.count)
    hasPredecessor = [Bool](repeating: false, count: index.writes.count)
    isObserved = hasPredecessor
  }

  private func absence(of key: Int) -> Int32 { Int32(index.writes.count + key) }

  private func outcome(_ write: Int32) -> HistoryTransaction.Outcome {
    history.transactions[Int(index.writes[Int(write)].transaction)].outcome
  }

  // MARK: Transactions

  private mutating func examine(_ transaction: HistoryTransaction, _ number: Int) {
    var write = index.starts[number]
    /// Versions that it read and is about to replace, by key.
    var replaced: [(key: Int32, slot: Int32)] = []
    for operation in transaction.operations {
      switch operation {
      case .append: write += 1
      case .write(_, let value):
        let key = Int(index.writes[Int(write)].key)
        if own.written(key, by: number).isEmpty, let slot = own.seen(key, by: number) {
          replaced.append((Int32(key), slot))
        }
        own.write(value, to: key, by: number)
        write += 1
      case .read, .scan:
        var observations: [Observation] = []
        if !operation.forEachObservation(index, { observations.append($0) }) {
          log.add(
            .malformedScan, wronged: [number],
            "T\(number) scanned and was answered out of order: \(operation)")
        }
        for observation in observations where !index.isList[observation.key] {
          observe(observation, number)
        }
      }
    }
    for (key, slot) in replaced { replace(slot, Int(key), number) }
  }

  private mutating func replace(_ slot: Int32, _ key: Int, _ transaction: Int) {
    guard let value = own.written(key, by: transaction).last,
      let write = index.write(value, to: key)
    else { return }
    hasPredecessor[write] = true
    successions.append((slot, Int32(write)))
    let other = updaters[Int(slot)]
    if other < 0 {
      updaters[Int(slot)] = Int32(transaction)
    } else {
      log.add(
        .lostUpdate, wronged: [Int(other), transaction], key: index.keys[key],
        "T\(other) and T\(transaction) both read \(describe(slot)) of key \(index.keys[key]) and "
          + "replaced it")
    }
  }

  private func describe(_ slot: Int32) -> String {
    Int(slot) < index.writes.count ? "\(index.writes[Int(slot)].value)" : "the absence"
  }

  private mutating func observe(_ observation: Observation, _ transaction: Int) {
    let key = observation.key
    if let written = own.written(key, by: transaction).last {
      guard observation.value != .register(written) else { return }
      return log.add(
        .internalInconsistency, wronged: [transaction], key: index.keys[key],
        "T\(transaction) wrote \(written) to key \(index.keys[key]) and then read "
          + "\(observation.value)")
    }
    var slot = absence(of: key)
    if case .register(let value) = observation.value {
      guard let write = index.write(value, to: key) else {
        return log.add(
          .garbageRead, wronged: [transaction], key: index.keys[key],
          "T\(transaction) read \(value) of key \(index.keys[key]), which nobody wrote")
      }
      slot = Int32(write)
      noteRead(slot, value, key, transaction)
    }
    if let seen = own.seen(key, by: transaction), seen != slot {
      log.add(
        .fuzzyRead, wronged: [transaction], key: index.keys[key],
        "T\(transaction) read \(describe(seen)) of key \(index.keys[key]), and then "
          + "\(describe(slot))")
    }
    own.see(slot, of: key, by: transaction)
    reads.append(Read(slot: slot, transaction: Int32(transaction), isGap: observation.isGap))
  }

  private mutating func noteRead(_ slot: Int32, _ value: Int, _ key: Int, _ transaction: Int) {
    let write = index.writes[Int(slot)]
    isObserved[Int(slot)] = true
    if write.transaction == transaction {
      return log.add(
        .internalInconsistency, wronged: [transaction], key: index.keys[key],
        "T\(transaction) read \(value) of key \(index.keys[key]) before it wrote it")
    }
    if outcome(slot) == .fail {
      return log.add(
        .abortedRead, wronged: [transaction], others: [Int(write.transaction)],
        key: index.keys[key],
        "T\(transaction) read \(value) of key \(index.keys[key]), which T\(write.transaction) had "
          + "written and rolled back")
    }
    if !write.isFinal {
      log.add(
        .intermediateRead, wronged: [transaction], others: [Int(write.transaction)],
        key: index.keys[key],
        "T\(transaction) read \(value) of key \(index.keys[key]), which T\(write.transaction) "
          + "replaced later")
    }
    edges.append(
      Dependency(
        from: write.transaction, to: Int32(transaction), kind: .read, key: index.keys[key],
        after: value))
  }

  // MARK: Edges

  /// Blind writes follow the absence of their key, whatever else they follow.
  private mutating func addFirstVersions() {
    for (place, write) in index.writes.enumerated()
    where write.isFinal && !hasPredecessor[place] && !index.isList[Int(write.key)] {
      let outcome = outcome(Int32(place))
      guard outcome == .ok || outcome == .info && isObserved[place] else { continue }
      successions.append((absence(of: Int(write.key)), Int32(place)))
    }
  }

  private mutating func connect() {
    let slotCount = index.writes.count + index.keys.count
    var starts = [Int32](repeating: 0, count: slotCount + 1)
    for (slot, _) in successions { starts[Int(slot) + 1] += 1 }
    for slot in 0..<slotCount { starts[slot + 1] += starts[slot] }
    var next = starts
    var sorted = [Int32](repeating: 0, count: successions.count)
    for (slot, write) in successions {
      sorted[Int(next[Int(slot)])] = write
      next[Int(slot)] += 1
      connectVersions(slot, write)
    }
    for read in reads {
      let first = Int(starts[Int(read.slot)])
      let end = min(Int(starts[Int(read.slot) + 1]), first + Self.successorLimit)
      for place in first..<end { connectReader(read, sorted[place]) }
    }
  }

  private mutating func connectVersions(_ slot: Int32, _ place: Int32) {
    guard Int(slot) < index.writes.count, outcome(slot) != .fail else { return }
    let first = index.writes[Int(slot)]
    let second = index.writes[Int(place)]
    guard first.transaction != second.transaction else { return }
    edges.append(
      Dependency(
        from: first.transaction, to: second.transaction, kind: .write,
        key: index.keys[Int(first.key)], before: first.value, after: second.value))
  }

  private mutating func connectReader(_ read: Read, _ place: Int32) {
    let write = index.writes[Int(place)]
    guard write.transaction != read.transaction else { return }
    let isAbsence = Int(read.slot) >= index.writes.count
    edges.append(
      Dependency(
        from: read.transaction, to: write.transaction,
        kind: read.isGap ? .predicateAntiDependency : .antiDependency,
        key: index.keys[Int(write.key)],
        before: isAbsence ? nil : index.writes[Int(read.slot)].value, after: write.value))
  }
}
