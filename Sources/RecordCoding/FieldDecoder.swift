/// Gives a `Decodable` type the fields that it asks for by key.
struct FieldDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let fields: FieldReader

  private var record: DecodingRecord { fields.record }

  var codingPath: [any CodingKey] { record.keys }

  var allKeys: [Key] {
    var keys: [Key] = []
    fields.forEachName { name in if let key = Key(stringValue: name) { keys.append(key) } }
    return keys
  }

  func contains(_ key: Key) -> Bool {
    // Of fields that cannot be read, decoding says what is wrong with them.
    do { return try fields.look(key.stringValue) != nil } catch { return true }
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    do throws(ValueError) {
      guard let item = try fields.look(key.stringValue) else { throw .absent }
      return item.tag == Tag.null
    } catch {
      throw record.decodingError(error, Never?.self, key)
    }
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let item: Item
    do throws(ValueError) { item = try fields.item(key.stringValue) } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: fields.depth + 1)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    let item: Item
    do throws(ValueError) {
      guard let found = try fields.itemIfPresent(key.stringValue) else { return nil }
      item = found
    } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: fields.depth + 1)
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
      let item = try fields.item(key.stringValue)
      guard fields.depth < RecordFormat.depthLimit else { throw .bytes(item.start, .tooDeep) }
      return BinaryDecoder(record: record, item: item, depth: fields.depth + 1)
    } catch {
      throw record.decodingError(error, [String: Any].self, key)
    }
  }

  @inline(__always)
  private func value<Value>(
    _ key: Key, _ read: (Item) throws(ValueError) -> Value
  ) throws -> Value {
    do throws(ValueError) { return try read(try fields.item(key.stringValue)) } catch {
      throw record.decodingError(error, Value.self, key)
    }
  }

  @inline(__always)
  private func valueIfPresent<Value>(
    _ key: Key, _ read: (Item) throws(ValueError) -> Value
  ) throws -> Value? {
    do throws(ValueError) {
      guard let item = try fields.itemIfPresent(key.stringValue) else { return nil }
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
