import Foundation

/// One figure of the report: a metric of an engine at a workload.
struct Measurement: Sendable {
  let workload: String
  let records: Int
  let threads: Int
  let engine: String
  let metric: String
  let spread: Spread

  /// Names of the fields with their texts, in a fixed order.
  private var fields: [(name: String, text: String, isText: Bool)] {
    [
      ("workload", workload, true), ("records", String(records), false),
      ("threads", String(threads), false), ("engine", engine, true), ("metric", metric, true),
      ("median", number(spread.median), false), ("min", number(spread.minimum), false),
      ("max", number(spread.maximum), false), ("rounds", String(spread.rounds), false),
    ]
  }

  /// One JSON object on one line.
  var json: String {
    let members = fields.map { "\"\($0.name)\":" + ($0.isText ? "\"\($0.text)\"" : $0.text) }
    return "{" + members.joined(separator: ",") + "}"
  }

  private func number(_ value: Double) -> String {
    value.magnitude >= 1_000
      ? String(Int(value.rounded())) : String((value * 1e6).rounded() / 1e6)
  }

  /// A JSON array, one object a line.
  static func json(_ measurements: [Measurement]) -> String {
    "[\n" + measurements.map { "  " + $0.json }.joined(separator: ",\n") + "\n]\n"
  }

  /// A line of names, then one a measurement.
  static func csv(_ measurements: [Measurement]) -> String {
    guard let first = measurements.first else { return "" }
    let head = first.fields.map(\.name).joined(separator: ",")
    let rows = measurements.map { $0.fields.map(\.text).joined(separator: ",") }
    return ([head] + rows).joined(separator: "\n") + "\n"
  }
}

extension Measurement: Decodable {
  private enum CodingKeys: String, CodingKey {
    case workload, records, threads, engine, metric, median, min, max, rounds
  }

  init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: CodingKeys.self)
    workload = try object.decode(String.self, forKey: .workload)
    records = try object.decode(Int.self, forKey: .records)
    threads = try object.decode(Int.self, forKey: .threads)
    engine = try object.decode(String.self, forKey: .engine)
    metric = try object.decode(String.self, forKey: .metric)
    spread = Spread(
      median: try object.decode(Double.self, forKey: .median),
      minimum: try object.decode(Double.self, forKey: .min),
      maximum: try object.decode(Double.self, forKey: .max),
      rounds: try object.decode(Int.self, forKey: .rounds))
  }
}
