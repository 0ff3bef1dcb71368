internal import RawBytes

/// A record while it is decoded: its bytes, which may lie, and where each field was found last.
///
/// `Decodable` types ask for fields by name, mostly in the order in which they were encoded, and most
/// records that one decoder meets have the same names. So the names are kept from one record to the
/// next (`FieldNames`), and each depth has a cursor: the field after the one that was asked for last
/// is looked at first, and only when it is another are the rest searched.
///
/// This is a handle of memory that is used again and never freed: what decoders and containers hold
/// of it is plain bits, so that the many copies that `Codable` makes of them count no references.
///
/// - Invariant RE3: every read lies within the bytes, and every count is held against what is left
///   before anything is made of it: memory and steps are bounded by the bytes.
/// - Invariant RE4: each record has a number, and when `decode` has returned there is no such record:
///   using a decoder that was kept traps.
/// - Invariant RE6: the memory of a decoder is never freed, and one thread at a time uses it.
// SAFETY: RE6 keeps the pointer good; `MemoryPool` is where it waits.
@safe
struct DecodingRecord: PooledMemory {
  private let state: UnsafeMutablePointer<State>

  private struct State: ~Copyable {
    // SAFETY: the bytes are lent for the length of `decode`, which ends with none (RE4).
    var bytes = ByteView.empty
    /// The record's number; it goes round after four thousand million.
    var generation: UInt32 = 0
    var keys: [any CodingKey] = []
    var names = RecentFieldNames()
    var cursors = FieldCursors()
    var failure: ValueError?
  }

  static let left = LeftMemory()

