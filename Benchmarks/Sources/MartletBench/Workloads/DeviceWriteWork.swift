/// One block after the other onto the medium: what a durable commit cannot beat alone.
struct DeviceWriteWork: Work {
  private let block: [UInt8]
  private let count: Int
  let finalRecordCount = 0
  var writes: Bool { false }

  init(_ dataset: Dataset, count: Int) {
    block = dataset.records(of: CollectionOfOne(0))
    self.count = count
  }

  func prepare(_ engine: any Engine) {}

  func run(_ engine: any Engine) throws -> TimedWork {
    let teamwork = try Team.run(threads: 1) { _ in
      try engine.makeSession()
    } work: { _, session in
      try write(session)
    }
    let latencies = teamwork.results[0]
    return TimedWork(teamwork, operations: latencies.count, latencies: latencies)
  }

  private func write(_ session: any EngineSession) throws -> [UInt32] {
    // SAFETY: every byte of an array of bytes is initialized.
    let block = unsafe block.span.bytes
    var latencies: [UInt32] = []
    latencies.reserveCapacity(count)
    var before = MonotonicClock.nanoseconds
    for _ in 0..<count {
      try session.write(block)
      let after = MonotonicClock.nanoseconds
      latencies.append(UInt32(clamping: after - before))
      before = after
    }
    return latencies
  }
}
