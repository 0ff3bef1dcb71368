/// The report of a run as one page that needs nothing else: no script, no font, no picture from
/// elsewhere.
struct HTMLReport: Sendable {
  let run: RunDescription
  let results: Results
  /// What is wrong with the run, if anything.
  let complaints: [String]

  var page: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Martlet benchmark</title>
    <style>
    \(HTMLStyle.sheet)
    </style>
    </head>
    <body>
    <header>
    <h1>Martlet benchmark</h1>
    <p>Embedded storage engines on the same work, in turns: the longer the bar, the better where
    operations are counted; the shorter, the better where it says seconds or bytes. Green marks are
    what was promised of Martlet; factors say how many times better it is than the engine beside
    them.</p>
    \(summary)
    </header>
    \(complaintList)
    <main>
    \(results.workloads.map(card).joined(separator: "\n"))
    </main>
    <section>
    <h2>Targets</h2>
    \(targetTable)
    </section>
    <section>
    <h2>The run</h2>
    <dl>
    \(run.facts(results).map { "<dt>\($0.name)</dt><dd>\(escaped($0.text))</dd>" }
      .joined(separator: "\n"))
    </dl>
    </section>
    <section>
    <h2>Engines and their settings</h2>
    \(results.engines.map(settings).joined(separator: "\n"))
    \(skipped)
    </section>
    </body>
    </html>

    """
  }

  private var summary: String {
    let verdicts = TargetVerdict.all(results)
    guard !verdicts.isEmpty else { return "" }
    let met = verdicts.count { $0.isMet }
    return "<p class=\"score\"><b>\(met)</b> of \(verdicts.count) targets met</p>"
  }

  private var complaintList: String {
    guard !complaints.isEmpty else { return "" }
    let items = complaints.map { "<li>\(escaped($0))</li>" }.joined()
    return
      "<section class=\"complaints\"><h2>What is wrong with this run</h2><ul>\(items)</ul></section>"
  }

  /// A workload: its name, its chart, and what was promised of it.
  private func card(_ workload: Workload) -> String {
    let threads = workload.threads == 1 ? "1 thread" : "\(workload.threads) threads"
    let verdicts = TargetVerdict.all(results).filter { $0.target.workload == workload }
    let chips = verdicts.map { verdict in
      let target = verdict.target
      return "<li class=\"\(verdict.isMet ? "met" : "missed")\">"
        + "\(verdict.isMet ? "met" : "MISSED"): \(escaped(target.text(verdict.found)))"
        + " of \(escaped(verdict.yardstick)), wanted \(escaped(target.wanted))</li>"
    }
    return """
      <article>
      <h3>\(workload.kind.name) <small>\(threads)</small></h3>
      <p>\(escaped(workload.kind.detail))</p>
      \(HTMLChart(results: results, workload: workload).svg)
      <ul>\(chips.joined())</ul>
      </article>
      """
  }

  private var targetTable: String {
    let rows = TargetVerdict.all(results).map { verdict in
      let target = verdict.target
      let cells = [
        target.workload.kind.name, String(target.workload.threads), verdict.subject,
        verdict.yardstick, target.wanted, target.text(verdict.found),
        verdict.byProcessorTime.map(target.text) ?? "",
      ]
      let verdictCell =
        "<td class=\"\(verdict.isMet ? "met" : "missed")\">\(verdict.isMet ? "met" : "MISSED")</td>"
      return "<tr>" + cells.map { "<td>\(escaped($0))</td>" }.joined() + verdictCell + "</tr>"
    }
    let head = ["workload", "threads", "who", "against", "wanted", "found", "by CPU time", ""]
      .map { "<th>\($0)</th>" }.joined()
    return
      "<div class=\"wide\"><table><tr>\(head)</tr>\n\(rows.joined(separator: "\n"))</table></div>"
  }

  private func settings(_ engine: EngineKind) -> String {
    let items = engine.settings.map { setting in
      let source = setting.source.map { " <a href=\"\($0)\">source</a>" } ?? ""
      return "<li>\(escaped(setting.text))\(source)</li>"
    }
    return "<h3>\(engine.rawValue)</h3><p>\(escaped(engine.version))</p><ul>\(items.joined())</ul>"
  }

  private var skipped: String {
    EngineKind.peers.filter { !$0.isInstalled }
      .map { "<p>\($0.rawValue): skipped, its library is not installed</p>" }
      .joined(separator: "\n")
  }

  private func escaped(_ text: String) -> String { HTMLStyle.escaped(text) }
}
