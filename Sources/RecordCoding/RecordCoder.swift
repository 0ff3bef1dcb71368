internal import RawBytes

/// How records of one type become bytes and come back.
///
/// `BinaryCoder` is the one to use: compact, for any `Codable`, and tolerant of fields that come and
/// go. `JSONRecordCoder` writes what other tools read, `HandWrittenCoder` is for hot types, and
/// `BytesCoder` for records that are bytes already. A coder of your own conforms to this.
public protocol RecordCoder<Record>: Sendable {
  /// What is encoded.
  associatedtype Record

  /// Appends a record's encoding.
  ///
  /// - Throws: what says that the record cannot be encoded; what was appended is then of no use.
  func encode(_ record: Record, into writer: inout RecordWriter) throws

  /// The record that `reader` lends the bytes of: all that are left in it.
  ///
  /// - Throws: what says that the bytes are no such record: `DecodingError` or
  ///   `RecordDecodingError`.
  func decode(from reader: inout RecordReader) throws -> Record
}

extension RecordCoder {
  /// Lends a record's encoding for the length of a call.
  @inlinable
  public func withEncoding<Result>(
    of record: Record, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    try RecordWriter.withWriter { writer in
      try encode(record, into: &writer)
      return try writer.withBytes(body)
    }
  }

  /// A record's encoding, in an array of its own.
  @inlinable
  public func encode(_ record: Record) throws -> [UInt8] {
    var writer = RecordWriter()
    try encode(record, into: &writer)
    return writer.bytes
  }

  /// The record that bytes stand for.
  ///
  /// - Throws: what says that the bytes are no such record, or have more after it.
  @inlinable
  public func decode(_ bytes: RawSpan) throws -> Record {
    try RecordReader.read(bytes) { reader in try decode(from: &reader) }
  }

  /// The record that bytes stand for.
  ///
  /// - Throws: what says that the bytes are no such record, or have more after it.
  @inlinable
  public func decode(_ bytes: [UInt8]) throws -> Record {
    try unsafe decode(bytes.span.bytes)
  }
}
