internal import Foundation
internal import Synchronization
internal import Verification

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// One life of a tortured process: started, listened to, stopped, killed.
final class RealProcess {
  /// How a life ended.
  enum Ending: Equatable { case killed, exited(Int32), crashed(Int32) }

  private let process = Process()
  private let input = Pipe()
  private let listener: RealListener

  init(program: URL, arguments: [String]) throws {
    let output = Pipe()
    process.executableURL = program
    process.arguments = ["torture-writer"] + arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    listener = RealListener(output)
    try process.run()
    listener.start()
  }

  deinit {
    if process.isRunning {
      signal(SIGKILL)
      process.waitUntilExit()
    }
  }

  /// Waits until what the process said satisfies a condition; false when it ended before.
  ///
  /// - Throws: `ToolError` after the limit.
  func wait(
    for what: String, limit: Duration = .seconds(60),
    until condition: (RealListener.Heard) -> Bool
  ) throws -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
      let (holds, hasEnded) = listener.heard.withLock { (condition($0), $0.hasEnded) }
      if holds || hasEnded { return holds }
      try Interruption.check()
      if clock.now > deadline {
        throw ToolError("the process has not come to \(what) for \(Figures.time(limit))")
      }
      Thread.sleep(forTimeInterval: 0.000_5)
    }
  }

  /// Waits until the process has ended; false when it has not within the limit.
  func waitForEnd(limit: Duration) throws -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while clock.now < deadline {
      if listener.heard.withLock({ $0.hasEnded }) { return true }
      Thread.sleep(forTimeInterval: 0.001)
    }
    return false
  }

  /// What was heard and not yet taken, in order.
  func take() throws -> [RealRecord] {
    try listener.heard.withLock { heard in
      if let failure = heard.failure { throw failure }
      defer { heard.records.removeAll(keepingCapacity: true) }
      return heard.records
    }
  }

  /// Acknowledgements heard so far.
  var acknowledged: Int { listener.heard.withLock { $0.acknowledged } }
  /// Refusals heard so far.
  var refused: Int { listener.heard.withLock { $0.refused } }

  func send(_ bytes: [UInt8]) {
    // A process that was just killed does not listen; its end is noticed elsewhere.
    try? Descriptor(number: input.fileHandleForWriting.fileDescriptor).write(bytes)
  }

  func signal(_ number: Int32) { _ = kill(process.processIdentifier, number) }

  /// Waits for the end, however it comes, until everything that was ever said has arrived.
  func join() -> Ending {
    listener.join()
    process.waitUntilExit()
    if process.terminationReason == .exit { return .exited(process.terminationStatus) }
    return process.terminationStatus == SIGKILL ? .killed : .crashed(process.terminationStatus)
  }

  func kill9() -> Ending {
    signal(SIGKILL)
    return join()
  }
}

/// Reads what the process says on a thread of its own, until the end.
final class RealListener: Sendable {
  struct Heard: Sendable {
    var records: [RealRecord] = []
    var acknowledged = 0
    var refused = 0
    var isReady = false
    /// It told what it found, or why it found nothing.
    var hasAnswered = false
    var hasOpened = false
    var hasEnded = false
    var failure: ToolError?
  }

  let heard = Mutex(Heard())
  private let pipe: Pipe
  private let finished = DispatchSemaphore(value: 0)

  init(_ pipe: Pipe) { self.pipe = pipe }

  func start() {
    let thread = Thread { self.listen() }
    thread.name = "torture listener"
    thread.start()
  }

  func join() {
    finished.wait()
    finished.signal()
  }

  private func listen() {
    defer { finished.signal() }
    let descriptor = Descriptor(number: pipe.fileHandleForReading.fileDescriptor)
    var rest: [UInt8] = []
    while let piece = try? descriptor.read(atMost: 64 << 10), !piece.isEmpty {
      rest += piece
      do {
        let records = try RealRecord.take(from: &rest)
        heard.withLock { heard in for record in records { Self.note(record, &heard) } }
      } catch {
        heard.withLock { $0.failure = ToolError(describing: error) }
        break
      }
    }
    heard.withLock { $0.hasEnded = true }
  }

  private static func note(_ record: RealRecord, _ heard: inout Heard) {
    heard.records.append(record)
    switch record.kind {
    case .acknowledged: heard.acknowledged += 1
    case .refused: heard.refused += 1
    case .ready: heard.isReady = true
    case .dump:
      heard.hasOpened = true
      heard.hasAnswered = true
    case .notOpened: heard.hasAnswered = true
    case .opened, .attempt, .complaint, .point, .closed, .effort: break
    }
  }
}
