/// Shows on standard error how far a torture of real processes is: on a terminal one line that
/// changes, else a line every few seconds.
final class RealProgress {
  private let lifeCount: Int
  private let isQuiet: Bool
  private let isTerminal = Descriptor.standardError.isTerminal
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant
  private var hasLine = false

  init(lifeCount: Int, isQuiet: Bool) {
    self.lifeCount = lifeCount
    self.isQuiet = isQuiet
    start = clock.now
    lastShown = start
  }

  /// What is shown after some lives.
  static func text(_ summary: RealSummary, of lifeCount: Int, after elapsed: Duration) -> String {
    let fraction = min(1, Double(summary.lives) / Double(max(lifeCount, 1)))
    let seconds = Figures.seconds(elapsed)
    var parts = [
      "\(Int(fraction * 100)) %", Figures.count(summary.kills, "kill"),
      "\(Figures.count(summary.acknowledged)) acknowledged",
      "\(Figures.count(summary.lost)) relaxed lost",
    ]
    if seconds > 0.5 {
      parts.append("\(Figures.fixed(Double(summary.kills) / seconds, digits: 1)) kills/s")
      if fraction > 0 {
        parts.append("\(Figures.clock(seconds: seconds * (1 - fraction) / fraction)) left")
      }
    }
    return parts.joined(separator: ", ")
  }

  func update(_ summary: RealSummary) {
    guard !isQuiet else { return }
    let now = clock.now
    guard now - lastShown >= (isTerminal ? .milliseconds(100) : .seconds(5)) else { return }
    lastShown = now
    let text = Self.text(summary, of: lifeCount, after: now - start)
    if isTerminal {
      let width = (Descriptor.standardError.columnCount ?? 80) - 1
      try? Descriptor.standardError.write("\r\(text.prefix(width))\u{1B}[K")
      hasLine = true
    } else {
      try? Descriptor.standardError.write(text + "\n")
    }
  }

  /// Takes the line away.
  func finish() {
    if hasLine { try? Descriptor.standardError.write("\r\u{1B}[K") }
    hasLine = false
  }
}
