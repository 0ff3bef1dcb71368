internal import RawBytes

/// The coder to use unless there is a reason: compact, binary, for any `Codable` type.
public struct BinaryCoder<Record: Codable>: RecordCoder {
  /// The coder.
  public init() {}

  /// Appends a record.
  public func encode(_ record: Record, into writer: inout RecordWriter) throws {
    fatalError("not written yet")
  }

  /// Reads a record.
  public func decode(from reader: inout RecordReader) throws -> Record {
    fatalError("not written yet")
  }
}
