internal import RawBytes

/// The byte that begins every value of a record (`format-spec/record.md`), and says where it ends.
enum Tag {
  static let null: UInt8 = 0x00
  static let `false`: UInt8 = 0x01
  static let `true`: UInt8 = 0x02
  /// Four bytes follow.
  static let float: UInt8 = 0x03
  /// Eight bytes follow.
  static let double: UInt8 = 0x04
  /// Eight bytes follow: seconds since 2001.
  static let date: UInt8 = 0x05
  /// Sixteen bytes follow.
  static let uuid: UInt8 = 0x06
  /// A count and so many bytes of UTF-8 follow.
  static let string: UInt8 = 0x07
  /// A count and so many bytes follow.
  static let bytes: UInt8 = 0x08
  /// A count and so many bytes of ASCII follow.
  static let decimal: UInt8 = 0x09
  /// A count and so many bytes follow: fields, each a name's number and a value.
  static let fields: UInt8 = 0x0a
  /// A count and so many bytes follow: values.
  static let list: UInt8 = 0x0b
  /// An integer from 0 on; one byte follows, or up to eight with the tags after this.
  static let positive: UInt8 = 0x10
  /// An integer below 0 as its complement; one byte follows, or up to eight.
  static let negative: UInt8 = 0x18
  /// A text of no bytes, or of up to `shortTextLimit` with the tags after this.
  static let shortText: UInt8 = 0x20
  static let shortTextLimit = 0x5f
  /// The integer 0, or up to 127 with the tags after this.
  static let smallInteger: UInt8 = 0x80

  /// What a tag begins, for messages.
  static func name(of tag: UInt8) -> String {
    switch tag {
    case null: "null"
    case `false`, `true`: "a truth value"
    case float, double: "a number with a fraction"
    case date: "a date"
    case uuid: "a UUID"
    case bytes: "bytes"
    case decimal: "a decimal number"
    case fields: "fields"
    case list: "a list"
    case string, shortText..<smallInteger: "a text"
    case positive..<shortText, smallInteger...: "an integer"
    default: "unknown tag \(tag)"
    }
  }
}

/// What all records share.
enum RecordFormat {
  /// The byte that begins a record.
  static let version: UInt8 = 1
  /// How deeply values may be nested: enough for any model, and too little to exhaust the stack of a
  /// thread of the cooperative pool.
  static let depthLimit = 128
  /// What encoders and decoders keep of their memory for the next record.
  static let keptByteCount = 1 << 16

  /// Where a value ends that this process has written.
  static func endOfValue(at offset: Int, in bytes: ByteView) -> Int {
    let tag = bytes[offset]
    let start = offset + 1
    switch tag {
    case Tag.smallInteger...: return start
    case Tag.shortText..<Tag.smallInteger: return start + Int(tag - Tag.shortText)
    case Tag.positive..<Tag.shortText: return start + Int(tag & 7) + 1
    case Tag.null, Tag.false, Tag.true: return start
    case Tag.float: return start + 4
    case Tag.double, Tag.date: return start + 8
    case Tag.uuid: return start + 16
    default:
      var reader = ByteReader(bytes, at: start)
      guard reader.counted() != nil else { preconditionFailure("a value that does not end") }
      return reader.offset
    }
  }
}
