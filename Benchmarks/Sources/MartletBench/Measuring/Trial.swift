import Foundation

/// One workload on one engine in one fresh folder.
///
/// Each trial runs in a process of its own: no engine inherits another's heap, threads or mapped
/// pages, and the peak of memory is its own.
struct Trial: Sendable {
  let engine: EngineKind
  let workload: Workload
  let scale: Scale
  let seed: UInt64
  let directory: String

  func run() throws -> Outcome {
    let dataset = Dataset(recordCount: workload.recordCount(scale), seed: seed)
    let work = workload.makeWork(dataset, scale)
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    ProcessMemory.resetPeak()
    let baseline = ProcessMemory.currentByteCount

    let opened = try engine.open(
      EngineOptions(directory: directory, durability: workload.kind.durability))
    try work.prepare(opened)
    let timed = try work.run(opened)
    let settleSeconds = try seconds { try opened.settle() }
    let peak = ProcessMemory.peakByteCount - baseline

    var checksum = timed.checksum
    if work.writes {
      let final = try ScanWork.scan(opened, passes: 1).checksum
      guard final.count == work.finalRecordCount else {
        throw BenchmarkError.wrongRecordCount(
          expected: work.finalRecordCount, found: final.count)
      }
      if let expected = work.finalChecksum, expected != final {
        throw BenchmarkError.wrongFinalState(engine: engine.rawValue)
      }
      checksum.add(final)
    }
    let size = try FolderSize(of: directory, role: opened.role)
    let closeSeconds = try seconds { try opened.close() }
    return Outcome(
      operationsPerSecond: Double(timed.operations) / (Double(timed.nanoseconds) / 1e9),
      processorMicroseconds: Double(timed.processorNanoseconds) / 1e3 / Double(timed.operations),
      attempts: Double(timed.attempts) / Double(timed.operations),
      checksum: checksum.total, latency: LatencySummary(timed.latencies),
      settleSeconds: settleSeconds, closeSeconds: closeSeconds, peakMemoryByteCount: peak,
      dataByteCount: size.dataByteCount, logByteCount: size.logByteCount)
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = MonotonicClock.nanoseconds
    try body()
    return Double(MonotonicClock.nanoseconds - begin) / 1e9
  }
}

/// What a trial found; travels from its process to the one that compares, as JSON.
struct Outcome: Codable, Sendable {
  let operationsPerSecond: Double
  /// Processor time an operation, of all threads of the process.
  let processorMicroseconds: Double
  var operationsPerProcessorSecond: Double { 1e6 / processorMicroseconds }
  /// How often a transaction ran until it had committed, on average.
  let attempts: Double
  /// Over every value read in the timed part and, if it wrote, every record of the final state.
  let checksum: UInt64
  let latency: LatencySummary?
  /// To sync or checkpoint after the timed part.
  let settleSeconds: Double
  let closeSeconds: Double
  /// From before the engine was opened until it settled.
  let peakMemoryByteCount: Int
  /// Allocated on the device after it settled.
  let dataByteCount: Int
  let logByteCount: Int
}
