/// Writes a value that encodes itself as one other.
struct SingleEncoder: SingleValueEncodingContainer {
  let segment: EncodingSegment
  let serial: Int

  var codingPath: [any CodingKey] { segment.codingPath }

  func encodeNil() {
    segment.checkSingle(serial)
    segment.append(tag: Tag.null)
  }

  func encode<Value: Encodable>(_ value: Value) throws {
    segment.checkSingle(serial)
    if try segment.appendNative(value) { return }
    let inner = segment.beginValue()
    try value.encode(to: BinaryEncoder(segment: segment, serial: inner))
    segment.endValue(inner)
  }
}

extension SingleEncoder {
  func encode(_ value: Bool) {
    segment.checkSingle(serial)
    segment.append(value)
  }

  func encode(_ value: String) {
    segment.checkSingle(serial)
    segment.append(value)
  }

  func encode(_ value: Double) {
    segment.checkSingle(serial)
    segment.append(value)
  }

  func encode(_ value: Float) {
    segment.checkSingle(serial)
    segment.append(value)
  }

  func encode(_ value: Int) {
    segment.checkSingle(serial)
    segment.append(Int64(value))
  }

  func encode(_ value: Int8) {
    segment.checkSingle(serial)
    segment.append(Int64(value))
  }

  func encode(_ value: Int16) {
    segment.checkSingle(serial)
    segment.append(Int64(value))
  }

  func encode(_ value: Int32) {
    segment.checkSingle(serial)
    segment.append(Int64(value))
  }

  func encode(_ value: Int64) {
    segment.checkSingle(serial)
    segment.append(value)
  }

  func encode(_ value: UInt) {
    segment.checkSingle(serial)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt8) {
    segment.checkSingle(serial)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt16) {
    segment.checkSingle(serial)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt32) {
    segment.checkSingle(serial)
    segment.append(UInt64(value))
  }

  func encode(_ value: UInt64) {
    segment.checkSingle(serial)
    segment.append(value)
  }
}
