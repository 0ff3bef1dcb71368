import Foundation
import Testing

/// Comments cite rules by number: "rule F1", "rules S3, S4". A number that no article explains
/// helps nobody.
@Suite struct `The rules` {
  /// The numbers that an article explains: the first column of its tables.
  static func explained(in article: String) throws -> Set<String> {
    let file = `The layers`.root.appending(path: "Sources/Martlet/Martlet.docc/\(article).md")
    let text = try String(contentsOf: file, encoding: .utf8)
    return Set(text.matches(of: /(?m)^\| ([A-Z]+[0-9]+) \|/).map { String($0.1) })
  }

  /// The numbers that a source cites, over line ends of comments too.
  static func cited(in source: String) -> Set<String> {
    let text = source.replacing(/\n\s*\/\/\/? ?/, with: " ")
    let citation = /\b[Rr]ules? ([A-Z]+[0-9]+(?:(?:,| and|, and| or| to) [A-Z]+[0-9]+)*)/
    return text.matches(of: citation).reduce(into: []) { numbers, match in
      numbers.formUnion(match.1.matches(of: /[A-Z]+[0-9]+/).map { String($0.0) })
    }
  }

  @Test func `that are cited are explained`() throws {
    let engine = try Self.explained(in: "Rules")
    let replication = try Self.explained(in: "Consensus")
    var citedCount = 0
    for (path, text) in try `The house rules`.sources() {
      let isReplicated =
        path.hasPrefix("Consensus/") || path.hasPrefix("Replication/")
        || path.hasPrefix("Verification/Cluster")
      let rules = isReplicated ? replication : engine
      let numbers = Self.cited(in: text)
      citedCount += numbers.count
      for number in numbers.sorted() where !rules.contains(number) {
        Issue.record("\(path) cites rule \(number), which no article explains")
      }
    }
    #expect(citedCount > 100)
  }

  @Test func `are found over line ends and in lists`() {
    let source = """
      /// Final (rules F1, F2), as rule
      /// W2 says, and rules S3 and S4.
      """
    #expect(Self.cited(in: source) == ["F1", "F2", "W2", "S3", "S4"])
  }
}
