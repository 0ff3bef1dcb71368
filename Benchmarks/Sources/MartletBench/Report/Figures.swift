import Foundation

/// How figures are written for people.
enum Figures {
  /// Three significant digits with a unit: `1.84 M`.
  static func count(_ value: Double) -> String {
    switch value {
    case 1_000_000...: significant(value / 1_000_000) + " M"
    case 1_000...: significant(value / 1_000) + " k"
    default: significant(value)
    }
  }

  static func counts(_ spread: Spread) -> String {
    count(spread.median) + range(spread, count)
  }

  static func ratios(_ spread: Spread) -> String {
    significant(spread.median) + "x" + range(spread, significant)
  }

  static func seconds(_ spread: Spread) -> String {
    spread.median.formatted(.number.precision(.fractionLength(3)).locale(posix))
  }

  static func mebibytes(_ spread: Spread) -> String { mebibytes(spread.median) }

  static func mebibytes(_ byteCount: Double) -> String {
    significant(byteCount / Double(1 << 20)) + " MiB"
  }

  static func duration(seconds: Double) -> String {
    switch seconds {
    case 1...: significant(seconds) + " s"
    case 0.001...: significant(seconds * 1e3) + " ms"
    default: significant(seconds * 1e6) + " µs"
    }
  }

  static func significant(_ value: Double) -> String {
    value.formatted(.number.precision(.significantDigits(3)).grouping(.never).locale(posix))
  }

  /// Nothing when there was but one round.
  static func range(_ spread: Spread, _ figure: (Double) -> String) -> String {
    spread.rounds == 1 ? "" : " (\(figure(spread.minimum)) – \(figure(spread.maximum)))"
  }

  private static let posix = Locale(identifier: "en_US_POSIX")
}
