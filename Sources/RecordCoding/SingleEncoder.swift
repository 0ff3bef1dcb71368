/// Writes a value that encodes itself as one other.
struct SingleEncoder: SingleValueEncodingContainer {
  let record: EncodingRecord
  let segment: EncodingSegment
  let serial: Int

  var codingPath: [any CodingKey] { segment.codingPath }

  func encodeNil() {
    segment.state.checkSingle(serial)
    segment.state.append(tag: Tag.null)
  }

  func encode<Value: Encodable>(_ value: Value) throws {
    segment.state.checkSingle(serial)
    try record.append(value, to: segment, at: nil)
  }
}

extension SingleEncoder {
  func encode(_ value: Bool) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }

  func encode(_ value: String) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }

  func encode(_ value: Double) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }

  func encode(_ value: Float) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }

  func encode(_ value: Int) {
    segment.state.checkSingle(serial)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int8) {
    segment.state.checkSingle(serial)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int16) {
    segment.state.checkSingle(serial)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int32) {
    segment.state.checkSingle(serial)
    segment.state.append(Int64(value))
  }

  func encode(_ value: Int64) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }

  func encode(_ value: UInt) {
    segment.state.checkSingle(serial)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt8) {
    segment.state.checkSingle(serial)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt16) {
    segment.state.checkSingle(serial)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt32) {
    segment.state.checkSingle(serial)
    segment.state.append(UInt64(value))
  }

  func encode(_ value: UInt64) {
    segment.state.checkSingle(serial)
    segment.state.append(value)
  }
}
