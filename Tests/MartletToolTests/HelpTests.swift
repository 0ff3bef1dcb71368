import ArgumentParser
import Foundation
import MartletCommands
import Testing

/// What every command owes to whoever meets it for the first time.
@Suite struct `The help of every command` {
  /// All commands that help shows, by the words that call them.
  static let commands: [(name: String, configuration: CommandConfiguration)] = collect(
    MartletCommand.self, "martlet")

  private static func collect(
    _ command: any ParsableCommand.Type, _ name: String
  ) -> [(name: String, configuration: CommandConfiguration)] {
    let configuration = command.configuration
    guard configuration.shouldDisplay else { return [] }
    return [(name, configuration)]
      + configuration.subcommands.flatMap { subcommand in
        collect(subcommand, name + " " + (subcommand.configuration.commandName ?? "?"))
      }
  }

  @Test(arguments: commands.map(\.name))
  func `has a sentence, and examples that call it`(_ name: String) throws {
    let configuration = try #require(Self.commands.first { $0.name == name }?.configuration)
    #expect(configuration.abstract.hasSuffix("."), "\(name): \(configuration.abstract)")
    let lines = configuration.discussion.split(separator: "\n")
    let examples = lines.filter { $0.hasPrefix("  ") && $0.contains(name) }
    #expect(!examples.isEmpty, "martlet help \(name) shows no example")
    if name != "martlet" {
      #expect(configuration.discussion.contains("Examples:"), "\(name) has no heading Examples:")
    }
    for example in examples {
      #expect(example.count <= 96, "\(name): an example is wider than a terminal: \(example)")
    }
  }

  @Test func `options that an example names exist`() throws {
    for (name, configuration) in Self.commands where name != "martlet" {
      let help = MartletCommand.helpMessage(
        for: try #require(Self.type(of: name)), columns: 10_000)
      for line in configuration.discussion.split(separator: "\n")
      where line.hasPrefix("  ") && line.contains(name + " ") && !line.contains(" | ") {
        for word in line.split(separator: " ") where word.hasPrefix("--") {
          #expect(help.contains(word), "\(name): an example has \(word), which there is not")
        }
      }
    }
  }

  private static func type(of name: String) -> (any ParsableCommand.Type)? {
    var command: any ParsableCommand.Type = MartletCommand.self
    for word in name.split(separator: " ").dropFirst() {
      guard
        let next = command.configuration.subcommands.first(where: {
          $0.configuration.commandName == String(word)
        })
      else { return nil }
      command = next
    }
    return command
  }

  @Test func `the page about the command line names every command`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Sources/Martlet/Martlet.docc/CommandLine.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    for (name, configuration) in Self.commands where !name.hasPrefix("martlet history ") {
      guard configuration.subcommands.isEmpty, !name.hasPrefix("martlet isolation ") else {
        continue
      }
      #expect(text.contains("`\(name)`"), "CommandLine.md says nothing of \(name)")
    }
  }

  @Test func `exit codes are those of the page`() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder + "/db"
      #expect(try ToolProcess("set", path, "a", "1").status == 0)
      #expect(try ToolProcess("get", path, "b").status == 1)
      #expect(try ToolProcess("get", folder + "/none", "a").status == 1)
      #expect(try ToolProcess("get", path).status == 64)
      #expect(try ToolProcess("nonsense").status == 64)
      #expect(try ToolProcess("history", "check", folder + "/none").status == 2)
      #expect(try ToolProcess("checkpoint", path, "--json").output.hasPrefix("{\"seconds\":"))
      #expect(try ToolProcess("scan", path, "--json").output == "{\"key\":\"a\",\"value\":\"1\"}\n")
      #expect(try ToolProcess("stat", path, "--space", "--json").output.contains("\"storedBytes\""))
    }
  }
}
