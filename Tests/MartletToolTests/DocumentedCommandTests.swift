import ArgumentParser
import Foundation
import MartletCommands
import Testing

/// What the articles and the README tell people to type.
@Suite struct DocumentedCommandTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static func articles() throws -> [(name: String, text: String)] {
    let catalog = root.appending(path: "Sources/Martlet/Martlet.docc")
    let names = try FileManager.default.contentsOfDirectory(atPath: catalog.path)
      .filter { $0.hasSuffix(".md") }.sorted()
    return try ([root.appending(path: "README.md")] + names.map { catalog.appending(path: $0) })
      .map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
  }

  /// The runs of `martlet` in a line of a shell: words, without what belongs to the shell.
  static func runs(in line: String) -> [[String]] {
    let code = line.split(separator: " #", omittingEmptySubsequences: false).first ?? ""
    return code.split(separator: /\||&&|;/).compactMap { part in
      var words = part.split(separator: " ").map(String.init)
      if let redirection = words.firstIndex(where: { $0 == ">" || $0 == "<" }) {
        words.removeSubrange(redirection...)
      }
      guard let start = words.firstIndex(of: "martlet"),
        start == 0 || words.starts(with: ["swift", "run"])
      else { return nil }
      return Array(words[(start + 1)...])
    }
  }

  @Test func `commands in blocks have arguments that the tool takes`() throws {
    var count = 0
    for (name, text) in try Self.articles() {
      for block in text.matches(of: /(?ms)^```sh\n(.*?)^```$/) {
        for line in block.1.split(separator: "\n") {
          for arguments in Self.runs(in: String(line)) {
            count += 1
            #expect(throws: Never.self, "\(name): \(line)") {
              _ = try MartletCommand.parseAsRoot(arguments)
            }
          }
        }
      }
    }
    #expect(count > 10, "only \(count) commands were found")
  }

  @Test func `commands in the text exist`() throws {
    let names = Set(
      MartletCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
    )
    .union(["help"])
    for (name, text) in try Self.articles() {
      for mention in text.matches(of: /`martlet ([a-z-]+)/) {
        #expect(names.contains(String(mention.1)), "\(name): \(mention.0)`")
      }
    }
  }

  @Test func `runs are found in lines of a shell`() {
    #expect(Self.runs(in: "martlet verify a.db # all of it") == [["verify", "a.db"]])
    #expect(Self.runs(in: "swift run -c release martlet tour") == [["tour"]])
    #expect(Self.runs(in: "x | martlet restore - a.db > log") == [["restore", "-", "a.db"]])
    #expect(Self.runs(in: "cd martlet && swift build").isEmpty)
  }
}
