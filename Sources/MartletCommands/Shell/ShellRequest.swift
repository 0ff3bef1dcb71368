package import Martlet

/// What a line of the shell asks for.
package enum ShellRequest: Equatable, Sendable {
  /// Which entries a scan shows.
  package struct Scan: Equatable, Sendable {
    package var from: [UInt8]?
    package var to: [UInt8]?
    package var prefix: [UInt8]?
    package var isReverse = false
    package var keysOnly = false
    /// Nil: as many as suits the output.
    package var limit: Int?

    package init() {}
  }

  case help(String?)
  case begin(IsolationLevel)
  case commit
  case rollBack(to: String?)
  case savepoint(String)
  case get([UInt8])
  case set([UInt8], to: [UInt8])
  case remove([UInt8])
  case scan(Scan)
  case count(Scan)
  case keyspaces
  case use(String)
  case create(String)
  case drop(String)
  case stat
  case space
  case verify
  case checkpoint
  case format(ShellFormat)
  case timing(Bool)
  case exit

  /// Reads a line; nil for one that is empty or a comment.
  ///
  /// - Throws: `ToolError` that says what is wrong and how it is meant.
  package init?(line: String) throws {
    let split = ShellWords(line)
    if let quote = split.openQuote { throw ToolError("a quote \(quote) is not closed") }
    guard let first = split.words.first, !first.bytes.starts(with: "#".utf8) else { return nil }
    let name = first.text.lowercased()
    guard let command = ShellManual.command(named: name) else {
      throw ToolError("there is no command \(name); help lists them")
    }
    var arguments = Arguments(command, split.words.dropFirst())
    self = try Self.request(command.name, &arguments)
    try arguments.requireEnd()
  }

  private static func request(_ name: String, _ arguments: inout Arguments) throws -> ShellRequest {
    switch name {
    case "help": return .help(arguments.next()?.text)
    case "begin": return .begin(try arguments.level())
    case "commit": return .commit
    case "rollback":
      if let word = arguments.next(), word.text != "to" {
        return .rollBack(to: word.text)
      }
      return .rollBack(to: arguments.next()?.text)
    case "savepoint": return .savepoint(try arguments.required().text)
    case "get": return .get(try arguments.required().bytes)
    case "set":
      let key = try arguments.required().bytes
      return .set(key, to: try arguments.required().bytes)
    case "remove": return .remove(try arguments.required().bytes)
    case "scan": return .scan(try arguments.scan())
    case "count": return .count(try arguments.scan())
    case "keyspaces": return .keyspaces
    case "use": return .use(try arguments.required().text)
    case "create": return .create(try arguments.required().text)
    case "drop": return .drop(try arguments.required().text)
    case "stat": return .stat
    case "space": return .space
    case "verify": return .verify
    case "checkpoint": return .checkpoint
    case "format":
      let word = try arguments.required().text
      guard let format = ShellFormat(rawValue: word) else { throw arguments.misuse }
      return .format(format)
    case "timing":
      switch try arguments.required().text {
      case "on": return .timing(true)
      case "off": return .timing(false)
      default: throw arguments.misuse
      }
    case "exit": return .exit
    default: preconditionFailure("a command of the manual that the shell does not know: \(name)")
    }
  }

  /// The words behind a command.
  private struct Arguments {
    private let command: ShellManual.Command
    private var words: ArraySlice<ShellWords.Word>

    init(_ command: ShellManual.Command, _ words: ArraySlice<ShellWords.Word>) {
      self.command = command
      self.words = words
    }

    var misuse: ToolError { ToolError("usage: \(command.usage)") }

    mutating func next() -> ShellWords.Word? { words.popFirst() }

    mutating func required() throws -> ShellWords.Word {
      guard let word = next() else { throw misuse }
      return word
    }

    func requireEnd() throws { if !words.isEmpty { throw misuse } }

    mutating func level() throws -> IsolationLevel {
      guard let word = next() else { return .snapshot }
      let name = word.text.lowercased()
      guard let level = IsolationLevel.allCases.first(where: { $0.rawValue.lowercased() == name })
      else {
        let names = IsolationLevel.allCases.map(\.rawValue).joined(separator: ", ")
        throw ToolError("there is no level \(word.text); the levels are \(names)")
      }
      return level
    }

    mutating func scan() throws -> Scan {
      var scan = Scan()
      while let word = next() {
        switch word.isQuoted ? "" : word.text {
        case "--prefix": scan.prefix = try required().bytes
        case "--limit":
          guard let limit = Int(try required().text), limit >= 0 else { throw misuse }
          scan.limit = limit
        case "--all": scan.limit = .max
        case "--reverse": scan.isReverse = true
        case "--keys": scan.keysOnly = true
        case let option where option.hasPrefix("--"): throw misuse
        default:
          if scan.from == nil {
            scan.from = word.bytes
          } else if scan.to == nil {
            scan.to = word.bytes
          } else {
            throw misuse
          }
        }
      }
      if scan.prefix != nil && scan.from != nil { throw misuse }
      return scan
    }
  }
}
