/// What an `Encodable` value is given to encode itself into.
struct BinaryEncoder: Encoder {
  let record: EncodingRecord
  let segment: EncodingSegment
  /// The value's number in its segment.
  let serial: Int

  var codingPath: [any CodingKey] { segment.codingPath }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    segment.state.setShape(.fields, of: serial)
    return KeyedEncodingContainer(
      FieldEncoder<Key>(record: record, segment: segment, serial: serial))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    segment.state.setShape(.list, of: serial)
    return ListEncoder(record: record, segment: segment, serial: serial)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    segment.state.setShape(.single, of: serial)
    return SingleEncoder(record: record, segment: segment, serial: serial)
  }
}

/// The key of what stands in a list, for error messages.
struct PositionKey: CodingKey {
  let intValue: Int?
  var stringValue: String { "Index \(intValue ?? 0)" }

  init(_ position: Int) { intValue = position }
  init?(intValue: Int) { self.init(intValue) }
  init?(stringValue: String) { return nil }
}

/// The key under which a class stores what its superclass encodes.
struct SuperKey: CodingKey {
  var intValue: Int? { nil }
  var stringValue: String { "super" }

  init() {}
  init?(intValue: Int) { return nil }
  init?(stringValue: String) { return nil }
}
