internal import Verification

/// What a checker found, for people and for scripts.
struct HistoryReportText {
  let report: HistoryReport
  let history: History
  let file: String
  let elapsed: Duration

  private var modelName: String {
    switch report.model {
    case .uniform(let model): model.rawValue
    case .mixed: "mixed"
    }
  }

  private var operationsPerSecond: Int {
    Int(Double(report.operationCount) / max(Figures.seconds(elapsed), 0.000_001))
  }

  /// Forbidden ones first, then by name.
  private var anomalies: [(name: String, count: AnomalyCount)] {
    report.anomalies.map { ($0.key, $0.value) }.sorted {
      ($0.count.forbidden > 0 ? 0 : 1, $0.name) < ($1.count.forbidden > 0 ? 0 : 1, $1.name)
    }
  }

  // MARK: For people

  func print(to output: inout Output) throws {
    let transactions = history.transactions.count
    try output.line(
      "\(file): \(Figures.count(transactions, "transaction")), "
        + "\(Figures.count(report.operationCount, "operation")) checked in "
        + "\(Figures.time(elapsed)), \(Figures.count(operationsPerSecond)) operations/s")
    for outcome in HistoryTransaction.Outcome.allCases {
      try output.line("\(padded(report.outcomes[outcome] ?? 0))  \(Self.words[outcome] ?? "")")
    }
    try table(
      "transactions by level and protocol, committed of all:",
      report.kinds.map { name, outcomes in
        (name, "\(Figures.count(outcomes[.ok] ?? 0)) of \(outcomes.values.reduce(0, +))")
      }, &output)
    try table("aborts:", report.aborts.map { ($0.key, Figures.count($0.value)) }, &output)
    try output.line("dependencies:")
    for kind in DependencyKind.allCases where (report.edges[kind] ?? 0) > 0 {
      try output.line("\(padded(report.edges[kind] ?? 0))  \(kind.symbol)")
    }
    if !anomalies.isEmpty { try output.line("anomalies:") }
    for (name, count) in anomalies {
      let verdict = count.forbidden > 0 ? "forbidden by" : "allowed by"
      try output.line(
        "\(padded(count.found))  \(name): \(count.kind.meaning), \(verdict) \(modelName)")
    }
    var told: [String: Int] = [:]
    for anomaly in report.examples where anomaly.isForbidden || report.isValid {
      told[anomaly.name, default: 0] += 1
      if told[anomaly.name, default: 0] <= 2 { try tell(anomaly, &output) }
    }
    try output.line("")
    try output.line(conclusion)
  }

  private static let words: [HistoryTransaction.Outcome: String] = [
    .ok: "committed", .fail: "aborted", .info: "unknown",
  ]

  private var conclusion: String {
    report.isValid ? "valid: \(modelName) allows this history" : "NOT VALID under \(modelName)"
  }

  private func table(
    _ title: String, _ rows: [(name: String, figure: String)], _ output: inout Output
  ) throws {
    guard !rows.isEmpty else { return }
    try output.line(title)
    for row in rows.sorted(by: { $0.name < $1.name }) {
      let space = String(repeating: " ", count: max(0, 12 - row.figure.count))
      try output.line("\(space)\(row.figure)  \(row.name)")
    }
  }

  private func padded(_ count: Int) -> String {
    let text = Figures.count(count)
    return String(repeating: " ", count: max(0, 12 - text.count)) + text
  }

  /// An anomaly with its transactions.
  private func tell(_ anomaly: Anomaly, _ output: inout Output) throws {
    try output.line("")
    try output.line("\(anomaly.name): \(anomaly.detail)")
    for number in unique(anomaly.transactions).prefix(12) {
      try output.line("  T\(number) \(describe(history.transactions[number]))")
    }
    for (place, step) in anomaly.cycle.enumerated() {
      let lead = place == 0 ? "  - " : place == anomaly.cycle.count - 1 ? "  - and " : "  - then "
      try output.line("\(lead)\(step.reason) (\(step.kind.symbol))")
    }
  }

  private func unique(_ numbers: [Int]) -> [Int] {
    var seen: Set<Int> = []
    return numbers.filter { seen.insert($0).inserted }
  }

  private func describe(_ transaction: HistoryTransaction) -> String {
    var words = ["(process \(transaction.process), \(transaction.outcome.rawValue)"]
    if let level = transaction.level { words.append(level.rawValue) }
    if let name = transaction.concurrencyProtocol { words.append(name) }
    let steps = transaction.operations.prefix(10).map(\.description).joined(separator: " ")
    let rest = transaction.operations.count - 10
    return words.joined(separator: ", ") + ") " + steps + (rest > 0 ? " and \(rest) more" : "")
  }

  // MARK: For scripts

  var json: JSON {
    let kinds = report.kinds.sorted { $0.key < $1.key }.map { name, outcomes in
      JSON.Member(name, Self.outcomes(outcomes))
    }
    let aborts = report.aborts.sorted { $0.key < $1.key }.map {
      JSON.Member($0.key, JSON($0.value))
    }
    let edges = DependencyKind.allCases.map {
      JSON.Member($0.symbol, JSON(report.edges[$0] ?? 0))
    }
    let counts = anomalies.map { name, count in
      JSON.Member(name, ["found": JSON(count.found), "forbidden": JSON(count.forbidden)])
    }
    return [
      "isValid": .bool(report.isValid), "model": .string(modelName),
      "transactions": Self.outcomes(report.outcomes), "operations": JSON(report.operationCount),
      "seconds": .number(Figures.fixed(Figures.seconds(elapsed), digits: 3)),
      "kinds": .object(kinds), "aborts": .object(aborts), "edges": .object(edges),
      "anomalies": .object(counts), "examples": .array(report.examples.map(Self.json)),
    ]
  }

  private static func outcomes(_ outcomes: [HistoryTransaction.Outcome: Int]) -> JSON {
    .object(
      HistoryTransaction.Outcome.allCases.map {
        JSON.Member($0.rawValue, JSON(outcomes[$0] ?? 0))
      })
  }

  private static func json(_ anomaly: Anomaly) -> JSON {
    let steps = anomaly.cycle.map { step -> JSON in
      [
        "from": JSON(step.from), "to": JSON(step.to), "kind": .string(step.kind.symbol),
        "key": JSON(step.key), "reason": .string(step.reason),
      ]
    }
    return [
      "name": .string(anomaly.name), "isForbidden": .bool(anomaly.isForbidden),
      "transactions": .array(anomaly.transactions.map { JSON($0) }),
      "detail": .string(anomaly.detail), "cycle": .array(steps),
    ]
  }
}
