import Foundation

/// The figures of one workload as horizontal bars, with the spread of the rounds and, across Martlet's
/// bar, what was promised of it.
///
/// ```
///     martlet ████████████████┆███├──┤    1.84 M
///        lmdb █████████├┤                 0.99 M   1.86x
/// ```
struct HTMLChart: Sendable {
  let results: Results
  let workload: Workload

  private static let width = 480.0
  private static let labelWidth = 126.0
  private static let figureWidth = 136.0
  private static let ratioWidth = 62.0
  private static let rowHeight = 24.0
  private static let barHeight = 14.0

  private var metric: Metric { workload.kind.metric }

  var svg: String {
    let engines = results.engines(at: workload)
    let bars = engines.compactMap { engine in
      results.headline(engine, workload).map { (engine: engine, spread: $0) }
    }
    let marks = self.marks
    let most = (bars.map(\.spread.maximum) + marks).max() ?? 1
    let room = Self.width - Self.labelWidth - Self.figureWidth
    func x(_ value: Double) -> Double { Self.labelWidth + room * value / max(most, .ulpOfOne) }
    let height = Self.rowHeight * Double(bars.count) + 4

    var parts = bars.enumerated().map { index, bar in
      row(bar.engine, bar.spread, y: Self.rowHeight * Double(index) + 2, x: x)
    }
    if bars.first?.engine == .martlet {
      parts += marks.map { mark in
        let place = n(x(mark))
        let tip = escaped("wanted: \(metric.text(mark))")
        return "<line class=\"target\" x1=\"\(place)\" x2=\"\(place)\" y1=\"1\""
          + " y2=\"\(n(Self.rowHeight + 3))\"><title>\(tip)</title></line>"
      }
    }
    let label = escaped("\(workload.kind.name), \(workload.threads) threads")
    return
      "<svg viewBox=\"0 0 \(n(Self.width)) \(n(height))\" role=\"img\" aria-label=\"\(label)\">\n"
      + parts.joined(separator: "\n") + "\n</svg>"
  }

  private func row(
    _ engine: EngineKind, _ spread: Spread, y: Double, x: (Double) -> Double
  ) -> String {
    let middle = y + Self.rowHeight / 2
    let left = Self.labelWidth
    let advantage =
      engine.isMartlet ? nil : results.advantage(.martlet, over: engine, workload)
    let ratio =
      advantage.map {
        "<text class=\"ratio\" x=\"\(n(Self.width))\" y=\"\(n(middle))\" text-anchor=\"end\">"
          + "\(Figures.significant($0.median))x</text>"
      } ?? ""
    let kind = engine.isMartlet ? "martlet" : "peer"
    let tip = escaped("\(engine.rawValue): \(metric.text(spread))")
    return """
      <g class="\(kind)"><title>\(tip)</title>
      <text x="\(n(left - 8))" y="\(n(middle))" text-anchor="end">\(engine.rawValue)</text>
      <rect x="\(n(left))" y="\(n(middle - Self.barHeight / 2))" \
      width="\(n(max(x(spread.median) - left, 1)))" height="\(n(Self.barHeight))" rx="3"/>
      <line class="spread" x1="\(n(x(spread.minimum)))" x2="\(n(x(spread.maximum)))" \
      y1="\(n(middle))" y2="\(n(middle))"/>
      <text class="figure" x="\(n(Self.width - Self.ratioWidth))" y="\(n(middle))" \
      text-anchor="end">\(escaped(metric.text(spread.median)))</text>\(ratio)</g>
      """
  }

  /// Figures that Martlet must reach to meet its targets against rivals at this workload.
  private var marks: [Double] {
    Target.all(results.scale).compactMap { target in
      guard target.workload == workload, target.subjects.contains(.martlet),
        case .rivals(let rivals, let other) = target.yardstick
      else { return nil }
      let medians = rivals.compactMap { results.headline($0, other)?.median }
      let best = metric.isBetterWhenLarger ? medians.max() : medians.min()
      return best.map { $0 * target.bound }
    }
  }

  /// A number with a digit behind the point.
  private func n(_ value: Double) -> String { String((value * 10).rounded() / 10) }

  private func escaped(_ text: String) -> String { HTMLStyle.escaped(text) }
}
