import Foundation

/// One figure of the report: a metric of an engine at a workload.
struct Measurement: Sendable {
  let workload: String
  let records: Int
  let threads: Int
  let engine: EngineKind
  let metric: String
  let spread: Spread

  /// One JSON object on one line, its fields in a fixed order.
  var json: String {
    let fields = [
      "\"workload\":\"\(workload)\"", "\"records\":\(records)", "\"threads\":\(threads)",
      "\"engine\":\"\(engine.rawValue)\"", "\"metric\":\"\(metric)\"",
      "\"median\":\(number(spread.median))", "\"min\":\(number(spread.minimum))",
      "\"max\":\(number(spread.maximum))", "\"rounds\":\(spread.rounds)",
    ]
    return "{" + fields.joined(separator: ",") + "}"
  }

  private func number(_ value: Double) -> String {
    value.magnitude >= 1_000
      ? String(Int(value.rounded())) : String((value * 1e6).rounded() / 1e6)
  }

  /// A JSON array, one object a line.
  static func json(_ measurements: [Measurement]) -> String {
    "[\n" + measurements.map { "  " + $0.json }.joined(separator: ",\n") + "\n]\n"
  }
}
