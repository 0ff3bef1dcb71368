/// Writes the values of a list, one after the other.
struct ListEncoder: UnkeyedEncodingContainer {
  let segment: EncodingSegment
  let serial: Int
  private(set) var count = 0

  init(segment: EncodingSegment, serial: Int) {
    self.segment = segment
    self.serial = serial
  }

  var codingPath: [any CodingKey] { segment.codingPath }

  private mutating func begin() {
    segment.check(serial)
    count += 1
  }

  mutating func encodeNil() {
    begin()
    segment.append(tag: Tag.null)
  }

  mutating func encode<Value: Encodable>(_ value: Value) throws {
    begin()
    try segment.append(value, at: PositionKey(count - 1))
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
    let (nested, serial) = segment.beginSegment(PositionKey(count - 1))
    return BinaryEncoder(segment: nested, serial: serial)
  }
}

extension ListEncoder {
  mutating func encode(_ value: Bool) {
    begin()
    segment.append(value)
  }

  mutating func encode(_ value: String) {
    begin()
    segment.append(value)
  }

  mutating func encode(_ value: Double) {
    begin()
    segment.append(value)
  }

  mutating func encode(_ value: Float) {
    begin()
    segment.append(value)
  }

  mutating func encode(_ value: Int) {
    begin()
    segment.append(Int64(value))
  }

  mutating func encode(_ value: Int8) {
    begin()
    segment.append(Int64(value))
  }

  mutating func encode(_ value: Int16) {
    begin()
    segment.append(Int64(value))
  }

  mutating func encode(_ value: Int32) {
    begin()
    segment.append(Int64(value))
  }

  mutating func encode(_ value: Int64) {
    begin()
    segment.append(value)
  }

  mutating func encode(_ value: UInt) {
    begin()
    segment.append(UInt64(value))
  }

  mutating func encode(_ value: UInt8) {
    begin()
    segment.append(UInt64(value))
  }

  mutating func encode(_ value: UInt16) {
    begin()
    segment.append(UInt64(value))
  }

  mutating func encode(_ value: UInt32) {
    begin()
    segment.append(UInt64(value))
  }

  mutating func encode(_ value: UInt64) {
    begin()
    segment.append(value)
  }
}
