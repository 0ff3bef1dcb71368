import Foundation

/// Writes all records into an empty engine in batches, ascending or shuffled.
struct LoadWork: Work {
  private let records: [UInt8]
  private let isSorted: Bool
  let finalRecordCount: Int
  var writes: Bool { true }

  init(_ dataset: Dataset, sorted: Bool) {
    records = dataset.records(of: sorted ? dataset.ascendingOrder : dataset.shuffledOrder)
    isSorted = sorted
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) {}

  func run(_ engine: any Engine) throws -> TimedWork {
    let bulk = ProcessInfo.processInfo.environment["BULK"]
    let teamwork = try Team.run(threads: 1) { _ in
      try engine.makeSession()
    } work: { _, session in
      if isSorted, bulk != nil, let martlet = engine as? MartletEngine {
        try martlet.build(records.span.bytes)
        return
      }
      try load(session)
      if bulk == "full" { try engine.settle() }
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
