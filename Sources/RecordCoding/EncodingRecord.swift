internal import RawBytes

/// A record while it is encoded: the names of its fields, and its segments.
final class EncodingRecord {
  var names = NameTable()
  /// Whether values are nested more deeply than they may be: found where nothing can be thrown.
  var isTooDeep = false
  private var serial = 0
  private var idle: [EncodingSegment] = []

  func nextSerial() -> Int {
    serial += 1
    return serial
  }

  /// A segment with nothing in it.
  func segment() -> EncodingSegment {
    idle.popLast() ?? EncodingSegment(record: self)
  }

  func recycle(_ segment: EncodingSegment) {
    segment.removeAll()
    idle.append(segment)
  }

  /// Encodes a record into a writer.
  func encode<Value: Encodable>(_ value: Value, into writer: inout RecordWriter) throws {
    let root = segment()
    defer { removeAll(root) }
    if try !root.appendNative(value) {
      let serial = root.beginValue()
      try value.encode(to: BinaryEncoder(segment: root, serial: serial))
      root.endValue(serial)
    }
    guard !isTooDeep else {
      throw EncodingError.invalidValue(
        value,
        .init(
          codingPath: [],
          debugDescription: "values nested more than \(RecordFormat.depthLimit) deep"))
    }
    writer.buffer.reserve(names.bytes.count + root.bytes.count + 11)
    writer.buffer.append(integer: RecordFormat.version)
    writer.buffer.append(counted: names.bytes.view)
    writer.buffer.append(root.bytes.view)
  }

  private func removeAll(_ root: EncodingSegment) {
    recycle(root)
    names.removeAll()
    isTooDeep = false
  }
}
