internal import Verification

/// The matrix as one page that needs nothing else: a table in SVG whose cells lead to the orders
/// of steps that show what happened, or how it was prevented. Light and dark.
struct IsolationPage {
  let matrix: IsolationMatrix

  var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Isolation matrix</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <main>
    <h1>Isolation matrix</h1>
    <p class="lead">\(lead)</p>
    <p class="legend">\(legend)</p>
    <div class="table">
    \(IsolationTable(matrix: matrix).svg)
    </div>
    \(matrix.rows.enumerated().map { section($0.element, $0.offset) }.joined(separator: "\n"))
    </main>
    </body>
    </html>

    """
  }

  private var lead: String {
    let state =
      matrix.isAsPromised ? "Every cell is as promised." : "Some cells are not as promised."
    return "\(matrix.rows.count) anomalies at \(matrix.settings.count) settings, "
      + "\(Figures.count(matrix.triedCount)) runs. \(state) A cell tells in how many orders of the "
      + "steps the anomaly happened, of how many that were tried; below, in how many a transaction "
      + "was aborted. Follow a cell to see one of the orders, step by step."
  }

  private var legend: String {
    IsolationMatrix.Verdict.allCases.filter { verdict in
      matrix.rows.contains { $0.cells.contains { $0.verdict == verdict } }
    }.map { "<span class=\"key \($0.style)\"></span>\($0.words)" }.joined(separator: " &nbsp; ")
  }

  // MARK: One anomaly

  private func section(_ row: IsolationMatrix.Row, _ index: Int) -> String {
    let scenario = row.scenario
    let source = scenario.source.map { "<p class=\"source\">\(Markup.escaped($0))</p>" } ?? ""
    let text = ScenarioCatalogue.text(named: scenario.name).map { text in
      "<details><summary>The scenario</summary><pre>\(Markup.escaped(text))</pre></details>"
    }
    return """
      <section id="row-\(index)">
      <h2>\(Markup.escaped(scenario.name)) <small>\(Markup.escaped(scenario.title))</small></h2>
      \(source)
      \(text ?? "")
      <div class="cards">
      \(cards(row, index))
      </div>
      </section>
      """
  }

  /// Settings with the same story share a card.
  private func cards(_ row: IsolationMatrix.Row, _ index: Int) -> String {
    var cards: [(columns: [Int], cell: IsolationMatrix.Cell)] = []
    for (column, cell) in row.cells.enumerated() {
      if let card = cards.firstIndex(where: {
        $0.cell.verdict == cell.verdict && $0.cell.example == cell.example
      }) {
        cards[card].columns.append(column)
      } else {
        cards.append(([column], cell))
      }
    }
    return cards.map { card in
      let names = card.columns.map { column in
        "<span id=\"cell-\(index)-\(column)\">\(matrix.settings[column])</span>"
      }.joined(separator: ", ")
      let failures = card.cell.trial.failures.map {
        "<p class=\"failure\">not met: \(Markup.escaped($0.text))</p>"
      }.joined()
      let aborts = aborts(of: card.columns.map { row.cells[$0] })
      return """
        <article class="card \(card.cell.verdict.style)">
        <h3>\(names)</h3>
        <p>\(card.cell.verdict.words)\(aborts)</p>\(failures)
        <pre>\(Markup.escaped(card.cell.example.joined(separator: "\n")))</pre>
        </article>
        """
    }.joined(separator: "\n")
  }

  /// The codes of all aborts of some cells, and that somebody had to wait.
  private func aborts(of cells: [IsolationMatrix.Cell]) -> String {
    let codes = Set(cells.flatMap { $0.trial.aborts.keys }).sorted()
    let means =
      (cells.contains { $0.trial.blockedOrderCount > 0 } ? ["waiting"] : [])
      + codes.map { "abort with \($0)" }
    return means.isEmpty ? "" : "; seen in other orders: \(means.joined(separator: ", "))"
  }

  private static let style = """
    :root { color-scheme: light dark;
      --paper: #fbfaf7; --ink: #24221e; --soft: #6d685e; --line: #dcd7cb; --card: #ffffff;
      --never: #dcecdf; --never-ink: #1d5c34; --happens: #f7e3bf; --happens-ink: #7a4b00;
      --allowed: #e9e6f5; --allowed-ink: #4b3f8f; --wrong: #c62f2f; --wrong-ink: #ffffff; }
    @media (prefers-color-scheme: dark) { :root {
      --paper: #17181b; --ink: #e7e4dc; --soft: #9a968c; --line: #34353a; --card: #1f2125;
      --never: #1c3527; --never-ink: #9ad9b0; --happens: #453413; --happens-ink: #f3cd86;
      --allowed: #2b2848; --allowed-ink: #bdb3f5; --wrong: #d64545; --wrong-ink: #ffffff; } }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
    main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
    h1 { font-size: 1.9rem; margin: 0 0 .4rem; letter-spacing: -.01em; }
    h2 { font-size: 1.15rem; margin: 2.6rem 0 .2rem; }
    h2 small { color: var(--soft); font-weight: 400; font-size: 1rem; margin-left: .4rem; }
    h3 { font-size: .92rem; margin: 0; }
    .lead { max-width: 46rem; margin: 0 0 .6rem; }
    .legend, .source { color: var(--soft); font-size: .88rem; margin: .2rem 0 .8rem; }
    .key { display: inline-block; width: .8em; height: .8em; border-radius: .2em;
      margin-right: .35em; }
    .key.never { background: var(--never-ink); } .key.happens { background: var(--happens-ink); }
    .key.allowed { background: var(--allowed-ink); } .key.wrong { background: var(--wrong); }
    .table { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
      background: var(--card); padding: .75rem; }
    svg { display: block; min-width: 62rem; width: 100%; height: auto; }
    svg text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
    svg .head { font-weight: 600; } svg .title, svg .count { fill: var(--soft); font-size: 11px; }
    svg .count { font-size: 10px; } svg rect { stroke: var(--card); stroke-width: 2; }
    svg a:hover rect { stroke: var(--ink); }
    svg .never rect { fill: var(--never); } svg .never text { fill: var(--never-ink); }
    svg .happens rect { fill: var(--happens); } svg .happens text { fill: var(--happens-ink); }
    svg .allowed rect { fill: var(--allowed); } svg .allowed text { fill: var(--allowed-ink); }
    svg .wrong rect { fill: var(--wrong); } svg .wrong text { fill: var(--wrong-ink); }
    .cards { display: grid; gap: .75rem; margin-top: .6rem; align-items: start;
      grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }
    .card { background: var(--card); border: 1px solid var(--line); border-left-width: 4px;
      border-radius: 8px; padding: .7rem .9rem; min-width: 0; }
    .card.never { border-left-color: var(--never-ink); }
    .card.happens { border-left-color: var(--happens-ink); }
    .card.allowed { border-left-color: var(--allowed-ink); }
    .card.wrong { border-left-color: var(--wrong); }
    .card:has(:target) { outline: 2px solid var(--ink); }
    .card p { margin: .1rem 0 .4rem; font-size: .86rem; color: var(--soft); }
    .card .failure { color: var(--wrong); }
    pre { margin: 0; overflow-x: auto; font: 12px/1.5 ui-monospace, "SF Mono", Menlo, monospace; }
    details { font-size: .88rem; } summary { cursor: pointer; color: var(--soft); }
    details pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
      padding: .7rem .9rem; margin: .4rem 0; }
    """
}

/// The table of the page.
private struct IsolationTable {
  let matrix: IsolationMatrix

  private let nameWidth = 330
  private let cellWidth = 84
  private let rowHeight = 38
  private let headHeight = 34

  var svg: String {
    let width = nameWidth + cellWidth * matrix.settings.count
    let height = headHeight + rowHeight * matrix.rows.count
    let heads = matrix.settings.enumerated().map { column, setting in
      "<text class=\"head\" text-anchor=\"middle\" x=\"\(middle(of: column))\" y=\"20\">"
        + "\(setting)</text>"
    }
    let rows = matrix.rows.enumerated().map { index, row in
      ([name(of: row, index)] + row.cells.enumerated().map { cell($0.element, index, $0.offset) })
        .joined(separator: "\n")
    }
    return """
      <svg viewBox="0 0 \(width) \(height)" role="img" \
      aria-label="Which anomalies happen at which isolation level">
      \((heads + rows).joined(separator: "\n"))
      </svg>
      """
  }

  private func middle(of column: Int) -> Int { nameWidth + column * cellWidth + cellWidth / 2 }

  private func name(of row: IsolationMatrix.Row, _ index: Int) -> String {
    let top = headHeight + index * rowHeight
    return """
      <a href="#row-\(index)"><text x="4" y="\(top + 16)">\(Markup.escaped(row.scenario.name))</text>
      <text class="title" x="4" y="\(top + 31)">\(Markup.escaped(row.scenario.title))</text></a>
      """
  }

  private func cell(_ cell: IsolationMatrix.Cell, _ row: Int, _ column: Int) -> String {
    let top = headHeight + row * rowHeight
    let center = middle(of: column)
    let setting = matrix.settings[column]
    let name = matrix.rows[row].scenario.name
    let tip =
      "\(name) at \(setting): \(cell.verdict.words)\n" + cell.example.joined(separator: "\n")
    let count =
      cell.trial.abortedOrderCount > 0
      ? "\(cell.trial.abortedOrderCount) aborted" : "of \(cell.trial.triedCount)"
    return """
      <a href="#cell-\(row)-\(column)" class="\(cell.verdict.style)">\
      <title>\(Markup.escaped(tip))</title>\
      <rect x="\(center - cellWidth / 2)" y="\(top)" width="\(cellWidth)" height="\(rowHeight)" \
      rx="5"/>\
      <text text-anchor="middle" x="\(center)" y="\(top + 17)">\(cell.text)</text>\
      <text class="count" text-anchor="middle" x="\(center)" y="\(top + 31)">\(count)</text></a>
      """
  }
}

extension IsolationMatrix.Verdict {
  /// The style class of the page.
  fileprivate var style: String {
    switch self {
    case .happens: "happens"
    case .allowedNeverSeen: "allowed"
    case .never: "never"
    case .forbiddenHappened, .expectedNeverSeen, .broken, .unavailable: "wrong"
    }
  }
}

/// Text inside markup.
private enum Markup {
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
