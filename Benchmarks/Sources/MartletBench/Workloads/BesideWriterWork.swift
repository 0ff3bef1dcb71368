import Synchronization

/// Random point reads by one thread, alone or beside one that changes records all the time.
///
/// The reader is timed on its own clocks: what it loses by the clock on the wall depends on how many
/// processors are free for the writer, what it loses in processor time is the writer's doing.
struct BesideWriterWork: Work {
  private let load: LoadWork
  /// The packed keys of the reader in the order of use.
  private let keys: [UInt8]
  /// The packed steps of the writer, used round and round; nil when the reader is alone.
  private let steps: [UInt8]?
  let finalRecordCount: Int
  /// The final state depends on how far the writer came; what it changes is changed in pairs.
  var writes: Bool { false }

  private static let readsPerSnapshot = 100
  private static let transfersInStock = 100_000

  init(_ dataset: Dataset, _ scale: Scale, hasWriter: Bool) {
    load = LoadWork(dataset, sorted: true)
    keys = dataset.keys(of: dataset.randomRecords(count: scale.readsPerThread, stream: 0))
    steps =
      hasWriter
      ? dataset.packed(
        dataset.transfers(count: Self.transfersInStock, stream: 1, inKeyOrder: false)) : nil
    finalRecordCount = dataset.recordCount
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let isReaderDone = Stop()
    let teamwork = try Team.run(threads: steps == nil ? 1 : 2) { _ in
      try engine.makeSession()
    } work: { thread, session in
      if thread > 0 { return try change(session, until: isReaderDone) }
      defer { isReaderDone.set() }
      return try read(session)
    }
    // What is read depends on how far the writer is: only the number of reads can be compared.
    return TimedWork(teamwork.results[0], checksum: Checksum())
  }

  private func read(_ session: any EngineSession) throws -> ThreadWork {
    // SAFETY: every byte of an array of bytes is initialized.
    let keys = unsafe keys.span.bytes
    var checksum = Checksum()
    return try ThreadWork.timed {
      let byteCount = Self.readsPerSnapshot * RecordShape.keyByteCount
      for offset in stride(from: 0, to: keys.byteCount, by: byteCount) {
        let end = min(offset + byteCount, keys.byteCount)
        try session.read(keys.extracting(offset..<end), into: &checksum)
      }
      return checksum.count
    }
  }

  private func change(_ session: any EngineSession, until stop: Stop) throws -> ThreadWork {
    guard let steps else { preconditionFailure("a reader alone has no second thread") }
    // SAFETY: as above.
    let packed = unsafe steps.span.bytes
    return try ThreadWork.timed {
      var count = 0
      var offset = 0
      while !stop.isSet {
        _ = try session.change(packed.extracting(offset..<offset + 2 * Steps.byteCount), .plain)
        count += 1
        offset += 2 * Steps.byteCount
        if offset == packed.byteCount { offset = 0 }
      }
      return count
    }
  }

  /// Tells the writer that nobody reads any more.
  private final class Stop: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
  }
}
