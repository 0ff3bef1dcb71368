import MartletCommands
import Seeds
import Testing

/// Keys in, edits out.
@Suite struct `The line editor` {
  /// The keys that some bytes are.
  private func keys(_ text: String) -> [TerminalKey] {
    var decoder = TerminalKeyDecoder()
    return Array(text.utf8).compactMap { decoder.feed($0) }
  }

  /// Types into an editor; returns what the last key led to.
  @discardableResult
  private func type(_ text: String, into editor: inout LineEditor) -> LineEditor.Outcome {
    var outcome = LineEditor.Outcome.editing
    for key in keys(text) { outcome = editor.handle(key) }
    return outcome
  }

  @Test(arguments: [
    ("\u{1B}[A", TerminalKey.up), ("\u{1B}OB", .down), ("\u{1B}[1;5C", .wordRight),
    ("\u{1B}[1;3D", .wordLeft), ("\u{1B}b", .wordLeft), ("\u{1B}[3~", .delete),
    ("\u{1B}[1~", .home), ("\u{1B}OF", .end), ("\u{1B}\u{7F}", .killWord), ("\r", .enter),
    ("\u{3}", .interrupt), ("\u{12}", .search), ("\u{1B}[99~", .unknown), ("é", .scalar("é")),
    ("日", .scalar("日")), ("🐦", .scalar("🐦")),
  ])
  func `knows a key however its bytes arrive`(_ text: String, _ key: TerminalKey) {
    #expect(keys(text) == [key])
    #expect(keys("x" + text + "y") == [.scalar("x"), key, .scalar("y")])
  }

  @Test func `bytes that are no text are replaced, and what follows is read`() {
    var decoder = TerminalKeyDecoder()
    let found = [0xFF, 0x61, 0xE6, 0x28, 0x62].compactMap { decoder.feed($0) }
    #expect(found.first == .scalar("\u{FFFD}"))
    #expect(found.contains(.scalar("a")))
    #expect(found.last == .scalar("b"))
    #expect(!decoder.isInSequence)
  }

  @Test func `inserts, moves and deletes`() {
    var editor = LineEditor()
    type("get ab", into: &editor)
    type("\u{1B}[D\u{1B}[DX", into: &editor)
    #expect(editor.line == "get Xab" && editor.cursor == 5)
    type("\u{7F}\u{1B}[3~", into: &editor)
    #expect(editor.line == "get b" && editor.cursor == 4)
    type("\u{1}\u{4}", into: &editor)
    #expect(editor.line == "et b")
    #expect(type("\u{5}\r", into: &editor) == .submit("et b"))
  }

  @Test func `words are killed and come back`() {
    var editor = LineEditor()
    type("set key value\u{17}", into: &editor)
    #expect(editor.line == "set key ")
    type("\u{1B}b\u{19}", into: &editor)
    #expect(editor.line == "set valuekey ")
    type("\u{15}", into: &editor)
    #expect(editor.line == "key ")
    type("\u{B}\u{19}", into: &editor)
    #expect(editor.line == "key ")
  }

  @Test func `a combining mark joins the character before the cursor`() {
    var editor = LineEditor()
    type("e\u{301}x", into: &editor)
    #expect(editor.text == ["é", "x"])
    type("\u{7F}\u{7F}", into: &editor)
    #expect(editor.text.isEmpty)
  }

  @Test func `the history is walked, and the new line waits at its end`() {
    var editor = LineEditor(history: ["one", "two"])
    type("three\u{1B}[A", into: &editor)
    #expect(editor.line == "two")
    type("\u{1B}[A\u{1B}[A", into: &editor)
    #expect(editor.line == "one")
    type("\u{1B}[B\u{1B}[B", into: &editor)
    #expect(editor.line == "three")
  }

  @Test func `the history is searched backwards, further with each Control-R`() {
    let history = ["get Reykjavik", "scan", "get Oslo", "stat"]
    var editor = LineEditor(history: history)
    type("\u{12}get", into: &editor)
    #expect(editor.line == "get Oslo")
    #expect(editor.searchPrompt == "(search)`get': ")
    type("\u{12}", into: &editor)
    #expect(editor.line == "get Reykjavik")
    type("\u{12}", into: &editor)
    #expect(editor.searchPrompt == "(failing search)`get': ")
    #expect(type("\r", into: &editor) == .submit("get Reykjavik"))
    var abandoned = LineEditor(history: history)
    type("draft\u{12}sc", into: &abandoned)
    #expect(abandoned.line == "scan")
    type("\u{7}", into: &abandoned)
    #expect(abandoned.line == "draft" && abandoned.searchPrompt == nil)
  }

  @Test func `Control-D ends an empty line only, Control-C any`() {
    var editor = LineEditor()
    #expect(type("\u{4}", into: &editor) == .ended)
    type("a\u{1}", into: &editor)
    #expect(type("\u{4}", into: &editor) == .editing)
    #expect(editor.line.isEmpty)
    #expect(type("abc\u{3}", into: &editor) == .interrupted)
  }

