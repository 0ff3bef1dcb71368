/// A record type with a codec written by hand, for types so hot that `Codable` is too slow.
///
/// ```swift
/// extension Tick: BinaryRecord {
///   func encode(into writer: inout RecordWriter) {
///     writer.append(time)
///     writer.append(price)
///   }
///
///   init(from reader: inout RecordReader) throws {
///     self.init(time: try reader.readInt(), price: try reader.readDouble())
///   }
/// }
/// ```
///
/// What changes over time is yours to mark: begin with a version when fields may come and go.
public protocol BinaryRecord {
  /// Appends the record.
  func encode(into writer: inout RecordWriter) throws

  /// Reads a record.
  ///
  /// - Throws: what says that the bytes are no such record.
  init(from reader: inout RecordReader) throws
}

/// The coder of types whose codec is written by hand.
public struct HandWrittenCoder<Record: BinaryRecord>: RecordCoder {
  /// The coder; it holds nothing.
  @inlinable
  public init() {}

  /// Appends a record by its own code.
  @inlinable
  public func encode(_ record: Record, into writer: inout RecordWriter) throws {
    try record.encode(into: &writer)
  }

  /// Reads a record by its own code.
  @inlinable
  public func decode(from reader: inout RecordReader) throws -> Record {
    try Record(from: &reader)
  }
}
