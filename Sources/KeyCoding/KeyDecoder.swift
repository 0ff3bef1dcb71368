internal import RawBytes

/// Where elements read themselves from: the bytes of a key, which may lie (K4).
public struct KeyDecoder: ~Copyable {
  // SAFETY: a decoder exists only within `decode`, and cannot be copied out of it.
  private let bytes: ByteView
  /// How many nested tuples are open.
  private var depth = 0
  /// All ones within an odd number of descending elements.
  private var mask: UInt8 = 0
  /// How many bytes were read.
  public private(set) var offset = 0

  private init(_ bytes: ByteView) {
    self.bytes = bytes
  }

  /// Reads a key from all of its bytes.
  ///
  /// - Throws: what `body` throws, or `KeyDecodingError` when it leaves bytes unread.
  public static func decode<Result>(
    _ bytes: RawSpan, _ body: (inout KeyDecoder) throws(KeyDecodingError) -> Result
  ) throws(KeyDecodingError) -> Result {
    try bytes.withByteView { (view) throws(KeyDecodingError) in
      var decoder = KeyDecoder(view)
      let result = try body(&decoder)
      guard decoder.isAtEnd else {
        throw decoder.error(.bytesFollow(count: view.count - decoder.offset))
      }
      return result
    }
  }

  /// The one element that the bytes of a key are.
  @inlinable
  public static func decode<Element: KeyElement>(
    _ type: Element.Type, from bytes: RawSpan
  ) throws(KeyDecodingError) -> Element {
    try decode(bytes) { decoder throws(KeyDecodingError) in try Element(from: &decoder) }
  }

  /// Whether all bytes were read.
  public var isAtEnd: Bool { offset == bytes.count }

  /// Whether the next element is null; if so it is read.
  public mutating func readNull() -> Bool {
    guard peek() == TypeCode.null else { return false }
    guard depth > 0 else {
      offset += 1
      return true
    }
    guard peek(1) == TypeCode.escape else { return false }
    offset += 2
    return true
  }

  /// Reads a truth value.
  public mutating func readBool() throws(KeyDecodingError) -> Bool {
    let code = try next("a Bool")
    guard code == TypeCode.true || code == TypeCode.false else {
      throw other("a Bool", code)
    }
    return code == TypeCode.true
  }

  /// Reads an integer that fits 64 bits with sign.
  public mutating func readInt64() throws(KeyDecodingError) -> Int64 {
    let start = offset
    let (magnitude, isNegative) = try integer()
    if !isNegative, let value = Int64(exactly: magnitude) { return value }
    if isNegative, magnitude <= 1 << 63 { return Int64(bitPattern: 0 &- magnitude) }
    throw KeyDecodingError(offset: start, reason: .outOfRange(type: "Int64"))
  }

  /// Reads an integer that fits 64 bits without sign.
  public mutating func readUInt64() throws(KeyDecodingError) -> UInt64 {
    let start = offset
    let (magnitude, isNegative) = try integer()
    guard !isNegative else {
      throw KeyDecodingError(offset: start, reason: .outOfRange(type: "UInt64"))
    }
    return magnitude
  }

  /// Reads a number of eight bytes.
  public mutating func readDouble() throws(KeyDecodingError) -> Double {
    let start = offset
    try expect(TypeCode.double, "a Double")
    let stored = try bigEndian(8, "a Double")
    let value = Double(bitPattern: stored >> 63 == 1 ? stored & ~(1 << 63) : ~stored)
    let isCanonical =
      value.isNaN ? value.bitPattern == Double.nan.bitPattern : value.bitPattern != 1 << 63
    guard isCanonical else {
      throw KeyDecodingError(offset: start, reason: .notCanonical("a NaN or a negative zero"))
    }
    return value
  }

  /// Reads a number of four bytes.
  public mutating func readFloat() throws(KeyDecodingError) -> Float {
    let start = offset
    try expect(TypeCode.float, "a Float")
    let stored = UInt32(try bigEndian(4, "a Float"))
    let value = Float(bitPattern: stored >> 31 == 1 ? stored & ~(1 << 31) : ~stored)
    let isCanonical =
      value.isNaN ? value.bitPattern == Float.nan.bitPattern : value.bitPattern != 1 << 31
    guard isCanonical else {
      throw KeyDecodingError(offset: start, reason: .notCanonical("a NaN or a negative zero"))
    }
    return value
  }

  /// Reads text.
  public mutating func readString() throws(KeyDecodingError) -> String {
    let start = offset
    try expect(TypeCode.string, "a String")
    let text = try escaped("the end of a string") { $0.text }
    guard let text else { throw KeyDecodingError(offset: start, reason: .notUTF8) }
    return text
  }

