import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What is being done, on standard error: a line that overwrites itself on a terminal, else one line
/// after the other.
final class Progress {
  private let total: Int
  private var count = 0
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(total: Int) {
    self.total = total
  }

  func show(_ what: String) {
    count += 1
    let line = "[\(count)/\(total)] \(what)"
    write(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
  }

  func finish() {
    if isTerminal { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
