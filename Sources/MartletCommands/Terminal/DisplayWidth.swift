/// How many columns of a terminal a character takes.
package enum DisplayWidth {
  /// 2 for East Asian wide characters and emoji, 0 for what only changes the one before, 2 for a
  /// control character, which is shown as `^X`, else 1.
  package static func of(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.value < 0x20 || first.value == 0x7F { return 2 }
    if first.value < 0x300 { return 1 }
    // What follows joins it, but a selector may ask for the emoji form.
    if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if first.properties.isEmojiPresentation { return 2 }
    return wide.contains { $0.contains(first.value) } ? 2 : 1
  }

  /// The columns of a text.
  package static func of(_ text: some Sequence<Character>) -> Int {
    text.reduce(0) { $0 + of($1) }
  }

  /// As a terminal shows it: control characters as `^X`.
  package static func shown(_ character: Character) -> String {
    guard let first = character.unicodeScalars.first, first.value < 0x20 || first.value == 0x7F
    else { return String(character) }
    return "^" + String(Character(Unicode.Scalar(UInt8(first.value) ^ 0x40)))
  }

  /// The wide and full-width blocks of Unicode's East Asian Width.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
    0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1B000...0x1B2FF, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
  ]
}
