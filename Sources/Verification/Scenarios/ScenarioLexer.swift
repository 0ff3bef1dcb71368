/// Takes a scenario's text apart into lines of tokens.
///
/// A line ends a statement, unless it ends with `and`, `or`, `not`, `(` or `,`: then the statement
/// goes on in the next one. `#` begins a comment. Empty lines are nothing.
struct ScenarioLexer {
  struct Token: Hashable {
    var kind: Kind
    var line: Int
    var column: Int

    enum Kind: Hashable {
      /// A name or a keyword: letters, digits, `_`, `/`, `$` and inner `-`.
      case word(String)
      case number(Int64)
      case string(String)
      /// One of `: ; = == != < <= > >= ( ) . , -`.
      case symbol(String)
      case endOfLine
    }
  }

  private let characters: [Character]
  private var position = 0
  private var line = 1
  private var lineStart = 0

  /// The statements of a text, each with its end-of-line token.
  static func statements(of text: String) throws(ScenarioSyntaxError) -> [[Token]] {
    var lexer = ScenarioLexer(characters: Array(text))
    var statements: [[Token]] = []
    var current: [Token] = []
    while let token = try lexer.next() {
      if token.kind == .endOfLine {
        if current.isEmpty || current.last?.continuesLine == true { continue }
        statements.append(current + [token])
        current = []
      } else {
        current.append(token)
      }
    }
    if !current.isEmpty {
      statements.append(current + [lexer.token(.endOfLine, at: lexer.position)])
    }
    return statements
  }

  private init(characters: [Character]) { self.characters = characters }

  private func token(_ kind: Token.Kind, at start: Int) -> Token {
    Token(kind: kind, line: line, column: start - lineStart + 1)
  }

  /// Nil at the end of the text.
  private mutating func next() throws(ScenarioSyntaxError) -> Token? {
    skipBlanks()
    guard position < characters.count else { return nil }
    let start = position
    let character = characters[position]
    if character.isNewline {
      let token = token(.endOfLine, at: start)
      position += 1
      line += 1
      lineStart = position
      return token
    }
    if character == "\"" { return try string() }
    if Self.isInner(character), character != "-" || isDigit(position + 1) { return try word() }
    for symbol in ["==", "!=", "<=", ">=", ":", ";", "=", "<", ">", "(", ")", ".", ",", "-"]
    where characters[position...].starts(with: symbol) {
      position += symbol.count
      return token(.symbol(symbol), at: start)
    }
    throw error("the character \(character) begins nothing", at: start)
  }

  private mutating func skipBlanks() {
    while position < characters.count, !characters[position].isNewline {
      if characters[position] == "#" {
        while position < characters.count, !characters[position].isNewline { position += 1 }
      } else if characters[position].isWhitespace {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func string() throws(ScenarioSyntaxError) -> Token {
    let start = position
    position += 1
    var text = ""
    while position < characters.count, !characters[position].isNewline {
      if characters[position] == "\"" {
        position += 1
        return token(.string(text), at: start)
      }
      text.append(characters[position])
      position += 1
    }
    throw error("the string has no closing quote on its line", at: start)
  }

  private mutating func word() throws(ScenarioSyntaxError) -> Token {
    let start = position
    repeat { position += 1 } while position < characters.count && Self.isInner(characters[position])
    let text = String(characters[start..<position])
    let isNumber = text.drop { $0 == "-" }.allSatisfy { ("0"..."9").contains($0) }
    guard isNumber else { return token(.word(text), at: start) }
    guard let number = Int64(text) else {
      throw error("\(text) is no number of 64 bits", at: start)
    }
    return token(.number(number), at: start)
  }

  private func isDigit(_ index: Int) -> Bool {
    index < characters.count && ("0"..."9").contains(characters[index])
  }

  private static func isInner(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "_/$-".contains(character)
  }

  private func error(_ message: String, at start: Int) -> ScenarioSyntaxError {
    ScenarioSyntaxError(line: line, column: start - lineStart + 1, message: message)
  }
}

extension ScenarioLexer.Token {
  fileprivate var continuesLine: Bool {
    switch kind {
    case .word("and"), .word("or"), .word("not"), .symbol("("), .symbol(","): true
    default: false
    }
  }

  /// The token in words, for error messages.
  var words: String {
    switch kind {
    case .word(let text): "\"\(text)\""
    case .number(let value): "the number \(value)"
    case .string(let text): "the string \"\(text)\""
    case .symbol(let text): "\"\(text)\""
    case .endOfLine: "the end of the line"
    }
  }

  /// As the text has it.
  var text: String {
    switch kind {
    case .word(let text), .symbol(let text): text
    case .number(let value): String(value)
    case .string(let text): "\"\(text)\""
    case .endOfLine: ""
    }
  }
}

/// The tokens of one statement, taken one after another.
struct ScenarioStatement {
  private let tokens: [ScenarioLexer.Token]
  private var position = 0

  init(_ tokens: [ScenarioLexer.Token]) { self.tokens = tokens }

  /// The token at hand; the end of the line stays there for ever.
  var current: ScenarioLexer.Token { tokens[min(position, tokens.count - 1)] }

  var following: ScenarioLexer.Token { tokens[min(position + 1, tokens.count - 1)] }

  mutating func advance() { position += 1 }

  /// The words from the token at hand to the end, as one line.
  var rest: String {
    tokens.dropFirst(position).map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
      .replacing(" : ", with: ": ").replacing(" . ", with: ".").replacing("( ", with: "(")
      .replacing(" )", with: ")")
  }

  /// Takes a keyword or symbol if it is at hand.
  mutating func take(_ text: String) -> Bool {
    switch current.kind {
    case .word(text), .symbol(text):
      advance()
      return true
    default: return false
    }
  }

  mutating func require(_ text: String) throws(ScenarioSyntaxError) {
    guard take(text) else { throw expected("\"\(text)\"") }
  }

  /// Takes a name; `what` says for what.
  mutating func name(_ what: String) throws(ScenarioSyntaxError) -> String {
    guard case .word(let text) = current.kind else { throw expected(what) }
    advance()
    return text
  }

  /// Takes a key: a name, or anything in quotes.
  mutating func key() throws(ScenarioSyntaxError) -> String {
    switch current.kind {
    case .word(let text), .string(let text):
      advance()
      return text
    default: throw expected("a key")
    }
  }

  mutating func number(_ what: String) throws(ScenarioSyntaxError) -> Int64 {
    guard case .number(let value) = current.kind else { throw expected(what) }
    advance()
    return value
  }

  mutating func value() throws(ScenarioSyntaxError) -> ScenarioValue {
    switch current.kind {
    case .number(let value):
      advance()
      return .integer(value)
    case .string(let text):
      advance()
      return .text(text)
    default: throw expected("a value, a number or a string in quotes")
    }
  }

  func requireEnd() throws(ScenarioSyntaxError) {
    guard current.kind == .endOfLine else { throw expected("the end of the line") }
  }

  func expected(_ what: String) -> ScenarioSyntaxError {
    error("\(what) is expected here, not \(current.words)")
  }

  func error(_ message: String) -> ScenarioSyntaxError {
    ScenarioSyntaxError(line: current.line, column: current.column, message: message)
  }
}
