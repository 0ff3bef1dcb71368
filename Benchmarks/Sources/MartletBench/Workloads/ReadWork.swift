/// Random point reads of existing keys by several threads, on settled data.
struct ReadWork: Work {
  private let load: LoadWork
  /// The packed keys of each thread in the order of use, those of the warm-up first.
  private let keys: [[UInt8]]
  private let warmUpByteCount: Int
  private let snapshotByteCount: Int
  let finalRecordCount: Int
  var writes: Bool { false }

  init(_ dataset: Dataset, _ scale: Scale, threads: Int, readsPerSnapshot: Int) {
    load = LoadWork(dataset, sorted: true)
    let count = scale.warmUpReadsPerThread + scale.readsPerThread
    keys = (0..<threads).map { thread in
      dataset.keys(of: dataset.randomRecords(count: count, stream: thread))
    }
    warmUpByteCount = scale.warmUpReadsPerThread * RecordShape.keyByteCount
    snapshotByteCount = readsPerSnapshot * RecordShape.keyByteCount
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: keys.count) { thread in
      let session = try engine.makeSession()
      _ = try read(keys[thread], bytes: 0..<warmUpByteCount, session)
      return session
    } work: { thread, session in
      try read(keys[thread], bytes: warmUpByteCount..<keys[thread].count, session)
    }
    var checksum = Checksum()
    for part in teamwork.results { checksum.add(part) }
    return TimedWork(teamwork, operations: checksum.count, checksum: checksum)
  }

  private func read(
    _ keys: [UInt8], bytes range: Range<Int>, _ session: any EngineSession
  ) throws -> Checksum {
    // SAFETY: every byte of an array of bytes is initialized.
    let keys = unsafe keys.span.bytes
    var checksum = Checksum()
    var offset = range.lowerBound
    while offset < range.upperBound {
      let end = min(offset + snapshotByteCount, range.upperBound)
      try session.read(keys.extracting(offset..<end), into: &checksum)
      offset = end
    }
    return checksum
  }
}
