/// What a progress display shows at one moment: pure, so that its text can be tested.
package struct ProgressLine {
  /// What was done so far, and what it is called.
  package var count: Int
  package var noun: String
  /// The part of the whole that is done, from 0 to 1; nil when the whole is not known.
  package var fraction: Double?
  package var elapsed: Duration
  /// What else there is to say, before the time left.
  package var note: String?

  package init(
    count: Int, noun: String, fraction: Double?, elapsed: Duration, note: String? = nil
  ) {
    self.note = note
    self.count = count
    self.noun = noun
    self.fraction = fraction.map { min(max($0, 0), 1) }
    self.elapsed = elapsed
  }

  /// Per second; nil before anything can be said, and for a trickle that says nothing.
  package var rate: Int? {
    let seconds = Figures.seconds(elapsed)
    let rate = seconds > 0.001 ? Int(Double(count) / seconds) : 0
    return rate >= 2 ? rate : nil
  }

  /// Seconds until the end at the pace so far; nil when it cannot be told.
  package var secondsLeft: Double? {
    guard let fraction, fraction > 0.001 else { return nil }
    return Figures.seconds(elapsed) * (1 - fraction) / fraction
  }

  /// For a log: words, no bar.
  package var plain: String {
    var parts = ["\(Figures.count(count)) \(noun)"]
    if let fraction { parts.append("\(Int(fraction * 100)) %") }
    if let rate { parts.append("\(Figures.count(rate)) \(noun)/s") }
    if let note { parts.append(note) }
    if let secondsLeft { parts.append("\(Figures.clock(seconds: secondsLeft)) left") }
    return parts.joined(separator: ", ")
  }

  /// For a terminal: a bar that fills the line up to `width` columns, never more.
  package func bar(width: Int) -> String {
    var parts = ["\(Figures.count(count)) \(noun)"]
    if let rate { parts.append("\(Figures.count(rate)) \(noun)/s") }
    if let note { parts.append(note) }
    if let secondsLeft { parts.append("\(Figures.clock(seconds: secondsLeft)) left") }
    let figures = parts.joined(separator: "  ")
    guard let fraction else { return String(figures.prefix(width)) }
    let digits = String(Int(fraction * 100))
    let share = String(repeating: " ", count: 3 - digits.count) + digits + " %"
    let room = min(40, width - share.count - figures.count - 5)
    guard room >= 5 else { return String("\(share)  \(figures)".prefix(width)) }
    let filled = Int(fraction * Double(room))
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: room - filled)
    return "[\(bar)] \(share)  \(figures)"
  }
}
