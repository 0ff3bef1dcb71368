internal import RawBytes

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The coder that writes JSON: for records that other tools read. Five to ten times as slow as
/// `BinaryCoder`.
public struct JSONRecordCoder<Record: Codable>: RecordCoder {
  /// The coder.
  public init() {}

  /// Appends a record as JSON with sorted keys.
  public func encode(_ record: Record, into writer: inout RecordWriter) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(record)
    unsafe data.withUnsafeBytes { unsafe writer.buffer.append(ByteView($0)) }
  }

  /// Reads a record from JSON.
  public func decode(from reader: inout RecordReader) throws -> Record {
    let bytes = reader.takeRest()
    return try JSONDecoder().decode(Record.self, from: unsafe Data(bytes.buffer))
  }
}
