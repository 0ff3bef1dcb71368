/// Shows a line and its cursor on a terminal of some width, over what was shown before. Writes
/// nothing itself: it returns what to write.
package struct LineRenderer: Sendable {
  /// What is shown, as far as it matters for going back to its start.
  private var shownPrompt = ""
  private var shownText: [Character] = []
  private var shownCursor = 0

  package init() {}

  /// What to write so that the line stands where the last one stood.
  package mutating func show(
    prompt: String, text: [Character], cursor: Int, columns: Int
  ) -> String {
    var output = toStart(columns)
    output += "\u{1B}[J" + prompt
    for character in text { output += DisplayWidth.shown(character) }
    let end = Self.place(of: prompt, text, columns)
    // Behind the last column a terminal waits before it goes to the next line: go there.
    if end.column == 0, end.row > 0 { output += "\r\n" }
    let target = Self.place(of: prompt, Array(text[..<cursor]), columns)
    if end.row > target.row { output += "\u{1B}[\(end.row - target.row)A" }
    output += "\r"
    if target.column > 0 { output += "\u{1B}[\(target.column)C" }
    (shownPrompt, shownText, shownCursor) = (prompt, text, cursor)
    return output
  }

  /// What to write to leave the line as it stands, and begin below it.
  package mutating func leave(columns: Int) -> String {
    let end = Self.place(of: shownPrompt, shownText, columns)
    let here = Self.place(of: shownPrompt, Array(shownText[..<shownCursor]), columns)
    let down = end.row - here.row
    forget()
    return (down > 0 ? "\u{1B}[\(down)B" : "") + "\r\n"
  }

  /// Begins anew: nothing is shown.
  package mutating func forget() {
    shownPrompt = ""
    shownText = []
    shownCursor = 0
  }

  private func toStart(_ columns: Int) -> String {
    let here = Self.place(of: shownPrompt, Array(shownText[..<shownCursor]), columns)
    return (here.row > 0 ? "\u{1B}[\(here.row)A" : "") + "\r"
  }

  /// Where the cursor stands behind a prompt and a text that began in the first column.
  static func place(of prompt: String, _ text: [Character], _ columns: Int) -> (
    row: Int, column: Int
  ) {
    let columns = max(columns, 2)
    var row = 0
    var column = 0
    for character in Array(prompt) + text {
      let width = DisplayWidth.of(character)
      // A wide character that does not fit goes to the next line as a whole.
      if column + width > columns {
        row += 1
        column = 0
      }
      column += width
      if column == columns {
        row += 1
        column = 0
      }
    }
    return (row, column)
  }
}
