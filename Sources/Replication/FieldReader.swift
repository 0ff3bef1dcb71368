internal import Primitives
internal import RawBytes

/// Reads the fields of stored or received bytes, which may lie: every step that does not find what
/// must be there throws, and says where.
struct FieldReader {
  private var reader: ByteReader
  /// What the bytes are meant to be, for errors.
  private let structure: StaticString

  init(_ bytes: ByteView, _ structure: StaticString) {
    reader = ByteReader(bytes)
    self.structure = structure
  }

  var remaining: Int { reader.remaining }

  mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) throws(CorruptionError) -> Integer {
    guard let value = reader.integer(type) else {
      throw corrupt("\(MemoryLayout<Integer>.size) more bytes", "\(reader.remaining)")
    }
    return value
  }

  mutating func take(_ byteCount: Int) throws(CorruptionError) -> ByteView {
    guard let bytes = reader.take(byteCount) else {
      throw corrupt("\(byteCount) more bytes", "\(reader.remaining)")
    }
    return bytes
  }

  /// Bytes behind their count, which is an integer of 32 bits.
  mutating func counted() throws(CorruptionError) -> ByteView {
    try take(Int(try integer(UInt32.self)))
  }

  /// A count of things that take so many bytes each, at least: so that no count makes anybody
  /// reserve memory for what cannot follow.
  mutating func count(ofAtLeast byteCount: Int) throws(CorruptionError) -> Int {
    let count = Int(try integer(UInt32.self))
    guard count <= reader.remaining / byteCount else {
      throw corrupt("at most \(reader.remaining / byteCount) of what follows", "\(count)")
    }
    return count
  }

  mutating func bool() throws(CorruptionError) -> Bool {
    let byte = try integer(UInt8.self)
    guard byte <= 1 else { throw corrupt("0 or 1", "\(byte)") }
    return byte == 1
  }

  func finish() throws(CorruptionError) {
    guard reader.remaining == 0 else { throw corrupt("the end", "\(reader.remaining) more bytes") }
  }

  /// What is wrong where the reader stands.
  func corrupt(_ expected: String, _ found: String) -> CorruptionError {
    CorruptionError(
      location: "\(structure), offset \(reader.offset)", expected: expected, found: found)
  }
}

extension ByteBuffer {
  /// Appends bytes behind their count, an integer of 32 bits.
  mutating func append(counted32 bytes: ByteView) {
    precondition(bytes.count <= Int(UInt32.max))
    append(integer: UInt32(bytes.count))
    append(bytes)
  }

  mutating func append(bool: Bool) { append(integer: bool ? UInt8(1) : UInt8(0)) }

  /// Patches an integer that stands in place already.
  func patch<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer, at offset: Int) {
    mutableView.store(value, at: offset)
  }
}
