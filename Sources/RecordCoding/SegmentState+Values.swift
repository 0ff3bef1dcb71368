internal import RawBytes

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension SegmentState {
  mutating func append(tag: UInt8) {
    bytes.append(integer: tag)
  }

  mutating func append(_ value: Bool) {
    append(tag: value ? Tag.true : Tag.false)
  }

  mutating func append(_ value: Int64) {
    if value >= 0 { return append(UInt64(value)) }
    append(integer: ~UInt64(bitPattern: value), tag: Tag.negative)
  }

  mutating func append(_ value: UInt64) {
    if value < 128 { return append(tag: Tag.smallInteger + UInt8(value)) }
    append(integer: value, tag: Tag.positive)
  }

  private mutating func append(integer: UInt64, tag: UInt8) {
    let byteCount = max(1, (71 - integer.leadingZeroBitCount) / 8)
    append(tag: tag + UInt8(byteCount - 1))
    bytes.append(integer, byteCount: byteCount)
  }

  mutating func append(_ value: Double) {
    append(tag: Tag.double)
    bytes.append(integer: value.bitPattern)
  }

  mutating func append(_ value: Float) {
    append(tag: Tag.float)
    bytes.append(integer: value.bitPattern)
  }

  mutating func append(_ value: String) {
    var value = value
    value.withUTF8 { utf8 in
      let text = unsafe ByteView(UnsafeRawBufferPointer(utf8))
      guard text.count <= Tag.shortTextLimit else { return append(text, tag: Tag.string) }
      append(tag: Tag.shortText + UInt8(text.count))
      bytes.append(text)
    }
  }

  private mutating func append(_ content: ByteView, tag: UInt8) {
    append(tag: tag)
    bytes.append(counted: content)
  }

  /// Appends a value of a type that the format knows; says whether it is one.
  // SAFETY: each value is reinterpreted as the type that it was just found to be of.
  mutating func appendNative<Value: Encodable>(_ value: Value) -> Bool {
    if Value.self == String.self {
      append(unsafe unsafeBitCast(value, to: String.self))
    } else if Value.self == Int.self {
      append(Int64(unsafe unsafeBitCast(value, to: Int.self)))
    } else if Value.self == Double.self {
      append(unsafe unsafeBitCast(value, to: Double.self))
    } else if Value.self == Date.self {
      append(tag: Tag.date)
      let date = unsafe unsafeBitCast(value, to: Date.self)
      bytes.append(integer: date.timeIntervalSinceReferenceDate.bitPattern)
    } else if Value.self == UUID.self {
      append(tag: Tag.uuid)
      let (first, second) = unsafe unsafeBitCast(value, to: (UInt64, UInt64).self)
      bytes.append(integer: UInt64(littleEndian: first))
      bytes.append(integer: UInt64(littleEndian: second))
    } else if Value.self == Data.self {
      let data = unsafe unsafeBitCast(value, to: Data.self)
      unsafe data.withUnsafeBytes { unsafe append(ByteView($0), tag: Tag.bytes) }
    } else if Value.self == [UInt8].self {
      let content = unsafe unsafeBitCast(value, to: [UInt8].self)
      content.withByteView { append($0, tag: Tag.bytes) }
    } else if Value.self == Decimal.self {
      let text = Array(unsafe unsafeBitCast(value, to: Decimal.self).description.utf8)
      text.withByteView { append($0, tag: Tag.decimal) }
    } else if Value.self == URL.self {
      let url = unsafe unsafeBitCast(value, to: URL.self)
      guard url.baseURL == nil else { return false }
      append(url.relativeString)
    } else {
      return false
    }
    return true
  }
}