  init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State())
  }

  init(bits: UInt) { unsafe state = pointer(bits) }

  var bits: UInt { unsafe UInt(bitPattern: state) }

  var bytes: ByteView { unsafe state.pointee.bytes }

  /// The record's number.
  var generation: UInt32 { unsafe state.pointee.generation }

  /// The keys of the values that are being decoded.
  var keys: [any CodingKey] { unsafe state.pointee.keys }

  /// Decodes a record.
  func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteView) throws -> Value {
    unsafe state.pointee.bytes = bytes
    defer { finish() }
    let root: Item
    do throws(ValueError) { root = try self.root() } catch { throw decodingError(error, type, nil) }
    let value = try decode(type, root, at: nil, depth: 1)
    if let failure = unsafe state.pointee.failure { throw decodingError(failure, type, nil) }
    return value
  }

  /// Notes what is wrong where nothing can be thrown.
  func fail(_ error: ValueError) { unsafe state.pointee.failure = error }

  private func finish() {
    unsafe state.pointee.bytes = .empty
    unsafe state.pointee.generation &+= 1
    unsafe state.pointee.names.shrink()
    if unsafe state.pointee.failure != nil { unsafe state.pointee.failure = nil }
    // What threw has left its keys.
    if unsafe !state.pointee.keys.isEmpty {
      unsafe state.pointee.keys.removeAll(keepingCapacity: true)
    }
  }

  // MARK: Values

  /// Reads the head, and finds the value that is the whole record.
  private func root() throws(ValueError) -> Item {
    guard bytes.count <= UInt32.max else {
      throw .bytes(0, .invalid("a record has less than 4 GiB"))
    }
    guard let version = bytes.isEmpty ? nil : bytes[0] else { throw .bytes(0, .endsEarly) }
    guard version == RecordFormat.version else { throw .bytes(0, .unknownFormat(version)) }
    var reader = ByteReader(bytes, at: 1)
    guard let table = reader.counted() else { throw .bytes(1, .endsEarly) }
    let offset = reader.offset
    unsafe try state.pointee.names.read(table, at: offset - table.count)
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
  @inline(__always)
  func item(at offset: Int, limit: Int) throws(ValueError) -> Item {
    guard offset < limit else { throw .bytes(offset, .endsEarly) }
    let tag = bytes[offset]
    let start = offset + 1
    if tag >= Tag.smallInteger { return Item(tag: tag, start: start, end: start) }
    guard tag >= Tag.positive else { return try otherItem(tag, start, limit) }
    let byteCount = Int(tag >= Tag.shortText ? tag - Tag.shortText : (tag & 7) + 1)
    guard limit - start >= byteCount else { throw .bytes(offset, .endsEarly) }
    return Item(tag: tag, start: start, end: start + byteCount)
  }

  /// A value that is neither an integer nor a short text.
  private func otherItem(_ tag: UInt8, _ start: Int, _ limit: Int) throws(ValueError) -> Item {
    var byteCount = 0
    switch tag {
    case Tag.null, Tag.false, Tag.true: break
    case Tag.float: byteCount = 4
    case Tag.double, Tag.date: byteCount = 8
    case Tag.uuid: byteCount = 16
    case Tag.string, Tag.bytes, Tag.decimal, Tag.fields, Tag.list:
      var reader = ByteReader(bytes.prefix(limit), at: start)
      guard let content = reader.counted() else { throw .bytes(start - 1, .endsEarly) }
      return Item(tag: tag, start: reader.offset - content.count, end: reader.offset)
    default: throw .bytes(start - 1, .unknownTag(tag))
    }
    guard limit - start >= byteCount else { throw .bytes(start - 1, .endsEarly) }
    return Item(tag: tag, start: start, end: start + byteCount)
  }

  // MARK: Fields

  /// The name of a field.
  func name(_ number: Int) -> ByteView { unsafe state.pointee.names.current[number] }

  /// The field that begins at an offset: the number of its name, and its value.
  func field(at offset: Int, limit: Int) throws(ValueError) -> (name: Int, item: Item) {
    let count = unsafe UInt64(state.pointee.names.current.count)
    var reader = ByteReader(bytes.prefix(limit), at: offset)
    guard let number = reader.varint() else { throw .bytes(offset, .endsEarly) }
    guard number < count else { throw .bytes(offset, .outOfRange) }
    return (Int(number), try item(at: reader.offset, limit: limit))
  }

  /// The value of the field that begins at an offset, if its name has been asked for as this very
  /// text before; nil says nothing.
  @inline(__always)
  private func expectedItem(_ name: borrowing String, at offset: Int, limit: Int)
    throws(ValueError) -> Item?
  {
    guard offset < limit, unsafe state.pointee.names.current.isKnown(Int(bytes[offset]), as: name)
    else { return nil }
    return try item(at: offset + 1, limit: limit)
  }

  /// The value of a field among those that begin at an offset.
  ///
  /// - Parameter stepping: whether the field after it is expected next, or it once more.
  func find(
    _ name: borrowing String, from start: Int, to end: Int, depth: Int, stepping: Bool
  ) throws(ValueError) -> Item? {
    let first = unsafe state.pointee.cursors.offset(at: depth, ofFieldsAt: start)
    if let item = try expectedItem(name, at: first, limit: end) {
      if stepping {
        unsafe state.pointee.cursors.set(item.end, at: depth, ofFieldsAt: start)
      }
      return item
    }
    return try search(copy name, from: start, first: first, to: end, depth, stepping)
  }

  @inline(never)
  private func search(
    _ name: String, from start: Int, first: Int, to end: Int, _ depth: Int, _ stepping: Bool
  ) throws(ValueError) -> Item? {
    if unsafe state.pointee.names.current.isKnownAbsent(name) { return nil }
    var text = name
    var failure: ValueError?
    let item = text.withUTF8 { utf8 -> Item? in
      let bytes = unsafe ByteView(UnsafeRawBufferPointer(utf8))
      do throws(ValueError) {
        var found = try search(bytes, in: first..<end, to: end)
        if found == nil { found = try search(bytes, in: start..<first, to: end) }
        guard let (offset, number, item) = found else {
          unsafe state.pointee.names.current.setAbsent(name, bytes)
          return nil
        }
        unsafe state.pointee.names.current.setKnown(number, as: name)
        unsafe state.pointee.cursors.set(
          stepping ? item.end : offset, at: depth, ofFieldsAt: start)
        return item
      } catch {
        failure = error
        return nil
      }
    }
    if let failure { throw failure }
    return item
  }

  private func search(
    _ name: ByteView, in range: Range<Int>, to end: Int
  ) throws(ValueError) -> (offset: Int, number: Int, item: Item)? {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let field = try field(at: offset, limit: end)
      if self.name(field.name) == name { return (offset, field.name, field.item) }
      offset = field.item.end
    }
    return nil
  }

  /// Looks for the fields that begin at an offset from the first one on.
  func beginFields(at start: Int, depth: Int) {
    unsafe state.pointee.cursors.set(start, at: depth, ofFieldsAt: start)
  }

  // MARK: Nesting

  /// Decodes a value that is no native one.
  func decodeByItself<Value: Decodable>(
    _ type: Value.Type, _ item: Item, at key: (any CodingKey)?, depth: Int
  ) throws -> Value {
    guard depth <= RecordFormat.depthLimit else {
      throw decodingError(.bytes(item.start, .tooDeep), type, key)
    }
    guard let key else {
      return try Value(from: BinaryDecoder(Place(item, in: self, depth: depth)))
    }
    unsafe state.pointee.keys.append(key)
    // Also when it throws: whoever catches the error may read on.
    defer { unsafe state.pointee.keys.removeLast() }
    return try Value(from: BinaryDecoder(Place(item, in: self, depth: depth)))
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
