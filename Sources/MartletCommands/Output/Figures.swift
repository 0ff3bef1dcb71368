/// Numbers and times as people read them.
package enum Figures {
  /// With commas between thousands.
  package static func count(_ value: some BinaryInteger) -> String {
    var text = String(value.magnitude)
    var index = text.count - 3
    while index > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: index))
      index -= 3
    }
    return value < 0 ? "-" + text : text
  }

  /// With the largest unit that leaves a figure of at least one.
  package static func bytes(_ value: some BinaryInteger) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"]
    guard value >= 1024 else { return "\(value) B" }
    var rest = Double(value) / 1024
    var unit = 0
    while rest >= 1024, unit < units.count - 1 {
      rest /= 1024
      unit += 1
    }
    return fixed(rest, digits: 1) + " " + units[unit]
  }

  /// A count and its noun, in the plural unless it is one.
  package static func count(_ value: Int, _ noun: String, plural: String? = nil) -> String {
    "\(count(value)) \(value == 1 ? noun : plural ?? noun + "s")"
  }

  /// Seconds with a sensible number of digits.
  package static func time(_ duration: Duration) -> String {
    let seconds = seconds(duration)
    if seconds < 0.001 { return fixed(seconds * 1_000_000, digits: 0) + " us" }
    if seconds < 1 { return fixed(seconds * 1000, digits: seconds < 0.01 ? 1 : 0) + " ms" }
    return fixed(seconds, digits: seconds < 100 ? 2 : 0) + " s"
  }

  /// Hours, minutes and seconds, as a clock shows them.
  package static func clock(seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    let minutes = whole / 60 % 60
    let tail = padded(whole % 60)
    return whole >= 3600 ? "\(whole / 3600):\(padded(minutes)):\(tail)" : "\(minutes):\(tail)"
  }

  /// A moment as ISO 8601 has it, in UTC, to the second.
  package static func date(nanoseconds: UInt64) -> String {
    let seconds = Int(nanoseconds / 1_000_000_000)
    let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
    // The calendar of Hinnant's civil_from_days: eras of 400 years that begin on 1 March.
    let shifted = days + 719_468
    let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
    let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let civilYear = era * 400 + year + (month <= 2 ? 1 : 0)
    return "\(civilYear)-\(padded(month))-\(padded(day)) \(padded(rest / 3600)):"
      + "\(padded(rest / 60 % 60)):\(padded(rest % 60)) UTC"
  }

  package static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  /// A decimal fraction with a fixed number of digits after the point.
  package static func fixed(_ value: Double, digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % scale)
    return sign + String(scaled / scale) + "."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
}
