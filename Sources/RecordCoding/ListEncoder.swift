/// Writes the values of a list, one after the other.
struct ListEncoder: UnkeyedEncodingContainer {
  let record: EncodingRecord
  let segment: EncodingSegment
  let serial: Int
  private(set) var count = 0

  init(record: EncodingRecord, segment: EncodingSegment, serial: Int) {
    self.record = record
    self.segment = segment
    self.serial = serial
  }

  var codingPath: [any CodingKey] { segment.codingPath }

  private mutating func begin() {
    segment.state.check(serial)
    count += 1
  }

  mutating func encodeNil() {
    begin()
    segment.state.append(tag: Tag.null)
  }

  mutating func encode<Value: Encodable>(_ value: Value) throws {
    begin()
    do { try record.append(value, to: segment, at: PositionKey(count - 1)) } catch {
      count -= 1
      throw error
    }
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    nestedEncoder().container(keyedBy: keyType)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    nestedEncoder().unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder { nestedEncoder() }

  private mutating func nestedEncoder() -> BinaryEncoder {
    begin()
    let nested = record.segment()
    let serial = nested.begin(in: segment, at: PositionKey(count - 1), record: record)
    return BinaryEncoder(record: record, segment: nested, serial: serial)
  }
}

extension ListEncoder {
  mutating func encode(_ value: Bool) {
    begin()
    segment.state.append(value)
  }

  mutating func encode(_ value: String) {
    begin()
    segment.state.append(value)
  }

  mutating func encode(_ value: Double) {
    begin()
    segment.state.append(value)
  }

  mutating func encode(_ value: Float) {
    begin()
    segment.state.append(value)
  }

  mutating func encode(_ value: Int) {
    begin()
    segment.state.append(Int64(value))
  }

  mutating func encode(_ value: Int8) {
    begin()
    segment.state.append(Int64(value))
  }

  mutating func encode(_ value: Int16) {
    begin()
    segment.state.append(Int64(value))
  }

  mutating func encode(_ value: Int32) {
    begin()
    segment.state.append(Int64(value))
  }

  mutating func encode(_ value: Int64) {
    begin()
    segment.state.append(value)
  }

  mutating func encode(_ value: UInt) {
    begin()
    segment.state.append(UInt64(value))
  }

  mutating func encode(_ value: UInt8) {
    begin()
    segment.state.append(UInt64(value))
  }

  mutating func encode(_ value: UInt16) {
    begin()
    segment.state.append(UInt64(value))
  }

  mutating func encode(_ value: UInt32) {
    begin()
    segment.state.append(UInt64(value))
  }

  mutating func encode(_ value: UInt64) {
    begin()
    segment.state.append(value)
  }
}
