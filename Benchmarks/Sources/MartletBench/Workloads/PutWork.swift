/// Transactions of one put each by several threads, each replacing an existing value.
///
/// Every put has a key of its own in an order drawn from the seed: threads meet in the engine, never
/// on a key, and the final state is the same whatever their order.
struct PutWork: Work {
  private let load: LoadWork
  /// The packed records of each thread in the order of use.
  private let records: [[UInt8]]
  let finalRecordCount: Int
  var writes: Bool { true }

  init(_ dataset: Dataset, threads: Int, count: Int) {
    load = LoadWork(dataset, sorted: true)
    let order = dataset.shuffledOrder.prefix(count)
    records = (0..<threads).map { thread in
      let share = stride(from: order.startIndex + thread, to: order.endIndex, by: threads)
      return dataset.records(of: share.map { order[$0] }, version: 1)
    }
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: records.count) { _ in
      try engine.makeSession()
    } work: { thread, session in
      try put(records[thread], session)
    }
    let latencies = teamwork.results.flatMap { $0 }
    return TimedWork(teamwork, operations: latencies.count, latencies: latencies)
  }

  /// The clock is read once a put: the end of one is the beginning of the next.
  private func put(_ records: [UInt8], _ session: any EngineSession) throws -> [UInt32] {
    // SAFETY: every byte of an array of bytes is initialized.
    let records = unsafe records.span.bytes
    var latencies: [UInt32] = []
    latencies.reserveCapacity(records.byteCount / RecordShape.byteCount)
    var before = MonotonicClock.nanoseconds
    for offset in stride(from: 0, to: records.byteCount, by: RecordShape.byteCount) {
      try session.write(records.extracting(offset..<offset + RecordShape.byteCount))
      let after = MonotonicClock.nanoseconds
      latencies.append(UInt32(clamping: after - before))
      before = after
    }
    return latencies
  }
}
