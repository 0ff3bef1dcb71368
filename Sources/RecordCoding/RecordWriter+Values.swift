internal import RawBytes

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What codecs written by hand are made of. Nothing marks where a value ends or of what type it is:
/// read in the order in which you wrote, by the methods of the same types.
extension RecordWriter {
  /// Appends an integer as a varint, in one byte from -64 to 63 and in at most ten.
  public mutating func append(_ value: Int) {
    append(Int64(value))
  }

  /// Appends an integer as a varint, in one byte from -64 to 63 and in at most ten.
  public mutating func append(_ value: Int64) {
    buffer.append(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  /// Appends an integer as a varint, in one byte up to 127 and in at most ten.
  public mutating func append(_ value: UInt64) {
    buffer.append(varint: value)
  }

  /// Appends four bytes, little-endian.
  public mutating func append(_ value: UInt32) {
    buffer.append(integer: value)
  }

  /// Appends one byte.
  public mutating func append(_ value: UInt8) {
    buffer.append(integer: value)
  }

  /// Appends one byte, 0 or 1.
  public mutating func append(_ value: Bool) {
    buffer.append(integer: UInt8(value ? 1 : 0))
  }

  /// Appends eight bytes.
  public mutating func append(_ value: Double) {
    buffer.append(integer: value.bitPattern)
  }

  /// Appends four bytes.
  public mutating func append(_ value: Float) {
    buffer.append(integer: value.bitPattern)
  }

  /// Appends UTF-8 after the count of its bytes.
  public mutating func append(_ value: String) {
    var value = value
    value.withUTF8 { utf8 in
      buffer.append(counted: unsafe ByteView(UnsafeRawBufferPointer(utf8)))
    }
  }

  /// Appends bytes after their count.
  public mutating func append(_ value: [UInt8]) {
    value.withByteView { buffer.append(counted: $0) }
  }

  /// Appends bytes after their count.
  public mutating func append(_ value: Data) {
    unsafe value.withUnsafeBytes { unsafe buffer.append(counted: ByteView($0)) }
  }

  /// Appends bytes without their count: as the last of a record, or of a length known otherwise.
  public mutating func append(uncounted value: RawSpan) {
    value.withByteView { buffer.append($0) }
  }

  /// Appends sixteen bytes.
  public mutating func append(_ value: UUID) {
    unsafe withUnsafeBytes(of: value.uuid) { unsafe buffer.append(ByteView($0)) }
  }

  /// Appends the eight bytes of the seconds since 2001: exactly what a `Date` holds.
  public mutating func append(_ value: Date) {
    append(value.timeIntervalSinceReferenceDate)
  }

  /// Appends a record that encodes itself.
  public mutating func append(_ value: some BinaryRecord) throws {
    try value.encode(into: &self)
  }

  /// Appends whether there is a value, and the value if there is.
  public mutating func append<Value>(
    optional value: Value?, _ append: (Value, inout RecordWriter) throws -> Void
  ) rethrows {
    self.append(value != nil)
    if let value { try append(value, &self) }
  }

  /// Appends a count and so many values.
  public mutating func append<Values: Collection>(
    list values: Values, _ append: (Values.Element, inout RecordWriter) throws -> Void
  ) rethrows {
    self.append(UInt64(values.count))
    for value in values { try append(value, &self) }
  }
}
