import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What is being done and how long the rest will take, on standard error: a line that overwrites
/// itself on a terminal, else one line after the other.
///
/// Trials differ by a hundredfold, so the rest is reckoned trial by trial: as long as in an earlier
/// round, else as others of its work, else as all so far.
final class Progress {
  struct Step: Hashable {
    let work: String
    let subject: String
  }

  private var rest: [Step]
  private let total: Int
  private var seconds: [Step: Double] = [:]
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(_ steps: [Step]) {
    rest = steps
    total = steps.count
  }

  /// Shows a step, runs it, and notes how long it took.
  func run(_ step: Step, round: Int, _ body: () throws -> Void) rethrows {
    let number = total - rest.count + 1
    let left = number == 1 ? "" : ", about \(Self.text(expected)) left"
    let line =
      "[\(number)/\(total)] \(step.work), round \(round), \(step.subject)\(left)"
    write(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    seconds[step] = try Trial.seconds(body)
    rest.removeFirst()
  }

  func finish() {
    if isTerminal { write("\r\u{1B}[K") }
  }

  private var expected: Double {
    let all = mean(Array(seconds.values)) ?? 0
    let byWork = Dictionary(grouping: seconds, by: { $0.key.work })
      .compactMapValues { mean($0.map(\.value)) }
    return rest.reduce(0) { $0 + (seconds[$1] ?? byWork[$1.work] ?? all) }
  }

  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  private static func text(_ seconds: Double) -> String {
    seconds < 90 ? "\(Int(seconds.rounded())) s" : "\(Int((seconds / 60).rounded())) min"
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
