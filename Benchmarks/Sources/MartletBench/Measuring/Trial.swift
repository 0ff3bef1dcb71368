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

  var options: EngineOptions {
    EngineOptions(
      directory: directory, durability: workload.kind.durability,
      memoryBudget: workload.memoryBudget(scale), sessions: workload.threads,
      isCold: workload.kind.isCold)
  }

  func run() throws -> Outcome {
    if workload.kind == .reopen { return try ReopenTrial(trial: self).run() }
    let work = workload.makeWork(workload.makeDataset(scale, seed: seed), scale)
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    ProcessMemory.resetPeak()
    let baseline = ProcessMemory.currentByteCount

    var opened = try engine.open(options)
    try work.prepare(opened)
    let warden = try workload.kind.isCold ? reopenCold(&opened) : nil
    let timed: TimedWork
    if let warden, let reads = work as? ReadWork {
      timed = try reads.run(opened, gate: warden.gate)
    } else {
      timed = try work.run(opened)
    }
    let cached = warden?.stop()
    let settleSeconds = try Self.seconds { try opened.settle() }
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
    let closeSeconds = try Self.seconds { try opened.close() }
    return Outcome(
      operations: timed.operations, seconds: Double(timed.nanoseconds) / 1e9,
      processorSeconds: Double(timed.processorNanoseconds) / 1e9,
      attempts: Double(timed.attempts) / Double(timed.operations),
      checksum: timed.isComplete ? checksum.total : nil, latency: LatencySummary(timed.latencies),
      settleSeconds: settleSeconds, closeSeconds: closeSeconds, peakMemoryByteCount: peak,
      dataByteCount: size.dataByteCount, logByteCount: size.logByteCount,
      cachedByteCount: cached)
  }

  /// Opens the engine anew with nothing of its files in memory, and sees to it that the system keeps
  /// no more of them than the engine may spend.
  private func reopenCold(_ opened: inout any Engine) throws -> PageCacheWarden? {
    try opened.close()
    PageCache.drop(directory)
    let isPossible = PageCacheWarden.isPossible(in: directory)
    opened = try engine.open(options)
    guard isPossible else {
      FileHandle.standardError.write(
        Data("warning: the system's cache cannot be held within the budget here\n".utf8))
      return nil
    }
    return PageCacheWarden(
      directory: directory, budget: engine.reliesOnPageCache ? options.memoryBudget : 0)
  }

  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = MonotonicClock.nanoseconds
    try body()
    return Double(MonotonicClock.nanoseconds - begin) / 1e9
  }
}
