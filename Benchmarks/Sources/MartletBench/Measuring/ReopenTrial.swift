import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How long an engine takes to open, and to read one key, after a process was killed in the middle
/// of many small relaxed commits.
///
/// The commits are made by a process of their own (`VictimCommand`), which says when it has made them
/// all and is then killed without warning. Every record was on the medium before, and the one that is
/// read was never changed: what is lost is the business of the engine's promise, not of this trial.
struct ReopenTrial {
  let trial: Trial

  func run() throws -> Outcome {
    let dataset = trial.workload.makeDataset(trial.scale, seed: trial.seed)
    let key = dataset.keys(of: CollectionOfOne(Victim.spared(dataset)))
    try killVictim()
    ProcessMemory.resetPeak()
    let baseline = ProcessMemory.currentByteCount

    let processorBegin = ProcessorClock.nanoseconds
    let begin = MonotonicClock.nanoseconds
    let opened = try trial.engine.open(trial.options)
    var checksum = Checksum()
    do {
      // SAFETY: every byte of an array of bytes is initialized.
      try opened.makeSession().read(unsafe key.span.bytes, into: &checksum)
    }
    let nanoseconds = MonotonicClock.nanoseconds - begin
    let processorNanoseconds = ProcessorClock.nanoseconds - processorBegin

    let final = try ScanWork.scan(opened, passes: 1).checksum
    guard final.count == dataset.recordCount else {
      throw BenchmarkError.wrongRecordCount(expected: dataset.recordCount, found: final.count)
    }
    let settleSeconds = try Trial.seconds { try opened.settle() }
    let size = try FolderSize(of: trial.directory, role: opened.role)
    let closeSeconds = try Trial.seconds { try opened.close() }
    return Outcome(
      operations: trial.scale.commitsBeforeKill, seconds: Double(nanoseconds) / 1e9,
      processorSeconds: Double(processorNanoseconds) / 1e9, attempts: 1,
      checksum: checksum.total, latency: nil, settleSeconds: settleSeconds,
      closeSeconds: closeSeconds,
      peakMemoryByteCount: ProcessMemory.peakByteCount - baseline,
      dataByteCount: size.dataByteCount, logByteCount: size.logByteCount, cachedByteCount: nil)
  }

  /// Starts the process that commits, waits until it has, and kills it.
  private func killVictim() throws {
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    process.arguments = [
      "victim", "--engine", trial.engine.rawValue, "--records", String(trial.scale.records),
      "--seed", String(trial.seed), "--directory", trial.directory,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = output.fileHandleForReading.availableData
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    guard said == Data(Victim.done.utf8) else {
      throw BenchmarkError.trial("the process to be killed ended before it had committed")
    }
  }
}

/// The process that is killed.
struct Victim {
  let trial: Trial
  static let done = "done\n"

  /// The record that is never changed.
  static func spared(_ dataset: Dataset) -> Int { dataset.shuffledOrder[dataset.recordCount - 1] }

  /// Loads every record, settles, and replaces all but one twice, a commit each.
  func run() throws {
    let parent = getppid()
    let dataset = trial.workload.makeDataset(trial.scale, seed: trial.seed)
    let work = PutWork(dataset, threads: 1, count: dataset.recordCount - 1)
    try FileManager.default.createDirectory(
      atPath: trial.directory, withIntermediateDirectories: true)
    let opened = try trial.engine.open(trial.options)
    try work.prepare(opened)
    for _ in 0..<trial.scale.commitsBeforeKill / trial.scale.records { _ = try work.run(opened) }
    FileHandle.standardOutput.write(Data(Self.done.utf8))
    // Closing now would be a clean end: wait for the other, or for the parent's.
    while getppid() == parent { usleep(100_000) }
  }
}
