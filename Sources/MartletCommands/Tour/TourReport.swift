/// What the tour did, as a table: step, result, time.
package struct TourReport {
  /// One line of the table.
  package struct Step {
    package var name: String
    package var result: String
    /// Nil for a line that belongs to the step above it.
    package var time: Duration?

    package init(name: String, result: String, time: Duration? = nil) {
      self.name = name
      self.result = result
      self.time = time
    }
  }

  package private(set) var steps: [Step] = []

  package init() {}

  /// Runs a step and notes what it took.
  package mutating func step(_ name: String, _ body: () throws -> String) throws {
    try Interruption.check()
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    steps.append(Step(name: name, result: result, time: clock.now - start))
  }

  package mutating func append(_ step: Step) { steps.append(step) }

  package var total: Duration { steps.reduce(.zero) { $0 + ($1.time ?? .zero) } }

  /// The table, as lines.
  package var table: [String] {
    let times = (steps.map(\.time) + [total]).map { time in
      time.map { Figures.fixed(Figures.seconds($0), digits: 2) + " s" } ?? ""
    }
    let nameWidth = steps.map(\.name.count).max() ?? 0
    let resultWidth = steps.map(\.result.count).max() ?? 0
    let timeWidth = times.map(\.count).max() ?? 0
    func row(_ name: String, _ result: String, _ time: String) -> String {
      let start = name + spaces(nameWidth - name.count) + "   " + result
      guard !time.isEmpty else { return start }
      return start + spaces(resultWidth - result.count + 3 + timeWidth - time.count) + time
    }
    let lines = zip(steps, times).map { row($0.name, $0.result, $1) }
    let rule = String(repeating: "─", count: nameWidth + resultWidth + timeWidth + 6)
    return lines + [rule, row("in all", "", times[times.count - 1])]
  }

  private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
