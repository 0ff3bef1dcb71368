/// Asks for lines on a terminal, with editing, history and completion.
final class Prompt {
  /// Proposals for the word before the cursor.
  typealias Completer = (_ line: [Character], _ cursor: Int) -> Completion

  private let input: Descriptor
  private let output: Descriptor
  private let complete: Completer
  private var decoder = TerminalKeyDecoder()
  private var renderer = LineRenderer()
  /// Keys that came before they were asked for.
  private var pending: [UInt8] = []

  /// What the next line asks.
  enum Answer {
    case line(String)
    case interrupted
    case ended
  }

  init(input: Descriptor, output: Descriptor, completer: @escaping Completer) {
    self.input = input
    self.output = output
    complete = completer
  }

  /// Asks for a line.
  func ask(_ prompt: String, history: [String]) throws -> Answer {
    let terminal = try RawTerminal(input)
    var editor = LineEditor(history: history)
    try show(editor, prompt)
    while true {
      guard let key = try nextKey(terminal, whileIdle: { try show(editor, prompt) }) else {
        try leave()
        return .ended
      }
      switch editor.handle(key) {
      case .editing: try show(editor, prompt)
      case .submit(let line):
        try leave()
        return .line(line)
      case .interrupted:
        try output.write("^C")
        try leave()
        return .interrupted
      case .ended:
        try leave()
        return .ended
      case .clearScreen:
        renderer.forget()
        try output.write("\u{1B}[H\u{1B}[2J")
        try show(editor, prompt)
      case .complete:
        let completion = complete(editor.text, editor.cursor)
        let added = completion.insertion(after: editor.text[completion.start..<editor.cursor])
        if let added {
          editor.replace(from: completion.start, with: added)
        } else if !completion.candidates.isEmpty {
          try leave()
          try output.write(completion.listing(columns: columns) + "\n")
        }
        try show(editor, prompt)
      }
    }
  }

  private var columns: Int { output.columnCount ?? 80 }

  private func show(_ editor: LineEditor, _ prompt: String) throws {
    try output.write(
      renderer.show(
        prompt: editor.searchPrompt ?? prompt, text: editor.text, cursor: editor.cursor,
        columns: columns))
  }

  private func leave() throws { try output.write(renderer.leave(columns: columns)) }

  /// Nil at the end of the input. Looks now and then whether the window has another width.
  private func nextKey(
    _ terminal: borrowing RawTerminal, whileIdle: () throws -> Void
  ) throws -> TerminalKey? {
    var width = columns
    while true {
      while !pending.isEmpty {
        if let key = decoder.feed(pending.removeFirst()) { return key }
      }
      while !terminal.hasInput(within: 200) {
        if columns != width {
          width = columns
          try whileIdle()
        }
      }
      pending = try input.read(atMost: 4096)
      if pending.isEmpty { return nil }
    }
  }
}
