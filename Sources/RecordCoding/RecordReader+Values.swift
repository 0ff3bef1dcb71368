internal import RawBytes

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What codecs written by hand are made of: each method reads what the `append` of its type wrote.
extension RecordReader {
  /// Reads an integer.
  ///
  /// - Throws: `endsEarly` when there is none.
  public mutating func readInt() throws(RecordDecodingError) -> Int {
    let start = offset
    guard let value = Int(exactly: try readInt64()) else {
      throw RecordDecodingError(offset: start, reason: .outOfRange)
    }
    return value
  }

  /// Reads an integer.
  public mutating func readInt64() throws(RecordDecodingError) -> Int64 {
    let zigzag = try readUInt64()
    return Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
  }

  /// Reads an integer.
  public mutating func readUInt64() throws(RecordDecodingError) -> UInt64 {
    let start = offset
    guard let value = reader.varint() else {
      throw RecordDecodingError(offset: start, reason: isAtEnd ? .endsEarly : .outOfRange)
    }
    return value
  }

  /// Reads four bytes.
  public mutating func readUInt32() throws(RecordDecodingError) -> UInt32 {
    try integer(UInt32.self)
  }

  /// Reads one byte.
  public mutating func readUInt8() throws(RecordDecodingError) -> UInt8 {
    try integer(UInt8.self)
  }

  /// Reads one byte, which is 0 or 1.
  public mutating func readBool() throws(RecordDecodingError) -> Bool {
    let start = offset
    let byte = try integer(UInt8.self)
    guard byte < 2 else { throw RecordDecodingError(offset: start, reason: .outOfRange) }
    return byte == 1
  }

  /// Reads eight bytes.
  public mutating func readDouble() throws(RecordDecodingError) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  /// Reads four bytes.
  public mutating func readFloat() throws(RecordDecodingError) -> Float {
    Float(bitPattern: try integer(UInt32.self))
  }

  /// Reads text.
  public mutating func readString() throws(RecordDecodingError) -> String {
    let start = offset
    let content = try counted()
    guard let text = content.text else {
      throw RecordDecodingError(offset: start, reason: .notUTF8)
    }
    return text
  }

  /// Reads bytes.
  public mutating func readBytes() throws(RecordDecodingError) -> [UInt8] {
    try counted().array
  }

  /// Reads bytes.
  public mutating func readData() throws(RecordDecodingError) -> Data {
    unsafe Data(try counted().buffer)
  }

  /// Reads so many bytes, which were appended without a count.
  public mutating func readBytes(count: Int) throws(RecordDecodingError) -> [UInt8] {
    guard let content = reader.take(count) else { throw endsEarly }
    return content.array
  }

  /// Reads sixteen bytes.
  public mutating func readUUID() throws(RecordDecodingError) -> UUID {
    let first = try integer(UInt64.self).littleEndian
    let second = try integer(UInt64.self).littleEndian
    return UUID(uuid: unsafe unsafeBitCast((first, second), to: uuid_t.self))
  }

  /// Reads a date.
  public mutating func readDate() throws(RecordDecodingError) -> Date {
    Date(timeIntervalSinceReferenceDate: try readDouble())
  }

  /// Reads a value if there is one.
  public mutating func readOptional<Value>(
    _ read: (inout RecordReader) throws -> Value
  ) throws -> Value? {
    try readBool() ? try read(&self) : nil
  }

  /// Reads a list. No memory is set aside for a count that lies.
  public mutating func readList<Value>(
    _ read: (inout RecordReader) throws -> Value
  ) throws -> [Value] {
    let start = offset
    let count = try readUInt64()
    guard count <= UInt64(reader.remaining) else {
      throw RecordDecodingError(offset: start, reason: .outOfRange)
    }
    var values: [Value] = []
    for _ in 0..<count { values.append(try read(&self)) }
    return values
  }

  private var endsEarly: RecordDecodingError {
    RecordDecodingError(offset: offset, reason: .endsEarly)
  }

  private mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) throws(RecordDecodingError) -> Integer {
    guard let value = reader.integer(type) else { throw endsEarly }
    return value
  }

  private mutating func counted() throws(RecordDecodingError) -> ByteView {
    let start = offset
    guard let content = reader.counted() else {
      throw RecordDecodingError(offset: start, reason: .endsEarly)
    }
    return content
  }
}
