/// Shows how far a long command is, on standard error: a bar on a terminal, ten times a second;
/// else a plain line every two seconds, so that a log stays short.
package struct ProgressReporter: ~Copyable {
  private let noun: String
  private let isQuiet: Bool
  private let isTerminal: Bool
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant
  private var shownBar = false

  package init(noun: String, isQuiet: Bool = false) {
    self.noun = noun
    self.isQuiet = isQuiet
    isTerminal = Descriptor.standardError.isTerminal
    start = clock.now
    lastShown = start
  }

  deinit { clear() }

  /// Takes the bar away, so that other output begins on a clean line.
  package mutating func finish() {
    clear()
    shownBar = false
  }

  private func clear() {
    if shownBar { try? Descriptor.standardError.write("\r\u{1B}[K") }
  }

  package var elapsed: Duration { clock.now - start }

  /// Shows the state if it is time to.
  package mutating func update(count: Int, fraction: Double?, note: String? = nil) {
    guard !isQuiet else { return }
    let now = clock.now
    guard now - lastShown >= (isTerminal ? .milliseconds(100) : .seconds(2)) else { return }
    lastShown = now
    let line = ProgressLine(
      count: count, noun: noun, fraction: fraction, elapsed: now - start, note: note)
    if isTerminal {
      let width = (Descriptor.standardError.columnCount ?? 80) - 1
      try? Descriptor.standardError.write("\r\(line.bar(width: width))\u{1B}[K")
      shownBar = true
    } else {
      try? Descriptor.standardError.write(line.plain + "\n")
    }
  }
}
