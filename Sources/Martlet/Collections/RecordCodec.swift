internal import RecordCoding

/// A coder without its type: so that a collection has no parameter for it, and no existential stands
/// in a loop.
struct RecordCodec<Record>: Sendable {
  /// Tells formats apart.
  let formatName: String
  let encode: @Sendable (Record, inout RecordWriter) throws -> Void
  let decode: @Sendable (RawSpan) throws -> Record

  init<Coder: RecordCoder>(_ coder: Coder) where Coder.Record == Record {
    formatName = String("\(Coder.self)".prefix { $0 != "<" })
    encode = { record, writer in try coder.encode(record, into: &writer) }
    decode = { bytes in try coder.decode(bytes) }
  }
}
