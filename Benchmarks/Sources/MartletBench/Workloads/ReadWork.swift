/// Random point reads of existing keys by several threads, on settled data.
///
/// Of data larger than memory single reads are timed too: each may wait for the device. An engine
/// that has the system read megabytes ahead for each would need minutes: after a time it is stopped,
/// what it read until then counts, and its checksum cannot be compared.
struct ReadWork: Work {
  private let load: LoadWork
  /// The packed keys of each thread in the order of use, those of the warm-up first.
  private let keys: [[UInt8]]
  private let warmUpByteCount: Int
  private let snapshotByteCount: Int
  /// Whether everything is read once before the clock starts, and single reads are not timed.
  private let fitsInMemory: Bool
  private static let warmUpLimitNanoseconds: UInt64 = 3_000_000_000
  private static let limitNanoseconds: UInt64 = 10_000_000_000
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
    fitsInMemory = true
    finalRecordCount = dataset.recordCount
  }

  /// Reads of data that does not fit, a snapshot each; those of the warm-up fill the cache.
  static func largerThanMemory(_ dataset: Dataset, _ scale: Scale, threads: Int) -> ReadWork {
    ReadWork(
      larger: dataset, threads: threads, warmUp: scale.coldWarmUpReads / threads,
      count: scale.coldReads(threads: threads) / threads)
  }

  private init(larger dataset: Dataset, threads: Int, warmUp: Int, count: Int) {
    load = LoadWork(dataset, sorted: true)
    keys = (0..<threads).map { thread in
      dataset.keys(of: dataset.randomRecords(count: warmUp + count, stream: thread))
    }
    warmUpByteCount = warmUp * RecordShape.keyByteCount
    snapshotByteCount = RecordShape.keyByteCount
    fitsInMemory = false
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    if fitsInMemory { _ = try ScanWork.scan(engine, passes: 1) }
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    try run(engine, gate: Gate())
  }

  /// - Parameter gate: where every read begins.
  func run(_ engine: any Engine, gate: Gate) throws -> TimedWork {
    let teamwork = try Team.run(threads: keys.count) { thread in
      let session = try engine.makeSession()
      _ = try read(keys[thread], bytes: 0..<warmUpByteCount, session, gate)
      return session
    } work: { thread, session in
      try read(keys[thread], bytes: warmUpByteCount..<keys[thread].count, session, gate)
    }
    var checksum = Checksum()
    for part in teamwork.results { checksum.add(part.checksum) }
    let closed = teamwork.results.map(\.closedNanoseconds)
    return TimedWork(
      teamwork, operations: checksum.count, checksum: checksum,
      latencies: teamwork.results.flatMap(\.latencies),
      isComplete: teamwork.results.allSatisfy(\.isComplete),
      pausedNanoseconds: (closed.map(\.upperBound).max() ?? 0)
        - (closed.map(\.lowerBound).min() ?? 0))
  }

  private struct Share: Sendable {
    var checksum = Checksum()
    var latencies: [UInt32] = []
    /// Whether it read all there was to read, in time.
    var isComplete = true
    /// How long the gate had been closed at the beginning and at the end.
    var closedNanoseconds: Range<UInt64> = 0..<0
  }

  private func read(
    _ keys: [UInt8], bytes range: Range<Int>, _ session: any EngineSession, _ gate: Gate
  ) throws -> Share {
    // SAFETY: every byte of an array of bytes is initialized.
    let keys = unsafe keys.span.bytes
    var share = Share()
    let closedBefore = gate.closedNanoseconds
    let isWarmUp = range.lowerBound == 0
    let deadline =
      MonotonicClock.nanoseconds
      + (isWarmUp ? Self.warmUpLimitNanoseconds : Self.limitNanoseconds)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let end = min(offset + snapshotByteCount, range.upperBound)
      gate.pass()
      let before = fitsInMemory ? 0 : MonotonicClock.nanoseconds
      if before > deadline {
        share.isComplete = false
        break
      }
      try session.read(keys.extracting(offset..<end), into: &share.checksum)
      offset = end
      if !fitsInMemory {
        share.latencies.append(UInt32(clamping: MonotonicClock.nanoseconds - before))
      }
    }
    share.closedNanoseconds = closedBefore..<gate.closedNanoseconds
    return share
  }
}
