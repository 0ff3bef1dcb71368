/// The commands of the shell: their names, how they are used, and what they do. The parser, `help`
/// and the completion all go by this table.
package enum ShellManual {
  /// What a word behind a command may be completed to.
  package enum Argument: Sendable {
    case command, level, key, keyspace, format, onOff, savepoint, other
  }

  package struct Command: Sendable {
    package let name: String
    package let aliases: [String]
    package let usage: String
    package let summary: String
    package let example: String
    package let arguments: [Argument]

    init(
      _ name: String, also aliases: [String] = [], usage: String? = nil, _ summary: String,
      example: String? = nil, _ arguments: [Argument] = []
    ) {
      self.name = name
      self.aliases = aliases
      self.usage = usage ?? name
      self.summary = summary
      self.example = example ?? name
      self.arguments = arguments
    }
  }

  package static let commands: [Command] = [
    Command(
      "get", usage: "get KEY", "Print the value of a key.", example: "get Reykjavik", [.key]),
    Command(
      "set", also: ["put"], usage: "set KEY VALUE", "Set the value of a key.",
      example: "set greeting \"good day\"", [.key, .other]),
    Command(
      "remove", also: ["delete", "del"], usage: "remove KEY", "Remove a key.",
      example: "remove greeting",
      [.key]),
    Command(
      "scan", also: ["ls"],
      usage: "scan [FROM [TO]] [--prefix PREFIX] [--reverse] [--limit N | --all] [--keys]",
      "Print entries in key order: from FROM, inclusive, to TO, exclusive. On a terminal 100 of "
        + "them unless you say how many.", example: "scan --prefix Re --limit 10", [.key, .key]),
    Command(
      "count", usage: "count [FROM [TO]] [--prefix PREFIX]", "Count entries, and their bytes.",
      example: "count --prefix Re", [.key, .key]),
    Command("keyspaces", "List the keyspaces; the one in use is marked."),
    Command(
      "use", usage: "use KEYSPACE", "Work on another keyspace, which must be there.",
      example: "use users", [.keyspace]),
    Command(
      "create", usage: "create KEYSPACE", "Make a keyspace and use it.", example: "create users"),
    Command(
      "drop", usage: "drop KEYSPACE", "Remove a keyspace with everything in it.",
      example: "drop users", [.keyspace]),
    Command(
      "begin", usage: "begin [LEVEL]",
      "Begin a transaction, at snapshot unless you say: readUncommitted, readCommitted, "
        + "repeatableRead, snapshot, serializable, strictSerializable. Without one, every command "
        + "is a transaction of its own.", example: "begin serializable", [.level]),
    Command("commit", "Commit the transaction: when this returns, it is durable."),
    Command(
      "rollback", also: ["abort"], usage: "rollback [to SAVEPOINT]",
      "Undo the transaction, or what came after a savepoint.", example: "rollback to before",
      [.savepoint]),
    Command(
      "savepoint", usage: "savepoint NAME", "Mark a place to roll back to.",
      example: "savepoint before"),
    Command("stat", "Show sizes, and what the engine has counted since the shell opened it."),
    Command("space", "Show what each keyspace takes of the file. Reads everything."),
    Command("verify", "Check every page, every checksum and the log."),
    Command("checkpoint", "Write what was committed into the data file."),
    Command(
      "format", usage: "format tsv|table|json|hex",
      "Choose how entries are printed: as load reads them, in columns, as JSON lines, or as bytes.",
      example: "format json", [.format]),
    Command(
      "timing", usage: "timing on|off", "Say how long each command took.", example: "timing on",
      [.onOff]),
    Command(
      "help", also: ["?"], usage: "help [COMMAND]", "Show the commands, or more of one.",
      example: "help scan", [.command]),
    Command(
      "exit", also: ["quit"], "Leave; a transaction that is open is rolled back. So does Control-D."
    ),
  ]

  /// A command by its name or another name of it.
  package static func command(named name: String) -> Command? {
    commands.first { $0.name == name || $0.aliases.contains(name) }
  }

  /// The list, or more of one.
  package static func text(of name: String?) throws -> String {
    guard let name else { return list }
    guard let command = command(named: name.lowercased()) else {
      throw ToolError("there is no command \(name); help lists them")
    }
    var lines = [command.usage, "  \(command.summary)", "  Example: \(command.example)"]
    if !command.aliases.isEmpty {
      lines.append("  Also: \(command.aliases.joined(separator: ", "))")
    }
    return lines.joined(separator: "\n")
  }

  private static var list: String {
    let width = commands.map(\.name.count).max() ?? 0
    let rows = commands.map { command in
      let sentence = command.summary.prefix { $0 != ":" && $0 != "." }
      return "  " + command.name + String(repeating: " ", count: width - command.name.count + 2)
        + sentence
    }
    return
      (rows + [
        "",
        "Quote words with spaces; \\n, \\t, \\xHH make bytes. Tab completes, Control-R searches the",
        "history, Control-C stops a command. help COMMAND tells more.",
      ]).joined(separator: "\n")
  }
}
