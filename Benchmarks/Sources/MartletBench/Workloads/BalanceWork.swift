/// Transactions that read balances, change them and write them back, by several threads.
///
/// Transfers meet on few records and are retried by their engine until they commit. Uncontended
/// changes have a key of their own each: there, isolation is pure cost.
struct BalanceWork: Work {
  private let load: LoadWork
  /// The packed steps of each thread in the order of use.
  private let steps: [[UInt8]]
  private let transactionByteCount: Int
  private let intent: Steps.Intent
  let finalRecordCount: Int
  let finalChecksum: Checksum?
  var writes: Bool { true }

  /// Transfers between random records of a small set, `count` of all threads together.
  static func transfers(
    _ dataset: Dataset, threads: Int, count: Int, inKeyOrder: Bool
  ) -> BalanceWork {
    let steps = (0..<threads).map { thread in
      dataset.transfers(count: max(count / threads, 1), stream: thread, inKeyOrder: inKeyOrder)
    }
    return BalanceWork(dataset, steps, stepsPerTransaction: 2, intent: .forUpdate)
  }

  /// Changes of records that no other transaction touches.
  static func uncontended(
    _ dataset: Dataset, threads: Int, count: Int, keysPerTransaction: Int
  ) -> BalanceWork {
    let order = dataset.shuffledOrder
    let share = max(min(count, order.count / keysPerTransaction) / threads, 1) * keysPerTransaction
    let steps = (0..<threads).map { thread in
      order.dropFirst(thread * share).prefix(share).map { Dataset.Step(record: $0, amount: 1) }
    }
    return BalanceWork(
      dataset, steps, stepsPerTransaction: keysPerTransaction, intent: .plain)
  }

  private init(
    _ dataset: Dataset, _ steps: [[Dataset.Step]], stepsPerTransaction: Int, intent: Steps.Intent
  ) {
    load = LoadWork(dataset, sorted: true)
    self.steps = steps.map { dataset.packed($0) }
    transactionByteCount = stepsPerTransaction * Steps.byteCount
    self.intent = intent
    finalRecordCount = dataset.recordCount
    finalChecksum = dataset.checksum(after: steps.joined())
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: steps.count) { _ in
      try engine.makeSession()
    } work: { thread, session in
      try change(steps[thread], session)
    }
    let latencies = teamwork.results.flatMap(\.latencies)
    return TimedWork(
      teamwork, operations: latencies.count, latencies: latencies,
      attempts: teamwork.results.reduce(0) { $0 + $1.attempts })
  }

  private struct Share: Sendable {
    var latencies: [UInt32] = []
    var attempts = 0
  }

  /// The clock is read once a transaction: the end of one is the beginning of the next.
  private func change(_ steps: [UInt8], _ session: any EngineSession) throws -> Share {
    // SAFETY: every byte of an array of bytes is initialized.
    let steps = unsafe steps.span.bytes
    var share = Share()
    share.latencies.reserveCapacity(steps.byteCount / transactionByteCount)
    var before = MonotonicClock.nanoseconds
    for offset in stride(from: 0, to: steps.byteCount, by: transactionByteCount) {
      let transaction = steps.extracting(offset..<offset + transactionByteCount)
      share.attempts += try session.change(transaction, intent)
      let after = MonotonicClock.nanoseconds
      share.latencies.append(UInt32(clamping: after - before))
      before = after
    }
    return share
  }
}
