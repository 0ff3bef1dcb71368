import Foundation

/// The figures of the features, as a table or as JSON.
struct AppReport: Encodable {
  let records: Int
  let rounds: Int
  let machine: String
  let date: String
  private(set) var figures: [Figure] = []

  struct Figure: Encodable {
    let part: AppPart
    let name: String
    let unit: String
    fileprivate(set) var values: [Double]
  }

  init(records: Int, rounds: Int, machine: Machine) {
    self.records = records
    self.rounds = rounds
    self.machine = machine.summary
    date = Date.now.formatted(.iso8601)
  }

  /// Adds what a round has found.
  mutating func add(_ part: AppPart, _ measurements: [AppMeasurement]) {
    for found in measurements {
      if let index = figures.firstIndex(where: { $0.part == part && $0.name == found.name }) {
        figures[index].values.append(found.value)
      } else {
        figures.append(
          Figure(part: part, name: found.name, unit: found.unit, values: [found.value]))
      }
    }
  }

  func print(asJSON: Bool) throws {
    if asJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
    Swift.print(
      "Features for apps: \(records) records; \(date)\n\(machine)\n"
        + "medians of \(rounds) rounds, with least and greatest\n")
    var table = TextTable(header: ["figure", "part", "unit", "median", ""])
    for figure in figures {
      guard let spread = Spread(figure.values) else { continue }
      table.add([
        figure.name, figure.part.rawValue, figure.unit, Figures.count(spread.median),
        Figures.range(spread, Figures.count),
      ])
    }
    Swift.print(table.lines.joined(separator: "\n"))
  }
}
