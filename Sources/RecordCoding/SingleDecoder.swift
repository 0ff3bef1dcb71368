/// Reads a value that decodes itself from one other.
struct SingleDecoder: SingleValueDecodingContainer {
  let place: Place

  private var record: DecodingRecord { place.record }

  var codingPath: [any CodingKey] { record.keys }

  func decodeNil() -> Bool { place.tag == Tag.null }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try record.decode(type, place.item, at: nil, depth: place.depth + 1)
  }

  @inline(__always)
  private func value<Value>(
    _ read: (DecodingRecord, Item) throws(ValueError) -> Value
  ) throws -> Value {
    let record = record
    do throws(ValueError) { return try read(record, place.item) } catch {
      throw record.decodingError(error, Value.self, nil)
    }
  }
}

extension SingleDecoder {
  func decode(_ type: Bool.Type) throws -> Bool {
    try value { record, item throws(ValueError) in try record.bool(item) }
  }

  func decode(_ type: String.Type) throws -> String {
    try value { record, item throws(ValueError) in try record.string(item) }
  }

  func decode(_ type: Double.Type) throws -> Double {
    try value { record, item throws(ValueError) in try record.double(item) }
  }

  func decode(_ type: Float.Type) throws -> Float {
    try value { record, item throws(ValueError) in try record.float(item) }
  }

  func decode(_ type: Int.Type) throws -> Int {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int8.Type) throws -> Int8 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int16.Type) throws -> Int16 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int32.Type) throws -> Int32 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: Int64.Type) throws -> Int64 {
    try value { record, item throws(ValueError) in try record.signed(item) }
  }

  func decode(_ type: UInt.Type) throws -> UInt {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt8.Type) throws -> UInt8 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt16.Type) throws -> UInt16 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt32.Type) throws -> UInt32 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }

  func decode(_ type: UInt64.Type) throws -> UInt64 {
    try value { record, item throws(ValueError) in try record.unsigned(item) }
  }
}
