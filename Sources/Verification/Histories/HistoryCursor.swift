/// Walks over the bytes of a history: the words that JSON and EDN have in common, each in its own
/// spelling.
///
/// JSON separates by commas and names by strings; in EDN commas are space and names are keywords.
struct HistoryCursor {
  let bytes: [UInt8]
  let format: HistoryFormat
  private(set) var position = 0

  init(_ bytes: [UInt8], _ format: HistoryFormat) {
    self.bytes = bytes
    self.format = format
  }

  /// The byte under the cursor; zero at the end.
  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  var isAtEnd: Bool { position >= bytes.count }

  /// An error at the cursor, or at a place before it.
  func expected(_ what: String, at place: Int? = nil) -> HistoryError {
    let place = min(place ?? position, bytes.count)
    let line = bytes[..<place].count { $0 == 0x0A } + 1
    let start = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let found =
      place < bytes.count
      ? "\"" + String(decoding: bytes[place...].prefix { $0 != 0x0A }.prefix(20), as: UTF8.self)
        + "\"" : "the end"
    return HistoryError("expected \(what), found \(found)", line: line, column: place - start + 1)
  }

  /// Goes back to a place that was passed.
  mutating func rewind(to place: Int) { position = place }

  /// Passes space, line ends and, in EDN, commas, comments and tags.
  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      case UInt8(ascii: ",") where format == .edn: position += 1
      case UInt8(ascii: ";") where format == .edn:
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      case UInt8(ascii: "#") where format == .edn:
        // A tag, as in `#jepsen.history.Op{...}`.
        while position < bytes.count, bytes[position] > 0x20, bytes[position] != UInt8(ascii: "{"),
          bytes[position] != UInt8(ascii: "[")
        { position += 1 }
      default: return
      }
    }
  }

  /// Passes a mark if it is there.
  mutating func skip(_ mark: Character) -> Bool {
    skipSpace()
    guard let byte = mark.asciiValue, current == byte else { return false }
    position += 1
    return true
  }

  mutating func expect(_ mark: Character, _ what: String) throws(HistoryError) {
    guard skip(mark) else { throw expected(what) }
  }

  /// Between a name and its value.
  mutating func colon() throws(HistoryError) {
    if format == .json { try expect(":", "a colon") }
  }

  /// Between two values.
  mutating func comma() throws(HistoryError) {
    if format == .json { try expect(",", "a comma") }
  }

  /// Whether a list or an object goes on: passes the comma, or the end.
  mutating func goesOn(until end: Character, isFirst: Bool) throws(HistoryError) -> Bool {
    if skip(end) { return false }
    if isFirst || format == .edn {
      guard !isAtEnd else { throw expected("\"\(end)\"") }
      return true
    }
    guard skip(",") else { throw expected("a comma or \"\(end)\"") }
    return true
  }

  // MARK: Values

  /// Passes `null` or `nil` if it is there.
  mutating func skipNull() -> Bool {
    skipSpace()
    return format == .json ? skipWord("null") : skipWord("nil")
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    // SAFETY: a static string has so many bytes for as long as the program runs.
    for offset in 0..<count where unsafe bytes[position + offset] != word.utf8Start[offset] {
      return false
    }
    position += count
    return true
  }

  mutating func integer(_ what: String) throws(HistoryError) -> Int {
    skipSpace()
    let bytes = bytes
    let start = position
    var place = start
    var isNegative = false
    if place < bytes.count, bytes[place] == UInt8(ascii: "-") {
      isNegative = true
      place += 1
    }
    var magnitude = 0
    let first = place
    while place < bytes.count {
      let digit = bytes[place] &- 0x30
      guard digit < 10 else { break }
      let (product, overflows) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carries) = product.addingReportingOverflow(Int(digit))
      guard !overflows, !carries else { throw expected("\(what), an integer of 64 bits") }
      magnitude = sum
      place += 1
    }
    guard place > first else { throw expected("\(what), an integer") }
    if format == .edn, place < bytes.count, bytes[place] == UInt8(ascii: "N") { place += 1 }
    position = place
    return isNegative ? -magnitude : magnitude
  }

  /// The integers of a list whose opening bracket was passed, and its end. Nearly all bytes of a
  /// history lie here, so the common case is kept tight: digits, and one mark behind them.
  mutating func integers() throws(HistoryError) -> [Int] {
    var elements: [Int] = []
    guard try goesOn(until: "]", isFirst: true) else { return elements }
    while true {
      let bytes = bytes
      var place = position
      var magnitude = 0
      // Sixteen digits fit in any case.
      while place < bytes.count, place &- position < 16 {
        let digit = bytes[place] &- 0x30
        guard digit < 10 else { break }
        magnitude = magnitude &* 10 &+ Int(digit)
        place &+= 1
      }
      if place > position, place &+ 1 < bytes.count {
        if bytes[place] == UInt8(ascii: "]") {
          elements.append(magnitude)
          position = place &+ 1
          return elements
        }
        let isSeparator =
          bytes[place] == UInt8(ascii: ",") || bytes[place] == 0x20 && format == .edn
        if isSeparator, bytes[place &+ 1] &- 0x30 < 10 {
          elements.append(magnitude)
          position = place &+ 1
          continue
        }
      }
      elements.append(try integer("an element"))
      guard try goesOn(until: "]", isFirst: false) else { return elements }
    }
  }

  /// A name or a short text: a string or, in EDN, also a keyword.
  mutating func name(_ what: String) throws(HistoryError) -> String {
    skipSpace()
    let start = position
    if format == .edn, current == UInt8(ascii: ":") {
      position += 1
      let first = position
      while position < bytes.count, Self.isOfKeyword(bytes[position]) { position += 1 }
      guard position > first else { throw expected(what, at: start) }
      return String(decoding: bytes[first..<position], as: UTF8.self)
    }
    guard current == UInt8(ascii: "\"") else { throw expected(what) }
    position += 1
    let first = position
    var isEscaped = false
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      guard bytes[position] != 0x0A else { throw expected("a closing quotation mark", at: start) }
      if bytes[position] == UInt8(ascii: "\\") {
        isEscaped = true
        position += 1
      }
      position += 1
    }
    guard position < bytes.count else { throw expected("a closing quotation mark", at: start) }
    let text = bytes[first..<position]
    position += 1
    return String(decoding: isEscaped ? Self.unescape(text)[...] : text, as: UTF8.self)
  }

  private static func isOfKeyword(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x00...0x20, UInt8(ascii: ","), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
      UInt8(ascii: "]"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\""):
      false
    default: true
    }
  }

  /// The escapes that a writer of plain text needs; others stand for their letter.
  private static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    var isAfterBackslash = false
    for byte in text {
      if !isAfterBackslash, byte == UInt8(ascii: "\\") {
        isAfterBackslash = true
        continue
      }
      output.append(isAfterBackslash && byte == UInt8(ascii: "n") ? 0x0A : byte)
      isAfterBackslash = false
    }
    return output
  }

  /// Passes any value.
  mutating func skipValue(depth: Int = 0) throws(HistoryError) {
    guard depth < 100 else { throw expected("fewer than 100 nested values") }
    skipSpace()
    switch current {
    case UInt8(ascii: "["): try skipList(until: "]", depth)
    case UInt8(ascii: "(") where format == .edn: try skipList(until: ")", depth)
    // A map or, behind its tag, a set: values one after the other.
    case UInt8(ascii: "{") where format == .edn: try skipList(until: "}", depth)
    case UInt8(ascii: "{"):
      position += 1
      var isFirst = true
      while try goesOn(until: "}", isFirst: isFirst) {
        isFirst = false
        try skipValue(depth: depth + 1)
        try colon()
        try skipValue(depth: depth + 1)
      }
    case UInt8(ascii: "\""), UInt8(ascii: ":"): _ = try name("a value")
    default:
      let start = position
      while position < bytes.count, Self.isOfKeyword(bytes[position]) { position += 1 }
      guard position > start else { throw expected("a value") }
    }
  }

  private mutating func skipList(until end: Character, _ depth: Int) throws(HistoryError) {
    position += 1
    var isFirst = true
    while try goesOn(until: end, isFirst: isFirst) {
      isFirst = false
      try skipValue(depth: depth + 1)
    }
  }
}
