/// Writes all records into an empty engine in batches, ascending or shuffled.
struct LoadWork: Work {
  private let records: [UInt8]
  private let isSorted: Bool
  private let startsAtRest: Bool
  let finalRecordCount: Int
  var writes: Bool { true }

  /// - Parameter startsAtRest: whether the engine may first finish what it does in the background
  ///   once it is open.
  init(_ dataset: Dataset, sorted: Bool, startsAtRest: Bool = true) {
    self.startsAtRest = startsAtRest
    records = dataset.records(of: sorted ? dataset.ascendingOrder : dataset.shuffledOrder)
    isSorted = sorted
    finalRecordCount = dataset.recordCount
  }

  /// Some records only, in ascending order.
  init(_ dataset: Dataset, ascending numbers: [Int]) {
    records = dataset.records(of: numbers)
    startsAtRest = true
    isSorted = true
    finalRecordCount = numbers.count
  }

  func prepare(_ engine: any Engine) {
    if startsAtRest { ProcessMemory.waitUntilSteady() }
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: 1) { _ in
      try engine.makeSession()
    } work: { _, session in
      try load(session)
    }
    return TimedWork(teamwork, operations: finalRecordCount)
  }

  private func load(_ session: any EngineSession) throws {
    let batchByteCount = Scale.batchRecords * RecordShape.byteCount
    // SAFETY: every byte of an array of bytes is initialized.
    let records = unsafe records.span.bytes
    for offset in stride(from: 0, to: records.byteCount, by: batchByteCount) {
      let end = min(offset + batchByteCount, records.byteCount)
      let batch = records.extracting(offset..<end)
      if isSorted {
        try session.append(batch)
      } else {
        try session.write(batch)
      }
    }
  }
}
