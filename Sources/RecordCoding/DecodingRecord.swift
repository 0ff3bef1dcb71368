internal import RawBytes

/// A record while it is decoded: its bytes, which may lie, and where each field was found last.
///
/// `Decodable` types ask for fields by name, mostly in the order in which they were encoded. So each
/// set of fields has a cursor: the field after the one that was asked for last is looked at first,
/// and only when it is another are the rest searched.
///
/// - Invariant RE3: every read lies within the bytes, and every count is held against what is left
///   before anything is made of it: memory and steps are bounded by the bytes.
/// - Invariant RE4: when `decode` has returned there are no bytes, and using a decoder that was kept
///   traps.
final class DecodingRecord {
  private let state = HeapCell(State())

  private struct State: ~Copyable {
    // SAFETY: the bytes are lent for the length of `decode`, which ends with none (RE4).
    var bytes = ByteView.empty
    var keys: [any CodingKey] = []
    var names: [Name] = []
    var cursors: [Cursor] = []
    var serial = 0
    var failure: ValueError?
  }

  /// Where a name lies.
  private struct Name {
    let offset: Int
    let byteCount: Int
  }

  /// Where to look first for the next field.
  private struct Cursor {
    let serial: Int
    var offset: Int
  }

  var bytes: ByteView { state.value.bytes }

  /// The keys of the values that are being decoded.
  var keys: [any CodingKey] { state.value.keys }

