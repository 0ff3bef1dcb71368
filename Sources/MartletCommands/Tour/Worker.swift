internal import Foundation
internal import Martlet
internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// One life of the worker process: started, listened to, killed.
final class Worker {
  /// What the worker said so far.
  struct Report: Sendable {
    var acknowledgements: [Acknowledgement] = []
    /// Threads with at least one acknowledged commit in this life.
    var threads: Set<Int> = []
    /// Lines that only a broken engine makes it write.
    var complaints: [String] = []
    var hasEnded = false
  }

  private let process = Process()
  private let listener: Listener

  /// Starts this very program as the worker.
  init(directory: String, durability: Durability, seed: UInt64) throws {
    guard let program = Bundle.main.executableURL else {
      throw ToolError("the path of this program is not known")
    }
    let pipe = Pipe()
    process.executableURL = program
    process.arguments = [
      "tour-worker", directory, "--seed", String(seed), "--durability", durability.rawValue,
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    listener = Listener(pipe: pipe)
    try process.run()
    listener.start()
  }

  var report: Report { listener.report.withLock { $0 } }

  /// Waits until so many threads have committed in this life, or the worker ended by itself.
  func waitUntilCommitting(threads: Int, for limit: Duration) throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
      let report = report
      if report.threads.count >= threads || report.hasEnded { return }
      guard clock.now < deadline else {
        throw ToolError("the worker committed nothing for \(Figures.time(limit))")
      }
      Thread.sleep(forTimeInterval: 0.001)
    }
  }

  /// Ends the process at once, with SIGKILL, and returns all that it ever said.
  ///
  /// - Throws: `ToolError` when it had ended by itself.
  func kill() throws -> Report {
    let signalled = systemKill(process.processIdentifier)
    process.waitUntilExit()
    listener.join()
    let report = report
    guard signalled, process.terminationReason == .uncaughtSignal,
      process.terminationStatus == SIGKILL
    else {
      throw ToolError(
        "the worker ended by itself: \(report.complaints.first ?? "without a word")")
    }
    return report
  }

  deinit {
    if process.isRunning {
      _ = systemKill(process.processIdentifier)
      process.waitUntilExit()
    }
  }
}

/// Reads the pipe on a thread of its own until its end.
private final class Listener: Sendable {
  let report = Mutex(Worker.Report())
  private let pipe: Pipe
  private let finished = DispatchSemaphore(value: 0)

  init(pipe: Pipe) { self.pipe = pipe }

  func start() {
    let thread = Thread { self.listen() }
    thread.name = "worker listener"
    thread.start()
  }

  func join() { finished.wait() }

  private func listen() {
    defer { finished.signal() }
    let descriptor = Descriptor(number: pipe.fileHandleForReading.fileDescriptor)
    var rest: [UInt8] = []
    while let piece = try? descriptor.read(atMost: 64 << 10), !piece.isEmpty {
      rest += piece
      // What follows the last line end never became a whole line: it counts for nothing.
      guard let end = rest.lastIndex(of: 0x0A) else { continue }
      let lines = rest[..<end].split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
      rest.removeSubrange(...end)
      report.withLock { report in
        for line in lines {
          if let acknowledgement = Acknowledgement(line: line) {
            report.acknowledgements.append(acknowledgement)
            report.threads.insert(acknowledgement.transfer.thread)
          } else {
            report.complaints.append(line)
          }
        }
      }
    }
    report.withLock { $0.hasEnded = true }
  }
}

private func systemKill(_ process: Int32) -> Bool { kill(process, SIGKILL) == 0 }
