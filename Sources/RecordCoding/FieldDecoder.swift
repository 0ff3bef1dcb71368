internal import RawBytes

/// Finds the fields of a value by their names.
struct FieldDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let record: DecodingRecord
  let start: Int
  let end: Int
  let depth: Int
  /// The cursor's place and number.
  let slot: Int
  let serial: Int

  init(_ record: DecodingRecord, _ item: Item, depth: Int) {
    self.record = record
    start = item.start
    end = item.end
    self.depth = depth
    (slot, serial) = record.beginCursor(at: item.start)
  }

  var codingPath: [any CodingKey] { record.keys }

  var allKeys: [Key] {
    var keys: [Key] = []
    var offset = start
    while offset < end, let (name, item) = try? record.field(at: offset, limit: end) {
      let text = unsafe String(decoding: record.name(name).buffer, as: UTF8.self)
      if let key = Key(stringValue: text) { keys.append(key) }
      offset = item.end
    }
    return keys
  }

  func contains(_ key: Key) -> Bool {
    // Of fields that cannot be read, decoding says what is wrong with them.
    do { return try find(key, stepping: false) != nil } catch { return true }
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    do throws(ValueError) {
      guard let item = try find(key, stepping: false) else { throw ValueError.absent }
      return item.tag == Tag.null
    } catch {
      throw record.decodingError(error, Never?.self, key)
    }
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let item: Item
    do throws(ValueError) {
      guard let found = try find(key, stepping: true) else { throw ValueError.absent }
      if let value = try record.native(type, found) { return value }
      item = found
    } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: depth + 1)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    let item: Item
    do throws(ValueError) {
      guard let found = try find(key, stepping: true), found.tag != Tag.null else { return nil }
      if let value = try record.native(type, found) { return value }
      item = found
    } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: depth + 1)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try nestedDecoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try nestedDecoder(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try nestedDecoder(SuperKey()) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try nestedDecoder(key) }

  private func nestedDecoder(_ key: some CodingKey) throws -> BinaryDecoder {
    do throws(ValueError) {
      guard let item = try find(key, stepping: true) else { throw ValueError.absent }
      guard depth < RecordFormat.depthLimit else { throw ValueError.bytes(item.start, .tooDeep) }
      return BinaryDecoder(record: record, item: item, depth: depth + 1)
    } catch {
      throw record.decodingError(error, [String: Any].self, key)
    }
  }

  /// The value of a field; nil when there is none. The next search begins at it, or, `stepping`,
  /// after it.
  private func find(_ key: some CodingKey, stepping: Bool) throws(ValueError) -> Item? {
    var name = key.stringValue
    let found = name.withUTF8 { utf8 in
      Result { () throws(ValueError) in
        try find(unsafe ByteView(UnsafeRawBufferPointer(utf8)), stepping: stepping)
      }
    }
    return try found.get()
  }

  private func find(_ name: ByteView, stepping: Bool) throws(ValueError) -> Item? {
    let first = record.cursor(slot, serial: serial) ?? start
    if let item = try find(name, in: first..<end, stepping: stepping) { return item }
    return try find(name, in: start..<first, stepping: stepping)
  }

  private func find(
    _ name: ByteView, in range: Range<Int>, stepping: Bool
  ) throws(ValueError) -> Item? {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let field = try record.field(at: offset, limit: end)
      if record.name(field.name) == name {
        record.moveCursor(slot, serial: serial, to: stepping ? field.item.end : offset)
        return field.item
      }
      offset = field.item.end
    }
    return nil
  }

  @inline(__always)
  private func value<Value>(
    _ key: Key, _ read: (Item) throws(ValueError) -> Value
  ) throws -> Value {
    do throws(ValueError) {
      guard let item = try find(key, stepping: true) else { throw ValueError.absent }
      return try read(item)
    } catch {
      throw record.decodingError(error, Value.self, key)
    }
  }

  @inline(__always)
  private func valueIfPresent<Value>(
    _ key: Key, _ read: (Item) throws(ValueError) -> Value
  ) throws -> Value? {
    do throws(ValueError) {
      guard let item = try find(key, stepping: true), item.tag != Tag.null else { return nil }
      return try read(item)
    } catch {
      throw record.decodingError(error, Value.self, key)
    }
  }
}

extension FieldDecoder {
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
    try value(key) { item throws(ValueError) in try record.bool(item) }
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
    try valueIfPresent(key) { item throws(ValueError) in try record.bool(item) }
  }

  func decode(_ type: String.Type, forKey key: Key) throws -> String {
    try value(key) { item throws(ValueError) in try record.string(item) }
  }

  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    try valueIfPresent(key) { item throws(ValueError) in try record.string(item) }
  }

  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    try value(key) { item throws(ValueError) in try record.double(item) }
  }

  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    try valueIfPresent(key) { item throws(ValueError) in try record.double(item) }
  }

  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    try value(key) { item throws(ValueError) in try record.float(item) }
  }

  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
    try valueIfPresent(key) { item throws(ValueError) in try record.float(item) }
  }

  func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
    try value(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
    try valueIfPresent(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
    try value(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
    try valueIfPresent(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
    try value(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
    try valueIfPresent(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
    try value(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
    try valueIfPresent(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
    try value(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
    try valueIfPresent(key) { item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
    try value(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
    try valueIfPresent(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
    try value(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
    try valueIfPresent(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
    try value(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
    try valueIfPresent(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
    try value(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
    try valueIfPresent(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
    try value(key) { item throws(ValueError) in try record.unsigned(item) }
  }

  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
    try valueIfPresent(key) { item throws(ValueError) in try record.unsigned(item) }
  }
}
