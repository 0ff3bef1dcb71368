/// What a `Decodable` value is given to decode itself from.
struct BinaryDecoder: Decoder {
  let place: Place

  init(_ place: Place) { self.place = place }

  var codingPath: [any CodingKey] { place.record.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard place.tag == Tag.fields else { throw mismatch([String: Any].self) }
    place.beginFields()
    return KeyedDecodingContainer(FieldDecoder<Key>(place: place))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard place.tag == Tag.list else { throw mismatch([Any].self) }
    return ListDecoder(place)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { SingleDecoder(place: place) }

  private func mismatch(_ type: any Any.Type) -> DecodingError {
    place.record.decodingError(.mismatch(tag: place.tag), type, nil)
  }
}
