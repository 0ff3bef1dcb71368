import Foundation

/// The resident memory of this process.
///
/// Resident means what it says: the pages of a file an engine maps count while they are mapped in,
/// and what the kernel caches for an engine that reads and writes through calls does not.
enum ProcessMemory {
  /// Forgets the peak so far, where the system can (Linux 4.0 and later).
  static func resetPeak() {
    // Failure leaves a peak that is too high, which the report would show as such.
    try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
  }

  static var currentByteCount: Int { status("VmRSS:") ?? 0 }
  static var peakByteCount: Int { status("VmHWM:") ?? 0 }

  /// Waits until the resident memory no longer grows: an engine may fault in its cache in the
  /// background. Five seconds at most.
  static func waitUntilSteady() {
    var before = currentByteCount
    for _ in 0..<100 {
      Thread.sleep(forTimeInterval: 0.05)
      let now = currentByteCount
      if now <= before + 1 << 20 { return }
      before = now
    }
  }

  /// Nil on systems without `/proc`.
  private static func status(_ field: String) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field) }),
      let number = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first,
      let kibibytes = Int(number)
    else { return nil }
    return kibibytes << 10
  }
}
