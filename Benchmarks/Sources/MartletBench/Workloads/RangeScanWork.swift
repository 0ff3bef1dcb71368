/// Scans of a hundred records from random keys, a snapshot each, by one thread, on settled data.
struct RangeScanWork: Work {
  private let load: LoadWork
  /// The packed keys to begin at, in the order of use.
  private let keys: [UInt8]
  let finalRecordCount: Int
  var writes: Bool { false }

  private static let limit = 100

  init(_ dataset: Dataset, count: Int) {
    load = LoadWork(dataset, sorted: true)
    keys = dataset.keys(of: dataset.randomRecords(count: count, stream: 0))
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: 1) { _ in
      try engine.makeSession()
    } work: { _, session in
      try scan(session)
    }
    return TimedWork(
      teamwork, operations: keys.count / RecordShape.keyByteCount, checksum: teamwork.results[0])
  }

  private func scan(_ session: any EngineSession) throws -> Checksum {
    // SAFETY: every byte of an array of bytes is initialized.
    let keys = unsafe keys.span.bytes
    var checksum = Checksum()
    for offset in stride(from: 0, to: keys.byteCount, by: RecordShape.keyByteCount) {
      try session.scan(
        from: keys.extracting(offset..<offset + RecordShape.keyByteCount), limit: Self.limit,
        into: &checksum)
    }
    return checksum
  }
}
