/// The byte that begins every element. They are FoundationDB's, but for `descending`, which is taken
/// from the codes that its specification leaves to others.
enum TypeCode {
  static let null: UInt8 = 0x00
  static let bytes: UInt8 = 0x01
  static let string: UInt8 = 0x02
  static let tuple: UInt8 = 0x05
  /// Integers lie at this code plus (positive) or minus (negative) how many bytes follow.
  static let zero: UInt8 = 0x14
  static let integers: ClosedRange<UInt8> = 0x0c...0x1c
  static let float: UInt8 = 0x20
  static let double: UInt8 = 0x21
  static let `false`: UInt8 = 0x26
  static let `true`: UInt8 = 0x27
  static let uuid: UInt8 = 0x30
  static let descending: UInt8 = 0x40
  /// Begins no element, so that it can follow a zero byte that is not the end of something.
  static let escape: UInt8 = 0xff
  /// Ends strings, bytes and nested tuples.
  static let end: UInt8 = 0x00

  /// What a code begins, for messages.
  static func name(of code: UInt8) -> String {
    switch code {
    case null: "null"
    case bytes: "bytes"
    case string: "a string"
    case tuple: "a nested tuple"
    case integers: "an integer"
    case float: "a Float"
    case double: "a Double"
    case `false`, `true`: "a Bool"
    case uuid: "a UUID"
    case descending: "a descending element"
    default: "the unknown type code \(code)"
    }
  }
}
