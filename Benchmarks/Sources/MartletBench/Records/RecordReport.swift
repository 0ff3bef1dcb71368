import Foundation

/// The comparison with GRDB for people and for programs.
struct RecordReport: Encodable {
  let machine: String
  let date: String
  let records: Int
  let rounds: Int
  /// What each level means for each.
  let durability = Self.promises
  let rows: [RecordRow]

  init(_ rows: [RecordRow], records: Int, rounds: Int, machine: Machine) {
    self.rows = rows
    self.records = records
    self.rounds = rounds
    self.machine = machine.summary
    date = Date.now.formatted(.iso8601)
  }

  /// A level means not quite the same for both.
  private static let promises = [
    "full: a commit returns when it is on the medium, and survives a power cut. Martlet .full; GRDB"
      + " a DatabasePool (WAL) with synchronous = FULL",
    "relaxed: no sync on the commit path. Martlet .relaxed writes and syncs in the background every"
      + " few milliseconds: a crash of the process or a power cut loses at most those. GRDB's"
      + " default, synchronous = NORMAL, writes to the system at each commit and syncs at"
      + " checkpoints: a crash of the process loses nothing, a power cut all commits since the last"
      + " checkpoint (a thousand pages of log). Neither becomes inconsistent",
  ]

  func print(asJSON: Bool) throws {
    if asJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
    Swift.print(
      "Martlet beside GRDB 7: \(records) records of seven fields; \(date)\n\(machine)\n"
        + "medians of \(rounds) rounds, with least and greatest\n")
    var table = TextTable(header: [
      "task", "durability", "unit", "martlet", "", "grdb", "", "ratio", "", "wanted", "",
      "by processor time",
    ])
    for row in rows {
      let (martlet, grdb) = (row.martlet.text(Figures.count), row.grdb.text(Figures.count))
      let ratio = row.ratio.text(Figures.significant)
      table.add([
        row.task.rawValue, row.durability.rawValue, row.unit.rawValue, martlet.median,
        martlet.range, grdb.median, grdb.range, ratio.median + "x", ratio.range,
        row.target.map { "≥ \(Figures.significant($0))x" } ?? "",
        row.isMet.map { $0 ? "met" : "MISSED" } ?? "",
        Figures.significant(row.processorRatio.median) + "x",
      ])
    }
    Swift.print(table.lines.joined(separator: "\n"))
    Swift.print("")
    for promise in Self.promises { Swift.print(promise) }
  }
}
