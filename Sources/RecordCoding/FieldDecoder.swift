/// Gives a `Decodable` type the fields that it asks for by key.
struct FieldDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let place: Place

  private var record: DecodingRecord { place.record }

  var codingPath: [any CodingKey] { record.keys }

  var allKeys: [Key] {
    var keys: [Key] = []
    place.forEachName { name in if let key = Key(stringValue: name) { keys.append(key) } }
    return keys
  }

  func contains(_ key: Key) -> Bool {
    // Of fields that cannot be read, decoding says what is wrong with them.
    do { return try place.look(key.stringValue) != nil } catch { return true }
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    do throws(ValueError) {
      guard let item = try place.look(key.stringValue) else { throw .absent }
      return item.tag == Tag.null
    } catch {
      throw record.decodingError(error, Never?.self, key)
    }
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let item: Item
    do throws(ValueError) { item = try place.item(key.stringValue) } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: place.depth + 1)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    let item: Item
    do throws(ValueError) {
      guard let found = try place.itemIfPresent(key.stringValue) else { return nil }
      item = found
    } catch {
      throw record.decodingError(error, type, key)
    }
    return try record.decode(type, item, at: key, depth: place.depth + 1)
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
      let item = try place.item(key.stringValue)
      guard place.depth < RecordFormat.depthLimit else { throw .bytes(item.start, .tooDeep) }
      return BinaryDecoder(Place(item, in: record, depth: place.depth + 1))
    } catch {
      throw record.decodingError(error, [String: Any].self, key)
    }
  }

  @inline(never)
  private func failure(_ error: ValueError, _ type: any Any.Type, _ key: Key) -> DecodingError {
    record.decodingError(error, type, key)
  }
}

extension FieldDecoder {
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
    do throws(ValueError) { return try place.bool(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
    do throws(ValueError) { return try place.boolIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: String.Type, forKey key: Key) throws -> String {
    do throws(ValueError) { return try place.string(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    do throws(ValueError) { return try place.stringIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    do throws(ValueError) { return try place.double(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    do throws(ValueError) { return try place.doubleIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    do throws(ValueError) { return try place.float(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
    do throws(ValueError) { return try place.floatIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
    do throws(ValueError) { return try place.signed(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
    do throws(ValueError) { return try place.signedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
    do throws(ValueError) { return try place.signed(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
    do throws(ValueError) { return try place.signedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
    do throws(ValueError) { return try place.signed(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
    do throws(ValueError) { return try place.signedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
    do throws(ValueError) { return try place.signed(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
    do throws(ValueError) { return try place.signedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
    do throws(ValueError) { return try place.signed(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
    do throws(ValueError) { return try place.signedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
    do throws(ValueError) { return try place.unsigned(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
    do throws(ValueError) { return try place.unsignedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
    do throws(ValueError) { return try place.unsigned(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
    do throws(ValueError) { return try place.unsignedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
    do throws(ValueError) { return try place.unsigned(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
    do throws(ValueError) { return try place.unsignedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
    do throws(ValueError) { return try place.unsigned(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
    do throws(ValueError) { return try place.unsignedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
    do throws(ValueError) { return try place.unsigned(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }

  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
    do throws(ValueError) { return try place.unsignedIfPresent(key.stringValue) } catch {
      throw failure(error, type, key)
    }
  }
}
