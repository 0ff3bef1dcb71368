import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where a run takes place, for the head of the report.
struct Machine: Sendable {
  let processor: String
  let coreCount: Int
  let memoryByteCount: UInt64
  let system: String
  /// The load of the last minute, where the system tells: a busy machine gives noisy figures.
  let load: String

  init() {
    coreCount = ProcessInfo.processInfo.activeProcessorCount
    memoryByteCount = ProcessInfo.processInfo.physicalMemory
    system = ProcessInfo.processInfo.operatingSystemVersionString
    let model = Self.lines("/proc/cpuinfo").first { $0.hasPrefix("model name") }
    processor =
      model.flatMap { $0.split(separator: ":").last }
      .map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    load = Self.lines("/proc/loadavg").first?.split(separator: " ").first.map(String.init) ?? "?"
  }

  var summary: String {
    let gibibytes = (Double(memoryByteCount) / Double(1 << 30)).formatted(
      .number.precision(.fractionLength(0)))
    return "\(processor), \(coreCount) cores, \(gibibytes) GiB, \(system), load \(load)"
  }

  private static func lines(_ path: String) -> [String] {
    let text = try? String(contentsOfFile: path, encoding: .utf8)
    return (text ?? "").split(separator: "\n").map(String.init)
  }
}
