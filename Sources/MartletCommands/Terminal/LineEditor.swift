/// A line being edited: keys in, the line and what to do about it out. Touches no terminal.
///
/// Keys are those of Emacs and of most shells: see ``TerminalKey``.
///
/// - Invariant LE1: `0 <= cursor <= text.count`.
/// - Invariant LE2: the history is not changed; a line of it that is edited is a copy.
package struct LineEditor: Sendable {
  /// What a key led to.
  package enum Outcome: Equatable, Sendable {
    /// The line is to be shown again.
    case editing
    /// The line is done.
    case submit(String)
    /// The line was abandoned.
    case interrupted
    /// There will be no more lines.
    case ended
    /// The word before the cursor is to be completed.
    case complete
    /// The screen is to be cleared, and the line shown again.
    case clearScreen
  }

  /// A search in the history.
  private struct Search: Sendable {
    var query = ""
    /// The line found; nil: none.
    var match: Int?
    /// The line as it was before.
    let before: [Character]
    var isFailing = false
  }

  package private(set) var text: [Character] = []
  package private(set) var cursor = 0
  private let history: [String]
  /// The line of the history that is shown; its count: a new one.
  private var position: Int
  /// The new line, while one of the history is shown.
  private var draft: [Character] = []
  private var killed: [Character] = []
  private var search: Search?

  /// An empty line after a history, the oldest line first.
  package init(history: [String] = []) {
    self.history = history
    position = history.count
  }

  /// The line so far.
  package var line: String { String(text) }

  /// What stands in front of the line instead of the prompt while the history is searched.
  package var searchPrompt: String? {
    search.map { ($0.isFailing ? "(failing search)`" : "(search)`") + $0.query + "': " }
  }

  /// Takes a key.
  package mutating func handle(_ key: TerminalKey) -> Outcome {
    if search != nil, let outcome = handleInSearch(key) { return outcome }
    switch key {
    case .scalar(let scalar): insert(scalar)
    case .enter: return .submit(line)
    case .tab: return .complete
    case .interrupt: return .interrupted
    case .clearScreen: return .clearScreen
    case .endOfInput:
      if text.isEmpty { return .ended }
      removeRange(cursor..<min(cursor + 1, text.count))
    case .delete: removeRange(cursor..<min(cursor + 1, text.count))
    case .backspace: removeRange(max(cursor - 1, 0)..<cursor)
    case .left: cursor = max(cursor - 1, 0)
    case .right: cursor = min(cursor + 1, text.count)
    case .home: cursor = 0
    case .end: cursor = text.count
    case .wordLeft: cursor = wordStart
    case .wordRight: cursor = wordEnd
    case .killToEnd: kill(cursor..<text.count)
    case .killToStart: kill(0..<cursor)
    case .killWord: kill(wordStart..<cursor)
    case .yank:
      text.insert(contentsOf: killed, at: cursor)
      cursor += killed.count
    case .transpose: transpose()
    case .up: show(position - 1)
    case .down: show(position + 1)
    case .search: search = Search(before: text)
    case .abort, .unknown: break
    }
    return .editing
  }

  /// Puts something in the place of the characters before the cursor that begin at `start`.
  package mutating func replace(from start: Int, with replacement: String) {
    precondition((0...cursor).contains(start), "LE1: a completion begins before the cursor")
    text.replaceSubrange(start..<cursor, with: Array(replacement))
    cursor = start + replacement.count
  }

  // MARK: Editing

  private mutating func insert(_ scalar: Unicode.Scalar) {
    // A combining mark joins the character before the cursor.
    if cursor > 0 {
      let joined = String(text[cursor - 1]) + String(Character(scalar))
      if joined.count == 1, let character = joined.first {
        text[cursor - 1] = character
        return
      }
    }
    text.insert(Character(scalar), at: cursor)
    cursor += 1
  }

  private mutating func removeRange(_ range: Range<Int>) {
    text.removeSubrange(range)
    cursor = range.lowerBound
  }

  private mutating func kill(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    killed = Array(text[range])
    removeRange(range)
  }

  private mutating func transpose() {
    guard text.count > 1, cursor > 0 else { return }
    let second = min(cursor, text.count - 1)
    text.swapAt(second - 1, second)
    cursor = second + 1
  }

  private var wordStart: Int {
    var index = cursor
    while index > 0, text[index - 1].isWhitespace { index -= 1 }
    while index > 0, !text[index - 1].isWhitespace { index -= 1 }
    return index
  }

  private var wordEnd: Int {
    var index = cursor
    while index < text.count, text[index].isWhitespace { index += 1 }
    while index < text.count, !text[index].isWhitespace { index += 1 }
    return index
  }

  // MARK: History

  private mutating func show(_ index: Int) {
    guard (0...history.count).contains(index) else { return }
    if position == history.count { draft = text }
    position = index
    text = index == history.count ? draft : Array(history[index])
    cursor = text.count
  }

  /// Nil when the key ends the search and means something else besides.
  private mutating func handleInSearch(_ key: TerminalKey) -> Outcome? {
    guard var state = search else { return nil }
    switch key {
    case .scalar(let scalar):
      state.query.unicodeScalars.append(scalar)
      find(&state, from: state.match ?? history.count - 1)
    case .backspace:
      if !state.query.isEmpty { state.query.removeLast() }
      find(&state, from: history.count - 1)
    case .search: find(&state, from: (state.match ?? history.count) - 1)
    case .abort, .interrupt:
      search = nil
      text = state.before
      cursor = text.count
      return .editing
    default:
      search = nil
      if let match = state.match {
        if position == history.count { draft = state.before }
        position = match
      }
      return nil
    }
    search = state
    return .editing
  }

  private mutating func find(_ state: inout Search, from start: Int) {
    let candidates = history.indices.prefix { $0 <= start }
    guard let match = candidates.last(where: { history[$0].contains(state.query) }) else {
      state.isFailing = true
      return
    }
    state.isFailing = false
    state.match = match
    text = Array(history[match])
    cursor = text.count
  }
}
