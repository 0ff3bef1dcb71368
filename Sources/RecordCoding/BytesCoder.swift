internal import RawBytes

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A type that is bytes already.
public protocol ByteRecord {
  /// The record of these bytes.
  init(recordBytes: RawSpan)

  /// Lends the bytes for the length of a call.
  func withRecordBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result
}

/// The coder of records that are bytes already: they are stored as they are.
public struct BytesCoder<Record: ByteRecord>: RecordCoder {
  /// The coder; it holds nothing.
  public init() {}

  /// Appends the bytes.
  public func encode(_ record: Record, into writer: inout RecordWriter) throws {
    try record.withRecordBytes { span in span.withByteView { writer.buffer.append($0) } }
  }

  /// Takes the bytes.
  public func decode(from reader: inout RecordReader) throws -> Record {
    Record(recordBytes: unsafe RawSpan(_unsafeBytes: reader.takeRest().buffer))
  }
}

extension Array: ByteRecord where Element == UInt8 {
  /// A copy of the bytes.
  public init(recordBytes: RawSpan) {
    self = recordBytes.withByteView { $0.array }
  }

  /// Lends the bytes themselves.
  public func withRecordBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(span.bytes)
  }
}

extension Data: ByteRecord {
  /// A copy of the bytes.
  public init(recordBytes: RawSpan) {
    self = unsafe recordBytes.withUnsafeBytes { unsafe Data($0) }
  }

  /// Lends the bytes themselves.
  public func withRecordBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe withUnsafeBytes { try unsafe body(RawSpan(_unsafeBytes: $0)) }
  }
}
