/// A key as a terminal sends it.
package enum TerminalKey: Hashable, Sendable {
  /// Something to insert: one scalar, which may join the character before it.
  case scalar(Unicode.Scalar)
  case enter, tab, backspace, delete
  case left, right, up, down, home, end, wordLeft, wordRight
  /// Deletes to the end or to the start of the line, or the word before the cursor.
  case killToEnd, killToStart, killWord
  /// Brings back what was deleted last.
  case yank
  case transpose
  /// Control-C.
  case interrupt
  /// Control-D: the end of input on an empty line, else as `delete`.
  case endOfInput
  /// Control-R: looks for a line in the history.
  case search
  /// Control-G: leaves the search.
  case abort
  case clearScreen
  /// A sequence without a meaning here.
  case unknown
}

/// Turns the bytes of a terminal into keys: UTF-8, control characters, and the escape sequences of
/// VT100 and xterm.
///
/// - Invariant TK1: bytes may arrive in any pieces; the keys are the same.
/// - Invariant TK2: bytes that are no UTF-8 become U+FFFD or are left out, and take no other key with
///   them.
package struct TerminalKeyDecoder: Sendable {
  private var pending: [UInt8] = []

  package init() {}

  /// Whether a sequence has begun and not ended.
  package var isInSequence: Bool { !pending.isEmpty }

  /// Takes a byte; returns the key that it completes, if it does.
  package mutating func feed(_ byte: UInt8) -> TerminalKey? {
    // A sequence of UTF-8 that this byte does not continue is given up.
    if let first = pending.first, first >= 0x80, byte & 0xC0 != 0x80 {
      pending.removeAll(keepingCapacity: true)
    }
    pending.append(byte)
    guard let key = decoded() else { return nil }
    pending.removeAll(keepingCapacity: true)
    return key
  }

  private func decoded() -> TerminalKey? {
    let first = pending[0]
    if first == 0x1B { return escape() }
    if first < 0x80 { return Self.plain(first) }
    return multibyte(first)
  }

  private func multibyte(_ first: UInt8) -> TerminalKey? {
    let count =
      switch first {
      case 0xC2...0xDF: 2
      case 0xE0...0xEF: 3
      case 0xF0...0xF4: 4
      default: 1
      }
    if pending.count < count { return nil }
    let text = String(validating: pending, as: UTF8.self)
    return .scalar(text?.unicodeScalars.first ?? "\u{FFFD}")
  }

  private static func plain(_ byte: UInt8) -> TerminalKey {
    switch byte {
    case 0x01: .home
    case 0x02: .left
    case 0x03: .interrupt
    case 0x04: .endOfInput
    case 0x05: .end
    case 0x06: .right
    case 0x07: .abort
    case 0x08, 0x7F: .backspace
    case 0x09: .tab
    case 0x0A, 0x0D: .enter
    case 0x0B: .killToEnd
    case 0x0C: .clearScreen
    case 0x0E: .down
    case 0x10: .up
    case 0x12: .search
    case 0x14: .transpose
    case 0x15: .killToStart
    case 0x17: .killWord
    case 0x19: .yank
    case 0..<0x20: .unknown
    default: .scalar(Unicode.Scalar(byte))
    }
  }

  /// `ESC [ parameters letter`, `ESC O letter`, or a key with Alt.
  private func escape() -> TerminalKey? {
    guard pending.count > 1 else { return nil }
    switch pending[1] {
    case UInt8(ascii: "["):
      guard pending.count > 2, let last = pending.last, (0x40...0x7E).contains(last) else {
        return pending.count > 16 ? .unknown : nil
      }
      return Self.control(pending[2..<pending.count - 1], last)
    case UInt8(ascii: "O"):
      return pending.count > 2 ? Self.control([], pending[2]) : nil
    case UInt8(ascii: "b"): return .wordLeft
    case UInt8(ascii: "f"): return .wordRight
    case 0x08, 0x7F: return .killWord
    default: return .unknown
    }
  }

  private static func control(_ parameters: ArraySlice<UInt8>, _ last: UInt8) -> TerminalKey {
    let text = String(decoding: parameters, as: UTF8.self)
    // With Control or Alt held: 1;5 or 1;3 in front of the letter.
    let jumps = text.hasSuffix(";5") || text.hasSuffix(";3")
    switch last {
    case UInt8(ascii: "A"): return .up
    case UInt8(ascii: "B"): return .down
    case UInt8(ascii: "C"): return jumps ? .wordRight : .right
    case UInt8(ascii: "D"): return jumps ? .wordLeft : .left
    case UInt8(ascii: "H"): return .home
    case UInt8(ascii: "F"): return .end
    case UInt8(ascii: "~"):
      switch text {
      case "1", "7": return .home
      case "4", "8": return .end
      case "3": return .delete
      default: return .unknown
      }
    default: return .unknown
    }
  }
}
