internal import RawBytes

/// A record while it is encoded: the names of its fields, and its segments.
final class EncodingRecord {
  private let state = HeapCell(State())

  private struct State: ~Copyable {
    var names = NameTable()
    var serial = 0
    var isTooDeep = false
    var idle: [EncodingSegment] = []
  }

  /// Whether values are nested more deeply than they may be: found where nothing can be thrown.
  var isTooDeep: Bool {
    get { state.value.isTooDeep }
    set { state.value.isTooDeep = newValue }
  }

  func nextSerial() -> Int {
    state.value.serial += 1
    return state.value.serial
  }

  /// The number of a field's name.
  func number(of name: String) -> Int {
    var name = name
    return name.withUTF8 { utf8 in
      state.value.names.number(of: unsafe ByteView(UnsafeRawBufferPointer(utf8)))
    }
  }

  /// A segment with nothing in it.
  func segment() -> EncodingSegment {
    state.value.idle.popLast() ?? EncodingSegment()
  }

  func recycle(_ segment: EncodingSegment) {
    segment.removeAll()
    state.value.idle.append(segment)
  }

  /// Encodes a record into a writer.
  func encode<Value: Encodable>(_ value: Value, into writer: inout RecordWriter) throws {
    let root = segment()
    defer { removeAll(root) }
    try append(value, to: root, at: nil)
    guard !isTooDeep else {
      throw EncodingError.invalidValue(
        value,
        .init(
          codingPath: [],
          debugDescription: "values nested more than \(RecordFormat.depthLimit) deep"))
    }
    let names = state.value.names.bytes.view
    let values = root.state.bytes.view
    writer.buffer.reserve(names.count + values.count + 11)
    writer.buffer.append(integer: RecordFormat.version)
    writer.buffer.append(counted: names)
    writer.buffer.append(values)
  }

  /// Appends a value, whatever it is.
  func append<Value: Encodable>(
    _ value: Value, to segment: EncodingSegment, at key: (any CodingKey)?
  ) throws {
    if segment.state.appendNative(value) { return }
    if let key { segment.state.keys.append(key) }
    let serial = segment.state.beginValue(self)
    try value.encode(to: BinaryEncoder(record: self, segment: segment, serial: serial))
    segment.state.endValue(serial, self)
    if key != nil { segment.state.keys.removeLast() }
  }

  private func removeAll(_ root: EncodingSegment) {
    recycle(root)
    state.value.names.removeAll()
    isTooDeep = false
  }
}
