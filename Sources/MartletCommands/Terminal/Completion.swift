/// Proposals for the word before a cursor.
package struct Completion: Equatable, Sendable {
  /// Where the word begins.
  package var start: Int
  /// What it may become, sorted.
  package var candidates: [String]
  /// Whether there are more that are not listed.
  package var isCut = false

  package init(start: Int, candidates: [String], isCut: Bool = false) {
    self.start = start
    self.candidates = candidates
    self.isCut = isCut
  }

  /// What to put in the place of the word: the only candidate and a space, or what all have in
  /// common; nil when that adds nothing.
  package func insertion(after word: ArraySlice<Character>) -> String? {
    guard let first = candidates.first else { return nil }
    if candidates.count == 1, !isCut { return first + " " }
    var common = Array(first)
    for candidate in candidates.dropFirst() {
      common = zip(common, candidate).prefix { $0 == $1 }.map(\.0)
    }
    return common.count > word.count && common.starts(with: word) ? String(common) : nil
  }

  /// All of them in columns.
  package func listing(columns: Int) -> String {
    let width = (candidates.map { DisplayWidth.of($0) }.max() ?? 0) + 2
    let perLine = max(columns / max(width, 1), 1)
    var lines: [String] = []
    for start in stride(from: 0, to: candidates.count, by: perLine) {
      let row = candidates[start..<min(start + perLine, candidates.count)].map { candidate in
        candidate + String(repeating: " ", count: width - DisplayWidth.of(candidate))
      }
      var line = row.joined()
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    if isCut { lines.append("…") }
    return lines.joined(separator: "\n")
  }
}
