internal import RawBytes

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension DecodingRecord {
  func bool(_ item: Item) throws(ValueError) -> Bool {
    guard item.tag == Tag.true || item.tag == Tag.false else { throw .mismatch(tag: item.tag) }
    return item.tag == Tag.true
  }

  /// The integer's bits, or its complement's when it is negative.
  @inline(__always)
  private func integer(_ item: Item) throws(ValueError) -> (bits: UInt64, isNegative: Bool) {
    if item.tag >= Tag.smallInteger { return (UInt64(item.tag - Tag.smallInteger), false) }
    return try longInteger(item)
  }

  private func longInteger(_ item: Item) throws(ValueError) -> (bits: UInt64, isNegative: Bool) {
    guard item.tag >= Tag.positive, item.tag < Tag.shortText else {
      throw .mismatch(tag: item.tag)
    }
    var bits: UInt64 = 0
    if item.start + 8 <= bytes.count {
      let unused = UInt64(64 - 8 * (item.end - item.start))
      bits = (bytes.load(UInt64.self, at: item.start) << unused) >> unused
    } else {
      for index in (item.start..<item.end).reversed() { bits = bits << 8 | UInt64(bytes[index]) }
    }
    return (bits, item.tag >= Tag.negative)
  }

  private func unfit(_ bits: UInt64, _ isNegative: Bool) -> ValueError {
    .unfit(isNegative ? "the integer -1 - \(bits)" : "the integer \(bits)")
  }

  func signed<Integer: FixedWidthInteger & SignedInteger>(
    _ item: Item, as type: Integer.Type = Integer.self
  ) throws(ValueError) -> Integer {
    let (bits, isNegative) = try integer(item)
    let value = Int64(bitPattern: isNegative ? ~bits : bits)
    guard bits <= UInt64(Int64.max), let fitting = Integer(exactly: value) else {
      throw unfit(bits, isNegative)
    }
    return fitting
  }

  func unsigned<Integer: FixedWidthInteger & UnsignedInteger>(
    _ item: Item, as type: Integer.Type = Integer.self
  ) throws(ValueError) -> Integer {
    let (bits, isNegative) = try integer(item)
    guard !isNegative, let fitting = Integer(exactly: bits) else {
      throw unfit(bits, isNegative)
    }
    return fitting
  }

  /// A number; also one that was stored as an integer or a `Float`, if it is one exactly.
  func double(_ item: Item) throws(ValueError) -> Double {
    if item.tag == Tag.double {
      return Double(bitPattern: bytes.load(UInt64.self, at: item.start))
    }
    if item.tag == Tag.float {
      return Double(Float(bitPattern: bytes.load(UInt32.self, at: item.start)))
    }
    let (bits, isNegative) = try integer(item)
    let value =
      isNegative
      ? bits >> 63 == 0 ? Double(exactly: Int64(bitPattern: ~bits)) : nil : Double(exactly: bits)
    guard let value else { throw unfit(bits, isNegative) }
    return value
  }

  /// A number; also one that was stored as a `Double` or an integer, if it is one exactly.
  func float(_ item: Item) throws(ValueError) -> Float {
    if item.tag == Tag.float {
      return Float(bitPattern: bytes.load(UInt32.self, at: item.start))
    }
    let value = try double(item)
    if value.isNaN { return .nan }
    guard let fitting = Float(exactly: value) else { throw .unfit("the number \(value)") }
    return fitting
  }

  func string(_ item: Item) throws(ValueError) -> String {
    guard item.tag == Tag.string || item.tag >= Tag.shortText && item.tag < Tag.smallInteger
    else { throw .mismatch(tag: item.tag) }
    guard let text = bytes[item.start..<item.end].text else { throw .bytes(item.start, .notUTF8) }
    return text
  }

  /// The value of a type, native or not, that stands under a key.
  @inline(__always)
  func decode<Value: Decodable>(
    _ type: Value.Type, _ item: Item, at key: @autoclosure () -> (any CodingKey)?, depth: Int
  ) throws -> Value {
    if type == Date.self || type == UUID.self || type == Data.self || type == String.self
      || type == Int.self || type == Double.self || type == Bool.self || type == Decimal.self
      || type == [UInt8].self && item.tag != Tag.list || type == URL.self && item.tag != Tag.fields
    {
      do throws(ValueError) { return try decodeNative(type, item) } catch {
        throw decodingError(error, type, key())
      }
    }
    return try decodeByItself(type, item, at: key(), depth: depth)
  }

  // SAFETY: each value is reinterpreted as the type that was just found to be its own.
  @inline(never)
  private func decodeNative<Value>(
    _ type: Value.Type, _ item: Item
  ) throws(ValueError) -> Value {
    if type == Date.self { return unsafe unsafeBitCast(try date(item), to: type) }
    if type == UUID.self { return unsafe unsafeBitCast(try uuid(item), to: type) }
    if type == Data.self { return unsafe unsafeBitCast(Data(try content(item).buffer), to: type) }
    if type == String.self { return unsafe unsafeBitCast(try string(item), to: type) }
    if type == Int.self { return unsafe unsafeBitCast(try signed(item, as: Int.self), to: type) }
    if type == Double.self { return unsafe unsafeBitCast(try double(item), to: type) }
    if type == Bool.self { return unsafe unsafeBitCast(try bool(item), to: type) }
    if type == Decimal.self { return unsafe unsafeBitCast(try decimal(item), to: type) }
    if type == URL.self { return unsafe unsafeBitCast(try url(item), to: type) }
    return unsafe unsafeBitCast(try content(item).array, to: type)
  }

  private func date(_ item: Item) throws(ValueError) -> Date {
    guard item.tag == Tag.date else { throw .mismatch(tag: item.tag) }
    let seconds = Double(bitPattern: bytes.load(UInt64.self, at: item.start))
    return Date(timeIntervalSinceReferenceDate: seconds)
  }

  private func uuid(_ item: Item) throws(ValueError) -> UUID {
    guard item.tag == Tag.uuid else { throw .mismatch(tag: item.tag) }
    let first = bytes.load(UInt64.self, at: item.start).littleEndian
    let second = bytes.load(UInt64.self, at: item.start + 8).littleEndian
    return UUID(uuid: unsafe unsafeBitCast((first, second), to: uuid_t.self))
  }

  private func content(_ item: Item) throws(ValueError) -> ByteView {
    guard item.tag == Tag.bytes else { throw .mismatch(tag: item.tag) }
    return bytes[item.start..<item.end]
  }

  private func url(_ item: Item) throws(ValueError) -> URL {
    let text = try string(item)
    guard let url = URL(string: text) else { throw .unfit("the text \"\(text)\"") }
    return url
  }

  /// A decimal number; also one that was stored as an integer.
  private func decimal(_ item: Item) throws(ValueError) -> Decimal {
    guard item.tag == Tag.decimal else {
      let (bits, isNegative) = try integer(item)
      return isNegative ? -1 - Decimal(bits) : Decimal(bits)
    }
    let text = unsafe String(decoding: bytes[item.start..<item.end].buffer, as: UTF8.self)
    if text == "NaN" { return .nan }
    guard let value = Decimal(string: text) else { throw .unfit("the text \"\(text)\"") }
    return value
  }
}