  /// Whatever is typed, the cursor stays inside the text: against an editor's simplest model for
  /// plain keys.
  @Test func `random keys leave the line that a model has`() {
    var state = Seed.take(for: #function)
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<200 {
      var editor = LineEditor(history: ["old"])
      var text: [Character] = []
      var cursor = 0
      for _ in 0..<60 {
        switch random(7) {
        case 0...2:
          let character: Character = ["a", "日", "é", " "][random(4)]
          _ = editor.handle(.scalar(character.unicodeScalars.first ?? "a"))
          text.insert(character, at: cursor)
          cursor += 1
        case 3:
          _ = editor.handle(.left)
          cursor = max(0, cursor - 1)
        case 4:
          _ = editor.handle(.right)
          cursor = min(text.count, cursor + 1)
        case 5:
          _ = editor.handle(.backspace)
          if cursor > 0 {
            text.remove(at: cursor - 1)
            cursor -= 1
          }
        default:
          _ = editor.handle(.delete)
          if cursor < text.count { text.remove(at: cursor) }
        }
        #expect(editor.text == text && editor.cursor == cursor)
      }
    }
  }
}

/// What is written to a terminal, seen through a small model of one.
@Suite struct `The line on a terminal` {
  /// A terminal that knows what the renderer uses: text with wrapping, CR, LF, up, down, right, and
  /// clearing to the end of the screen.
  private struct Screen {
    let columns: Int
    var cells: [[String]] = [[]]
    var row = 0
    var column = 0
    private var isAtMargin = false

    init(columns: Int) { self.columns = columns }

    mutating func write(_ text: String) {
      var rest = Substring(text)
      while let character = rest.popFirst() {
        switch character {
        case "\r\n":
          column = 0
          down(1)
        case "\r":
          column = 0
          isAtMargin = false
        case "\n": down(1)
        case "\u{1B}":
          rest.removeFirst()
          let number = Int(rest.prefix { $0.isNumber }) ?? 1
          rest = rest.drop { $0.isNumber }
          switch rest.removeFirst() {
          case "A": row -= number
          case "B": down(number)
          case "C": column += number
          case "J":
            cells.removeSubrange((row + 1)...)
            cells[row] = Array(cells[row].prefix(column))
          default: break
          }
          isAtMargin = false
        case let character:
          let width = DisplayWidth.of(character)
          if isAtMargin || column + width > columns {
            column = 0
            down(1)
          }
          while cells[row].count < column + width { cells[row].append(" ") }
          cells[row][column] = String(character)
          if width == 2 { cells[row][column + 1] = "" }
          column += width
          isAtMargin = column == columns
          if isAtMargin { column = columns - 1 }
        }
      }
    }

    private mutating func down(_ count: Int) {
      row += count
      isAtMargin = false
      while cells.count <= row { cells.append([]) }
    }

    var lines: [String] { cells.map { $0.joined() } }
  }

  @Test func `stands where it stood, and shorter lines leave nothing behind`() {
    var screen = Screen(columns: 20)
    var renderer = LineRenderer()
    for text in ["get", "scan --prefix Re --limit 100 and more", "日本語日本語日本語日本語", "x"] {
      for cursor in [0, text.count / 2, text.count] {
        screen.write(
          renderer.show(prompt: "db> ", text: Array(text), cursor: cursor, columns: 20))
        #expect(screen.lines.joined().hasPrefix("db> " + text.prefix(1)))
        let shown = screen.lines.joined().filter { $0 != " " }
        #expect(shown == ("db> " + text).filter { $0 != " " }, "\(text) at \(cursor)")
      }
    }
    #expect(screen.lines[0] == "db> x")
    #expect(screen.row == 0 && screen.column == 5)
  }

  @Test func `the cursor stands behind a line that fills its row`() {
    var screen = Screen(columns: 10)
    var renderer = LineRenderer()
    screen.write(renderer.show(prompt: "> ", text: Array("12345678"), cursor: 8, columns: 10))
    #expect(screen.row == 1 && screen.column == 0)
    screen.write(renderer.show(prompt: "> ", text: Array("12345678"), cursor: 7, columns: 10))
    #expect(screen.row == 0 && screen.column == 9)
    screen.write(renderer.leave(columns: 10))
    screen.write("next")
    #expect(screen.lines.contains("next"))
    #expect(screen.lines[0] == "> 12345678")
  }

  @Test(arguments: [
    ("a", 1), ("é", 1), ("e\u{301}", 1), ("日", 2), ("한", 2), ("ｱ", 1), ("Ａ", 2), ("🐦", 2),
    ("👩‍👩‍👧", 2), ("❤️", 2), ("\u{7}", 2),
  ])
  func `characters take the columns that terminals give them`(_ text: String, _ width: Int) {
    #expect(DisplayWidth.of(text) == width)
  }
}