  /// Reads bytes.
  public mutating func readBytes() throws(KeyDecodingError) -> [UInt8] {
    try expect(TypeCode.bytes, "bytes")
    return try escaped("the end of bytes") { $0.array }
  }

  /// Reads sixteen bytes that identify something.
  public mutating func readUUID() throws(KeyDecodingError) -> (high: UInt64, low: UInt64) {
    try expect(TypeCode.uuid, "a UUID")
    return (try bigEndian(8, "a UUID"), try bigEndian(8, "a UUID"))
  }

  /// Steps into a nested tuple.
  public mutating func beginTuple() throws(KeyDecodingError) {
    guard depth < Self.depthLimit else { throw error(.tooDeep) }
    try expect(TypeCode.tuple, "a nested tuple")
    depth += 1
  }

  /// Steps out of a nested tuple all of whose elements were read.
  public mutating func endTuple() throws(KeyDecodingError) {
    precondition(depth > 0, "no nested tuple was begun")
    guard let byte = peek() else { throw error(.endsEarly(expected: "the end of a tuple")) }
    guard byte == TypeCode.end, peek(1) != TypeCode.escape else { throw error(.tupleContinues) }
    depth -= 1
    offset += 1
  }

  /// Steps into an element that sorts in reverse.
  @usableFromInline
  mutating func beginDescending() throws(KeyDecodingError) {
    guard depth < Self.depthLimit else { throw error(.tooDeep) }
    try expect(TypeCode.descending, "a descending element")
    depth += 1
    mask = ~mask
  }

  /// Steps out of an element that sorts in reverse.
  @usableFromInline
  mutating func endDescending() throws(KeyDecodingError) {
    depth -= 1
    mask = ~mask
    try expect(TypeCode.escape, "the end of a descending element")
  }

  /// How deeply tuples may be nested.
  private static var depthLimit: Int { 100 }
}

extension KeyDecoder {
  /// An error at the next byte.
  private func error(_ reason: KeyDecodingError.Reason) -> KeyDecodingError {
    KeyDecodingError(offset: offset, reason: reason)
  }

  /// What is said of the code that was just read.
  private func other(_ expected: String, _ code: UInt8) -> KeyDecodingError {
    KeyDecodingError(
      offset: offset - 1, reason: .otherType(expected: expected, typeCode: code))
  }

  private func peek(_ distance: Int = 0) -> UInt8? {
    offset + distance < bytes.count ? bytes[offset + distance] ^ mask : nil
  }

  private mutating func next(_ expected: String) throws(KeyDecodingError) -> UInt8 {
    guard let byte = peek() else { throw error(.endsEarly(expected: expected)) }
    offset += 1
    return byte
  }

  private mutating func expect(_ code: UInt8, _ expected: String) throws(KeyDecodingError) {
    let found = try next(expected)
    guard found == code else { throw other(expected, found) }
  }

  private mutating func bigEndian(
    _ byteCount: Int, _ expected: String
  ) throws(KeyDecodingError) -> UInt64 {
    guard bytes.count - offset >= byteCount else { throw error(.endsEarly(expected: expected)) }
    var value: UInt64 = 0
    for index in offset..<offset + byteCount { value = value << 8 | UInt64(bytes[index] ^ mask) }
    offset += byteCount
    return value
  }

  private mutating func integer() throws(KeyDecodingError) -> (
    magnitude: UInt64, isNegative: Bool
  ) {
    let start = offset
    let code = try next("an integer")
    guard TypeCode.integers.contains(code) else { throw other("an integer", code) }
    let isNegative = code < TypeCode.zero
    let byteCount = Int(isNegative ? TypeCode.zero - code : code - TypeCode.zero)
    guard byteCount > 0 else { return (0, false) }
    let stored = try bigEndian(byteCount, "an integer of \(byteCount) bytes")
    let ones = UInt64.max >> UInt64(64 - 8 * byteCount)
    let magnitude = isNegative ? ones - stored : stored
    guard magnitude >> UInt64(8 * (byteCount - 1)) != 0 else {
      throw KeyDecodingError(offset: start, reason: .notCanonical("an integer of fewer bytes"))
    }
    return (magnitude, isNegative)
  }

  /// Reads up to the end of a string or of bytes, and lends what is there without the escapes.
  private mutating func escaped<Result>(
    _ expected: String, _ body: (ByteView) -> Result
  ) throws(KeyDecodingError) -> Result {
    let start = offset
    if mask == 0, let end = bytes.firstIndex(of: 0, from: start),
      end + 1 == bytes.count || bytes[end + 1] != TypeCode.escape
    {
      offset = end + 1
      return body(bytes[start..<end])
    }
    var content: [UInt8] = []
    while true {
      let byte = try next(expected)
      if byte == TypeCode.end {
        guard peek() == TypeCode.escape else { return content.withByteView(body) }
        offset += 1
      }
      content.append(byte)
    }
  }
}
