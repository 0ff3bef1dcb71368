/// Writes the fields of a value: for each the number of its name, and its value.
struct FieldEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let segment: EncodingSegment
  let serial: Int

  var codingPath: [any CodingKey] { segment.codingPath }

  private func begin(_ key: some CodingKey) {
    segment.check(serial)
    segment.append(nameOf: key)
  }

  func encodeNil(forKey key: Key) {
    begin(key)
    segment.append(tag: Tag.null)
  }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    begin(key)
    try segment.append(value, at: key)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    nestedEncoder(key).container(keyedBy: keyType)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    nestedEncoder(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { nestedEncoder(SuperKey()) }

  func superEncoder(forKey key: Key) -> any Encoder { nestedEncoder(key) }

  private func nestedEncoder(_ key: some CodingKey) -> BinaryEncoder {
    begin(key)
    let (nested, serial) = segment.beginSegment(key)
    return BinaryEncoder(segment: nested, serial: serial)
  }
}

extension FieldEncoder {
  func encode(_ value: Bool, forKey key: Key) {
    begin(key)
    segment.append(value)
  }

  func encode(_ value: String, forKey key: Key) {
    begin(key)
    segment.append(value)
  }

  func encode(_ value: Double, forKey key: Key) {
    begin(key)
    segment.append(value)
  }

  func encode(_ value: Float, forKey key: Key) {
    begin(key)
    segment.append(value)
  }

  func encode(_ value: Int, forKey key: Key) {
    begin(key)
    segment.append(Int64(value))
  }

  func encode(_ value: Int8, forKey key: Key) {
    begin(key)
    segment.append(Int64(value))
  }

  func encode(_ value: Int16, forKey key: Key) {
    begin(key)
    segment.append(Int64(value))
  }

  func encode(_ value: Int32, forKey key: Key) {
    begin(key)
    segment.append(Int64(value))
  }

  func encode(_ value: Int64, forKey key: Key) {
    begin(key)
    segment.append(value)
  }

  func encode(_ value: UInt, forKey key: Key) {
    begin(key)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt8, forKey key: Key) {
    begin(key)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt16, forKey key: Key) {
    begin(key)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt32, forKey key: Key) {
    begin(key)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt64, forKey key: Key) {
    begin(key)
    segment.append(value)
  }
}