  /// Decodes a record.
  func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteView) throws -> Value {
    state.value.bytes = bytes
    defer { removeAll() }
    let root: Item
    do throws(ValueError) { root = try self.root(startingAt: try readNames()) } catch {
      throw decodingError(error, type, nil)
    }
    let value = try decode(type, root, at: nil, depth: 1)
    if let failure = state.value.failure { throw decodingError(failure, type, nil) }
    return value
  }

  /// Notes what is wrong where nothing can be thrown.
  func fail(_ error: ValueError) { state.value.failure = error }

  private func removeAll() {
    state.value.bytes = .empty
    state.value.failure = nil
    if !keys.isEmpty { state.value.keys.removeAll(keepingCapacity: true) }
    state.value.names.removeAll(keepingCapacity: true)
    state.value.cursors.removeAll(keepingCapacity: true)
  }

  /// Makes sure that the record is being decoded (RE4).
  func checkOpen() {
    precondition(!bytes.isEmpty, "a decoder is used only while its record is decoded")
  }

  // MARK: Names

  /// Reads the head; returns where the values begin.
  private func readNames() throws(ValueError) -> Int {
    guard let version = bytes.isEmpty ? nil : bytes[0] else { throw .bytes(0, .endsEarly) }
    guard version == RecordFormat.version else { throw .bytes(0, .unknownFormat(version)) }
    var reader = ByteReader(bytes, at: 1)
    guard let table = reader.counted() else { throw .bytes(1, .endsEarly) }
    let end = reader.offset
    reader = ByteReader(bytes.prefix(end), at: end - table.count)
    while reader.remaining > 0 {
      let start = reader.offset
      guard let name = reader.counted() else { throw .bytes(start, .endsEarly) }
      state.value.names.append(Name(offset: reader.offset - name.count, byteCount: name.count))
    }
    return end
  }

  /// The name of a field.
  func name(_ number: Int) -> ByteView {
    let name = state.value.names[number]
    return bytes[name.offset..<name.offset + name.byteCount]
  }

  // MARK: Values

  /// The value that is the whole record.
  private func root(startingAt offset: Int) throws(ValueError) -> Item {
    guard offset < bytes.count else { throw .bytes(offset, .endsEarly) }
    let tag = bytes[offset]
    if tag == Tag.fields || tag == Tag.list {
      return Item(tag: tag, start: offset + 1, end: bytes.count)
    }
    let item = try item(at: offset, limit: bytes.count)
    guard item.end == bytes.count else { throw .bytes(item.end, .bytesFollow) }
    return item
  }

  /// The value that begins at an offset.
  func item(at offset: Int, limit: Int) throws(ValueError) -> Item {
    checkOpen()
    guard offset < limit else { throw .bytes(offset, .endsEarly) }
    let tag = bytes[offset]
    let start = offset + 1
    var byteCount = 0
    switch tag {
    case Tag.smallInteger...: break
    case Tag.shortText..<Tag.smallInteger: byteCount = Int(tag - Tag.shortText)
    case Tag.positive..<Tag.shortText: byteCount = Int(tag & 7) + 1
    case Tag.null, Tag.false, Tag.true: break
    case Tag.float: byteCount = 4
    case Tag.double, Tag.date: byteCount = 8
    case Tag.uuid: byteCount = 16
    case Tag.string, Tag.bytes, Tag.decimal, Tag.fields, Tag.list:
      var reader = ByteReader(bytes.prefix(limit), at: start)
      guard let content = reader.counted() else { throw .bytes(offset, .endsEarly) }
      return Item(tag: tag, start: reader.offset - content.count, end: reader.offset)
    default: throw .bytes(offset, .unknownTag(tag))
    }
    guard limit - start >= byteCount else { throw .bytes(offset, .endsEarly) }
    return Item(tag: tag, start: start, end: start + byteCount)
  }

  /// The field that begins at an offset: the number of its name, and its value.
  func field(at offset: Int, limit: Int) throws(ValueError) -> (name: Int, item: Item) {
    checkOpen()
    let first = bytes[offset]
    if first < 128 {
      guard first < state.value.names.count else { throw .bytes(offset, .outOfRange) }
      return (Int(first), try item(at: offset + 1, limit: limit))
    }
    var reader = ByteReader(bytes.prefix(limit), at: offset)
    guard let number = reader.varint() else { throw .bytes(offset, .endsEarly) }
    guard number < UInt64(state.value.names.count) else { throw .bytes(offset, .outOfRange) }
    return (Int(number), try item(at: reader.offset, limit: limit))
  }

  // MARK: Cursors

  /// A cursor for fields that begin at an offset.
  func beginCursor(at offset: Int) -> (slot: Int, serial: Int) {
    state.value.serial += 1
    state.value.cursors.append(Cursor(serial: state.value.serial, offset: offset))
    return (state.value.cursors.count - 1, state.value.serial)
  }

  /// Where to look first; nil when the cursor has gone.
  func cursor(_ slot: Int, serial: Int) -> Int? {
    guard slot < state.value.cursors.count, state.value.cursors[slot].serial == serial else {
      return nil
    }
    return state.value.cursors[slot].offset
  }

  func moveCursor(_ slot: Int, serial: Int, to offset: Int) {
    guard slot < state.value.cursors.count, state.value.cursors[slot].serial == serial else {
      return
    }
    state.value.cursors[slot].offset = offset
  }

  /// Decodes a value that is no native one.
  func decodeByItself<Value: Decodable>(
    _ type: Value.Type, _ item: Item, at key: (any CodingKey)?, depth: Int
  ) throws -> Value {
    guard depth <= RecordFormat.depthLimit else {
      throw decodingError(.bytes(item.start, .tooDeep), type, key)
    }
    let cursorCount = state.value.cursors.count
    if let key { state.value.keys.append(key) }
    // Also when it throws: whoever catches the error may read on.
    defer {
      if key != nil { state.value.keys.removeLast() }
      state.value.cursors.removeLast(state.value.cursors.count - cursorCount)
    }
    return try Value(from: BinaryDecoder(record: self, item: item, depth: depth))
  }
}

/// A value of a record, found but not read: its tag, and where its content lies.
struct Item {
  let tag: UInt8
  let start: Int
  let end: Int
}

/// Why a value cannot be read as a type.
enum ValueError: Error {
  /// The bytes lie.
  case bytes(_ offset: Int, RecordDecodingError.Reason)
  /// There is another value.
  case mismatch(tag: UInt8)
  /// The number does not fit, or the text stands for no value.
  case unfit(String)
  /// There is no field of that name.
  case absent
  /// The list is over.
  case atEnd
}
