package import RawBytes

/// Where elements append their encodings. Conformances of your own call the appends of this type, or
/// `encode(into:)` of other elements.
public struct KeyEncoder: ~Copyable {
  private var buffer: ByteBuffer
  /// How many nested tuples are open.
  private var depth = 0

  /// An encoder with nothing in it. It has memory of its own on the heap.
  public init() {
    buffer = ByteBuffer(capacity: 128)
  }

  private init(borrowing memory: MutableByteView) {
    buffer = ByteBuffer(borrowing: memory)
  }

  /// Lends an encoder whose memory is on the stack as long as little is appended, for the length of
  /// a call.
  public static func withEncoder<Result>(
    _ body: (inout KeyEncoder) throws -> Result
  ) throws -> Result {
    try unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 16) { memory in
      // SAFETY: the encoder ends before the memory does; it cannot be copied.
      guard let base = memory.baseAddress else { preconditionFailure("no memory") }
      var encoder = KeyEncoder(
        borrowing: unsafe MutableByteView(base: base, count: memory.count))
      return try body(&encoder)
    }
  }

  /// How many bytes were appended.
  public var byteCount: Int { buffer.count }

  /// Lends what was appended for the length of a call.
  public func withBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(RawSpan(_unsafeBytes: buffer.view.buffer))
  }

  /// What was appended. Valid until the next change.
  package var view: ByteView { buffer.view }

  /// A copy of what was appended.
  public var bytes: [UInt8] { buffer.view.array }

  /// The encoding of one element, in an array of its own.
  @inlinable
  public static func bytes(of element: some KeyElement) -> [UInt8] {
    var encoder = KeyEncoder()
    element.encode(into: &encoder)
    return encoder.bytes
  }

  /// Forgets all that was appended, and keeps the memory.
  public mutating func removeAll() {
    buffer.removeAll()
    depth = 0
  }

  /// Appends what stands for the absence of a value, and sorts before every value.
  public mutating func appendNull() {
    append(byte: TypeCode.null)
    if depth > 0 { append(byte: TypeCode.escape) }
  }

  /// Appends a truth value; false sorts first.
  public mutating func append(_ value: Bool) {
    append(byte: value ? TypeCode.true : TypeCode.false)
  }

  /// Appends a signed integer, in as few bytes as it needs.
  public mutating func append(_ value: Int64) {
    if value >= 0 { return append(UInt64(value)) }
    let count = Self.byteCount(of: value.magnitude)
    append(byte: TypeCode.zero - UInt8(count))
    append(UInt64(bitPattern: value &- 1), byteCount: count)
  }

  /// Appends an unsigned integer, in as few bytes as it needs: what `append(_: Int64)` appends for
  /// the same number.
  public mutating func append(_ value: UInt64) {
    let count = Self.byteCount(of: value)
    append(byte: TypeCode.zero + UInt8(count))
    append(value, byteCount: count)
  }

  /// Appends a number in eight bytes. Both zeros are encoded as the positive one, and every NaN as
  /// the same, after infinity.
  public mutating func append(_ value: Double) {
    append(byte: TypeCode.double)
    let bits = value.isNaN ? Double.nan.bitPattern : (value + 0).bitPattern
    append(bits >> 63 == 1 ? ~bits : bits | 1 << 63, byteCount: 8)
  }

  /// Appends a number in four bytes. Both zeros are encoded as the positive one, and every NaN as
  /// the same, after infinity.
  public mutating func append(_ value: Float) {
    append(byte: TypeCode.float)
    let bits = value.isNaN ? Float.nan.bitPattern : (value + 0).bitPattern
    append(UInt64(bits >> 31 == 1 ? ~bits : bits | 1 << 31), byteCount: 4)
  }

  /// Appends text, ordered by its UTF-8, which is the order of Unicode scalars.
  public mutating func append(_ value: String) {
    var value = value
    append(byte: TypeCode.string)
    value.withUTF8 { utf8 in unsafe append(escaping: ByteView(UnsafeRawBufferPointer(utf8))) }
    append(byte: TypeCode.end)
  }

  /// Appends bytes.
  public mutating func append(_ value: RawSpan) {
    append(byte: TypeCode.bytes)
    value.withByteView { append(escaping: $0) }
    append(byte: TypeCode.end)
  }

  /// Appends sixteen bytes that identify something, in the order of its text form.
  public mutating func append(uuid high: UInt64, _ low: UInt64) {
    append(byte: TypeCode.uuid)
    append(high, byteCount: 8)
    append(low, byteCount: 8)
  }

  /// Appends how a text begins, without its end: the bytes with which all elements begin that are
  /// texts with this beginning. For bounds of scans; what follows is no key.
  public mutating func append(beginningOf text: String) {
    append(text)
    buffer.truncate(to: buffer.count - 1)
  }

  /// Begins a nested tuple; the elements up to `endTuple` are in it.
  public mutating func beginTuple() {
    append(byte: TypeCode.tuple)
    depth += 1
  }

  /// Ends the nested tuple that was begun last.
  public mutating func endTuple() {
    precondition(depth > 0, "no nested tuple was begun")
    depth -= 1
    append(byte: TypeCode.end)
  }

  /// Begins an element that sorts in reverse; returns where, for `endDescending`.
  @usableFromInline
  mutating func beginDescending() -> Int {
    append(byte: TypeCode.descending)
    depth += 1
    return buffer.count
  }

  /// Ends an element that sorts in reverse: complements what was appended since it began.
  @usableFromInline
  mutating func endDescending(from start: Int) {
    depth -= 1
    let bytes = buffer.mutableView
    for index in start..<bytes.count { bytes[index] = ~bytes[index] }
    append(byte: TypeCode.escape)
  }

  private static func byteCount(of magnitude: UInt64) -> Int {
    (64 - magnitude.leadingZeroBitCount + 7) / 8
  }

  private mutating func append(byte: UInt8) {
    buffer.append(integer: byte)
  }

  /// Appends the low bytes of an integer, the most significant first.
  private mutating func append(_ value: UInt64, byteCount: Int) {
    guard byteCount > 0 else { return }
    buffer.append((value << UInt64(64 - 8 * byteCount)).byteSwapped, byteCount: byteCount)
  }

  /// Appends bytes with each zero byte followed by the escape byte.
  private mutating func append(escaping bytes: ByteView) {
    var start = 0
    while let zero = bytes.firstIndex(of: 0, from: start) {
      buffer.append(bytes[start..<zero + 1])
      append(byte: TypeCode.escape)
      start = zero + 1
    }
    buffer.append(bytes.dropFirst(start))
  }
}
