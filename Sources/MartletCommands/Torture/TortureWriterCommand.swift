package import ArgumentParser
internal import Foundation
package import Verification

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The process that `torture --real` kills.
package struct TortureWriterCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "torture-writer", abstract: "The process that torture --real kills.",
    shouldDisplay: false)

  @Argument package var directory: String
  @Option package var seed: UInt64
  @Option package var threads: Int
  @Option package var grade: RealGrade
  @Option package var style: RealWorkload.Style = .mixed
  @Option package var variant: Int = 0
  @Option package var life: UInt64
  /// Ends itself at the so manieth time that a named point is reached.
  @Option package var point: String?
  @Option package var occurrence: Int = 1
  /// Ends itself before the so manieth change of a file while it opens.
  @Option package var change: Int?
  @Option package var lie: RealLie?
  /// Waits for a byte before it opens.
  @Flag package var waits = false
  @Option package var steps: UInt64?
  /// No file may grow beyond so many bytes, until SIGUSR1 arrives.
  @Option package var fileLimit: UInt64?

  package init() {}

  package func run() throws {
    // A parent that is gone is noticed by a failed write.
    _ = signal(SIGPIPE, SIG_IGN)
    if let fileLimit { try FileSizeLimit.set(fileLimit) }
    var options = RealWriter.Options(
      directory: directory,
      workload: RealWorkload(
        seed: seed, threadCount: threads, grade: grade, style: style, variant: variant),
      life: life, lie: lie)
    if let point {
      guard let known = KillPoint.named(point) else {
        throw ValidationError("no point is named \(point)")
      }
      options.plan = .point(known, occurrence: occurrence)
    } else if let change {
      options.plan = .change(change, in: .opening)
    }
    options.waitsBeforeOpening = waits
    options.stepLimit = steps
    let channel = RealWriter.Channel(
      send: { bytes in
        do { try Descriptor.standardOutput.write(bytes) } catch { _exit(1) }
      },
      receive: { count in
        var bytes: [UInt8] = []
        while bytes.count < count {
          guard let piece = try? Descriptor.standardInput.read(atMost: count - bytes.count),
            !piece.isEmpty
          else { return nil }
          bytes += piece
        }
        return bytes
      })
    RealWriter(options, channel: channel).run()
  }
}

extension RealGrade: ExpressibleByArgument {}
extension RealWorkload.Style: ExpressibleByArgument {}
extension RealLie: ExpressibleByArgument {}

/// The limit of the size of files (`RLIMIT_FSIZE`): a full disk where none can be mounted.
enum FileSizeLimit {
  /// Sets the limit, and sees to it that SIGUSR1 lifts it and that running into it is an error of
  /// the call, not the end of the process.
  // SAFETY: the calls get memory of a local value.
  static func set(_ byteCount: UInt64) throws {
    _ = signal(SIGXFSZ, SIG_IGN)
    // The handler makes one call, which any moment allows.
    _ = signal(SIGUSR1) { _ in FileSizeLimit.apply(FileSizeLimit.hardLimit) }
    // A parent that started this process from a thread of a pool has most signals blocked.
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    _ = unsafe sigaddset(&signals, SIGUSR1)
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    guard apply(byteCount) else { throw ToolError("the size of files could not be limited") }
  }

  private static var hardLimit: UInt64 {
    var limit = rlimit()
    #if canImport(Glibc)
      _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    #else
      _ = unsafe getrlimit(RLIMIT_FSIZE, &limit)
    #endif
    return UInt64(limit.rlim_max)
  }

  @discardableResult
  private static func apply(_ byteCount: UInt64) -> Bool {
    var limit = rlimit()
    limit.rlim_max = rlim_t(hardLimit)
    limit.rlim_cur = rlim_t(min(byteCount, hardLimit))
    #if canImport(Glibc)
      return unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0
    #else
      return unsafe setrlimit(RLIMIT_FSIZE, &limit) == 0
    #endif
  }
}
