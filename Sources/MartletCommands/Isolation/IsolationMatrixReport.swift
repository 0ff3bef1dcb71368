internal import Verification

/// The matrix for people and for scripts.
struct IsolationMatrixReport {
  let matrix: IsolationMatrix
  let elapsed: Duration

  private typealias Place = (row: IsolationMatrix.Row, cell: IsolationMatrix.Cell)

  private func cells(_ isWanted: (IsolationMatrix.Verdict) -> Bool) -> [Place] {
    matrix.rows.flatMap { row in
      row.cells.filter { isWanted($0.verdict) }.map { (row, $0) }
    }
  }

  /// One line for the end.
  var conclusion: String {
    let wrong = cells { !$0.isAsPromised }
    return "\(Figures.count(wrong.count, "cell")) of the matrix "
      + "\(wrong.count == 1 ? "is" : "are") not as promised: "
      + wrong.map { "\($0.row.scenario.name) at \($0.cell.trial.setting)" }
      .joined(separator: ", ")
  }

  // MARK: For people

  func print(to output: inout Output) throws {
    let widths = matrix.settings.map { max("\($0)".count, 8) + 2 }
    func line(_ head: String, _ texts: [String]) throws {
      let columns = zip(texts, widths).map { Columns.right($0, $1) }
      try output.line(Columns.left(head, 22) + columns.joined())
    }
    try line("", matrix.settings.map(\.description))
    for row in matrix.rows {
      try line(row.scenario.name, row.cells.map(\.text))
      let aborted = row.cells.map { cell in
        cell.trial.abortedOrderCount == 0 ? "" : "\(cell.trial.abortedOrderCount)"
      }
      if aborted.contains(where: { !$0.isEmpty }) { try line("  aborted in", aborted) }
    }
    try output.line("")
    try output.line(
      "\(Figures.count(matrix.triedCount)) runs in \(Figures.time(elapsed)). A cell tells in how many "
        + "orders of the steps the anomaly happened, of")
    try output.line(
      "how many that were tried; the line below it, in how many somebody was aborted.")
    try printAllowedNeverSeen(to: &output)
    try printWrong(to: &output)
    if matrix.isAsPromised { try output.line("every cell is as promised") }
  }

  private func printAllowedNeverSeen(to output: inout Output) throws {
    let places = cells { $0 == .allowedNeverSeen }
    if places.isEmpty { return }
    try output.line("allowed by the level, never shown by this engine (marked -):")
    for place in places {
      try output.line("  \(place.row.scenario.name) at \(place.cell.trial.setting)")
    }
  }

  private func printWrong(to output: inout Output) throws {
    for place in cells({ !$0.isAsPromised }) {
      let name = "\(place.row.scenario.name) at \(place.cell.trial.setting)"
      try output.line("")
      try output.line("NOT AS PROMISED: \(name): \(place.cell.verdict.words)")
      for failure in place.cell.trial.failures {
        let where_ = failure.line.map { "line \($0): " } ?? ""
        try output.line(
          "  \(where_)\(failure.text) (not met in \(Figures.count(failure.count, "order")))")
      }
      for line in place.cell.example { try output.line("    \(line)") }
    }
  }

  // MARK: For scripts

  var json: JSON {
    [
      "isAsPromised": .bool(matrix.isAsPromised), "runs": JSON(matrix.triedCount),
      "seconds": .number(Figures.fixed(Figures.seconds(elapsed), digits: 3)),
      "settings": .array(matrix.settings.map { .string($0.description) }),
      "anomalies": .array(
        matrix.rows.map { row in
          [
            "name": .string(row.scenario.name), "title": .string(row.scenario.title),
            "source": row.scenario.source.map(JSON.string) ?? .null,
            "cells": .array(row.cells.map { $0.json(in: row.scenario) }),
          ]
        }),
    ]
  }
}

extension IsolationMatrix.Cell {
  /// The cell of the table in the terminal.
  var text: String {
    let ratio = "\(count)/\(trial.triedCount)"
    return switch verdict {
    case .happens: ratio
    case .never: "never"
    case .allowedNeverSeen: "-"
    case .forbiddenHappened, .expectedNeverSeen, .broken: "!\(ratio)"
    case .unavailable: "n/a"
    }
  }

  func json(in scenario: Scenario) -> JSON {
    let name = trial.happenings.first?.name ?? ""
    let aborts = trial.aborts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) }
    return [
      "level": .string(trial.setting.level.rawValue),
      "protocol": trial.setting.concurrency.map { .string($0.rawValue) } ?? .null,
      "promise": scenario.promise(of: name, at: trial.setting).map { .string($0.rawValue) }
        ?? .null,
      "verdict": .string(verdict.rawValue), "isAsPromised": .bool(verdict.isAsPromised),
      "happened": JSON(count), "tried": JSON(trial.triedCount), "orders": JSON(trial.orderCount),
      "abortedOrders": JSON(trial.abortedOrderCount),
      "blockedOrders": JSON(trial.blockedOrderCount), "aborts": .object(aborts),
      "example": .array(example.map(JSON.string)),
    ]
  }
}

extension IsolationMatrix.Verdict {
  /// In words, for people.
  var words: String {
    switch self {
    case .happens: "happens, as the level allows"
    case .allowedNeverSeen: "allowed, never seen"
    case .never: "never, as promised"
    case .forbiddenHappened: "forbidden by the level, and it happened"
    case .expectedNeverSeen: "the level allows it, and it could not be shown"
    case .broken: "an expectation of the scenario is not met"
    case .unavailable: "the engine does not offer the level or protocol"
    }
  }
}
