internal import RawBytes

/// The coder to use unless there is a reason: compact, binary, for any `Codable` type.
///
/// What is encoded contains the names of its fields once, so a record can be read by a type that has
/// since gained or lost some: fields that the type does not ask for are skipped, optional ones that
/// the record lacks are nil, and for others that it lacks decoding throws `keyNotFound`, which names
/// the field. An integer is read as a `Double`, `Float` or `Decimal` where it is one exactly.
/// `Date`, `UUID`, `Data`, `[UInt8]`, `Decimal` and `URL` have forms of their own; equal records have
/// equal bytes, up to the order of sets and dictionaries. `format-spec/record.md` is the format.
///
/// - Complexity: O(the record). Without memory of its own: encoder and decoder are reused.
public struct BinaryCoder<Record: Codable>: RecordCoder {
  private let encoders = MemoryPool<EncodingRecord>()
  private let decoders = MemoryPool<DecodingRecord>()

  /// The coder. Keep it: it holds what it reuses.
  public init() {}

  /// Appends a record.
  ///
  /// - Throws: what the record's `encode(to:)` throws, or `EncodingError` for values nested more
  ///   than 128 deep.
  public func encode(_ record: Record, into writer: inout RecordWriter) throws {
    let encoder = encoders.take()
    defer { encoders.give(encoder) }
    try encoder.encode(record, into: &writer)
  }

  /// Reads a record.
  ///
  /// - Throws: `DecodingError`, or what the record's `init(from:)` throws.
  public func decode(from reader: inout RecordReader) throws -> Record {
    let decoder = decoders.take()
    defer { decoders.give(decoder) }
    return try decoder.decode(Record.self, from: reader.takeRest())
  }
}
