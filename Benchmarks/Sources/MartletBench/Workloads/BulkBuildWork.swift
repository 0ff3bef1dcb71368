/// Builds a database from all records in key order, by the engine's best way, until it is durable.
struct BulkBuildWork: Work {
  private let records: [UInt8]
  let finalRecordCount: Int
  var writes: Bool { true }

  init(_ dataset: Dataset) {
    records = dataset.records(of: dataset.ascendingOrder)
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) { ProcessMemory.waitUntilSteady() }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: 1) { _ in
    } work: { _, _ in
      // SAFETY: every byte of an array of bytes is initialized.
      try engine.build(unsafe records.span.bytes)
      try engine.settle()
    }
    return TimedWork(teamwork, operations: finalRecordCount)
  }
}
