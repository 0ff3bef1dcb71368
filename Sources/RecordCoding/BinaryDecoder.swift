/// What a `Decodable` value is given to decode itself from.
struct BinaryDecoder: Decoder {
  let record: DecodingRecord
  let item: Item
  /// How many values enclose this one, it included.
  let depth: Int

  var codingPath: [any CodingKey] { record.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard item.tag == Tag.fields else { throw mismatch([String: Any].self) }
    return KeyedDecodingContainer(
      FieldDecoder<Key>(fields: FieldReader(record, item, depth: depth)))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard item.tag == Tag.list else { throw mismatch([Any].self) }
    return ListDecoder(record, item, depth: depth)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer {
    SingleDecoder(record: record, item: item, depth: depth)
  }

  private func mismatch(_ type: any Any.Type) -> DecodingError {
    record.decodingError(.mismatch(tag: item.tag), type, nil)
  }
}
