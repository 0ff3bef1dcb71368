/// Writes the fields of a value: for each the number of its name, and its value.
struct FieldEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let record: EncodingRecord
  let segment: EncodingSegment
  let serial: Int

  var codingPath: [any CodingKey] { segment.codingPath }

  private func begin(_ key: some CodingKey) {
    segment.state.beginField(record.name(key.stringValue), of: serial, record)
  }

  func encodeNil(forKey key: Key) {
    begin(key)
    segment.state.append(tag: Tag.null)
  }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    begin(key)
    do { try record.append(value, to: segment, at: key) } catch {
      segment.state.abandonField(of: serial)
      throw error
    }
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
    let nested = record.segment()
    let serial = nested.begin(in: segment, at: key, record: record)
    return BinaryEncoder(record: record, segment: nested, serial: serial)
  }
}

extension FieldEncoder {
  func encode(_ value: Bool, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }

  func encode(_ value: String, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }

  func encode(_ value: Double, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }

  func encode(_ value: Float, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }

  func encode(_ value: Int, forKey key: Key) {
    begin(key)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int8, forKey key: Key) {
    begin(key)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int16, forKey key: Key) {
    begin(key)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int32, forKey key: Key) {
    begin(key)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int64, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }

  func encode(_ value: UInt, forKey key: Key) {
    begin(key)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt8, forKey key: Key) {
    begin(key)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt16, forKey key: Key) {
    begin(key)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt32, forKey key: Key) {
    begin(key)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt64, forKey key: Key) {
    begin(key)
    segment.state.append(value)
  }
}
