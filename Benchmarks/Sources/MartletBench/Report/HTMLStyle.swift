/// How the page looks, by day and by night.
enum HTMLStyle {
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }

  static let sheet = """
    :root {
      color-scheme: light dark;
      --paper: #fbfaf7; --card: #ffffff; --ink: #22262b; --quiet: #6b7280; --line: #e4e2dc;
      --martlet: #c2571a; --peer: #9fb3c8; --spread: #22262b; --target: #2f7d5b;
      --met: #2f7d5b; --missed: #b3261e;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #14171b; --card: #1c2026; --ink: #e6e4df; --quiet: #98a1ad; --line: #2c323a;
        --martlet: #f08a4b; --peer: #4d6680; --spread: #e6e4df; --target: #62c79a;
        --met: #62c79a; --missed: #ff8a80;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 1180px; background: var(--paper);
      color: var(--ink); font: 15px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", sans-serif;
    }
    h1 { font-size: 2rem; letter-spacing: -0.02em; margin: 0; }
    h2 { font-size: 1.25rem; margin: 2.75rem 0 0.75rem; }
    h3 { font-size: 1rem; margin: 0; }
    small, header p, article p, dt { color: var(--quiet); }
    small { font-weight: 400; }
    header p { max-width: 44rem; margin: 0.4rem 0 0; }
    .score { font-size: 1.1rem; }
    .score b { color: var(--martlet); font-size: 1.6rem; }
    main {
      display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr));
      gap: 1rem; margin-top: 2rem;
    }
    article {
      background: var(--card); border: 1px solid var(--line); border-radius: 12px;
      padding: 1rem 1.1rem 0.9rem;
    }
    article p { font-size: 0.82rem; margin: 0.1rem 0 0.6rem; min-height: 2.4em; }
    article ul { list-style: none; margin: 0.5rem 0 0; padding: 0; font-size: 0.78rem; }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    svg text { fill: var(--ink); font-size: 12.5px; dominant-baseline: central; }
    svg .figure { font-variant-numeric: tabular-nums; }
    svg .ratio { fill: var(--quiet); }
    svg rect { fill: var(--peer); }
    svg .martlet rect { fill: var(--martlet); }
    svg .martlet text { font-weight: 600; }
    svg .spread { stroke: var(--spread); stroke-width: 2; opacity: 0.55; }
    svg .target { stroke: var(--target); stroke-width: 2.5; }
    .met { color: var(--met); }
    .missed { color: var(--missed); font-weight: 600; }
    .complaints { border: 1px solid var(--missed); border-radius: 12px; padding: 0 1.1rem 0.5rem; margin-top: 2rem; }
    .complaints h2 { margin-top: 1rem; color: var(--missed); }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
    th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th { color: var(--quiet); font-weight: 500; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.25rem; margin: 0; }
    dd { margin: 0; overflow-wrap: anywhere; }
    a { color: var(--martlet); }
    section ul { padding-left: 1.2rem; margin: 0.3rem 0 1.2rem; }
    section h3 + p { margin: 0; color: var(--quiet); }
    """
}
