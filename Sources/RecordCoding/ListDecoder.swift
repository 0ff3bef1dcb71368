/// Reads the values of a list, one after the other.
struct ListDecoder: UnkeyedDecodingContainer {
  let place: Place
  private var offset: Int
  private(set) var currentIndex = 0

  init(_ place: Place) {
    self.place = place
    offset = place.item.start
  }

  private var record: DecodingRecord { place.record }

  var codingPath: [any CodingKey] { record.keys }
  var isAtEnd: Bool { offset >= place.item.end }

  /// Counted each time, in steps over values: the format has no count that could lie.
  var count: Int? {
    let (record, item) = (record, place.item)
    var count = 0
    do throws(ValueError) {
      var offset = item.start
      while offset < item.end {
        offset = try record.item(at: offset, limit: item.end).end
        count += 1
      }
    } catch {
      record.fail(error)
    }
    return count
  }

  private var key: PositionKey { PositionKey(currentIndex) }

  private func next() throws(ValueError) -> Item {
    guard !isAtEnd else { throw .atEnd }
    return try record.item(at: offset, limit: place.item.end)
  }

  private mutating func step(over item: Item) {
    offset = item.end
    currentIndex += 1
  }

  mutating func decodeNil() throws -> Bool {
    let found: Item
    do throws(ValueError) { found = try next() } catch {
      throw record.decodingError(error, Never?.self, key)
    }
    guard found.tag == Tag.null else { return false }
    step(over: found)
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let found: Item
    do throws(ValueError) { found = try next() } catch {
      throw record.decodingError(error, type, key)
    }
    let value = try record.decode(type, found, at: key, depth: place.depth + 1)
    step(over: found)
    return value
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try nested { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try nested { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try nested { $0 } }

  private mutating func nested<Result>(_ body: (BinaryDecoder) throws -> Result) throws -> Result {
    let found: Item
    do throws(ValueError) {
      found = try next()
      guard place.depth < RecordFormat.depthLimit else {
        throw ValueError.bytes(found.start, .tooDeep)
      }
    } catch {
      throw record.decodingError(error, [Any].self, key)
    }
    let result = try body(BinaryDecoder(Place(found, in: record, depth: place.depth + 1)))
    step(over: found)
    return result
  }

  @inline(__always)
  private mutating func value<Value>(
    _ read: (DecodingRecord, Item) throws(ValueError) -> Value
  ) throws -> Value {
    do throws(ValueError) {
      let found = try next()
      let value = try read(record, found)
      step(over: found)
      return value
    } catch {
      throw record.decodingError(error, Value.self, key)
    }
  }
}

extension ListDecoder {
  mutating func decode(_ type: Bool.Type) throws -> Bool {
    try value { record, item throws(ValueError) in try record.bool(item) }
  }

  mutating func decode(_ type: String.Type) throws -> String {
    try value { record, item throws(ValueError) in try record.string(item) }
  }

  mutating func decode(_ type: Double.Type) throws -> Double {
    try value { record, item throws(ValueError) in try record.double(item) }
  }

  mutating func decode(_ type: Float.Type) throws -> Float {
    try value { record, item throws(ValueError) in try record.float(item) }
  }

  mutating func decode(_ type: Int.Type) throws -> Int {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  mutating func decode(_ type: Int8.Type) throws -> Int8 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  mutating func decode(_ type: Int16.Type) throws -> Int16 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  mutating func decode(_ type: Int32.Type) throws -> Int32 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  mutating func decode(_ type: Int64.Type) throws -> Int64 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  mutating func decode(_ type: UInt.Type) throws -> UInt {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  mutating func decode(_ type: UInt8.Type) throws -> UInt8 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  mutating func decode(_ type: UInt16.Type) throws -> UInt16 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  mutating func decode(_ type: UInt32.Type) throws -> UInt32 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  mutating func decode(_ type: UInt64.Type) throws -> UInt64 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }
}
