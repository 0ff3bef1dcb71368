/// Transactions of one request each by several threads: reads, scans, writes, read-modify-writes.
struct MixedWork: Work {
  private let load: LoadWork
  private let streams: [RequestStream]
  /// What one thread reads is the same at every engine; what several read depends on who is first,
  /// unless nobody writes.
  private let isDeterministic: Bool
  let writes: Bool
  let finalRecordCount: Int
  let finalChecksum: Checksum?

  init(
    _ mixture: MixedRequests.Mixture, _ dataset: Dataset, requests count: Int, threads: Int
  ) {
    let requests = MixedRequests(mixture, dataset, requests: count, threads: threads)
    load = LoadWork(dataset, ascending: requests.loaded)
    streams = requests.streams
    writes = mixture.changesInHundred > 0
    isDeterministic = threads == 1 || !writes
    finalRecordCount = dataset.recordCount
    finalChecksum = mixture == .f ? dataset.checksum(after: requests.steps) : nil
  }

  func prepare(_ engine: any Engine) throws {
    _ = try load.run(engine)
    try engine.settle()
    _ = try ScanWork.scan(engine, passes: 1)
  }

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: streams.count) { _ in
      try engine.makeSession()
    } work: { thread, session in
      try perform(streams[thread], session)
    }
    var checksum = Checksum()
    if isDeterministic {
      for share in teamwork.results { checksum.add(share.checksum) }
    }
    let latencies = teamwork.results.flatMap(\.latencies)
    return TimedWork(
      teamwork, operations: latencies.count, checksum: checksum, latencies: latencies,
      attempts: teamwork.results.reduce(0) { $0 + $1.attempts })
  }

  private struct Share: Sendable {
    var checksum = Checksum()
    var latencies: [UInt32] = []
    var attempts = 0
  }

  /// The clock is read once a request: the end of one is the beginning of the next.
  private func perform(_ stream: RequestStream, _ session: any EngineSession) throws -> Share {
    // SAFETY: every byte of an array of bytes is initialized.
    let payload = unsafe stream.payload.span.bytes
    var share = Share()
    share.latencies.reserveCapacity(stream.requests.count)
    var offset = 0
    var before = MonotonicClock.nanoseconds
    for place in stream.requests.indices {
      let request = stream.requests[place]
      let end = offset + request.payloadByteCount
      let bytes = payload.extracting(offset..<end)
      offset = end
      var attempts = 1
      switch request {
      case .read: try session.read(bytes, into: &share.checksum)
      case .scan:
        try session.scan(
          from: bytes, limit: Int(stream.limits[place]), into: &share.checksum)
      case .write: try session.write(bytes)
      case .change:
        // RocksDB keeps reads that do not say what they are for out of its conflicts.
        attempts = try session.change(bytes, .forUpdate)
      }
      share.attempts += attempts
      let after = MonotonicClock.nanoseconds
      share.latencies.append(UInt32(clamping: after - before))
      before = after
    }
    return share
  }
}
