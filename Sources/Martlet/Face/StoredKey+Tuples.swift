@_exported public import KeyCoding
@_exported public import RecordCoding

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

// Values whose bytes as they lie in memory do not sort as they do are keys by their tuple encoding:
// the same bytes as a `KeyTuple` of one.

/// An element that is a key by its tuple encoding.
extension StoredKey where Self: KeyElement {
  /// The tuple encoding.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try KeyEncoder.withEncoder { encoder in
      encode(into: &encoder)
      return try encoder.withBytes(body)
    }
  }
}

extension Int: StoredKey {}
extension Int8: StoredKey {}
extension Int16: StoredKey {}
extension Int32: StoredKey {}
extension Int64: StoredKey {}
extension UInt: StoredKey {}
extension UInt8: StoredKey {}
extension UInt16: StoredKey {}
extension UInt32: StoredKey {}
extension UInt64: StoredKey {}
extension Double: StoredKey {}
extension Float: StoredKey {}
extension Bool: StoredKey {}
extension UUID: StoredKey {}
extension Date: StoredKey {}

extension KeyTuple: StoredKey {
  /// The encodings of the elements, one after the other.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try KeyEncoder.withEncoder { encoder in
      encodeElements(into: &encoder)
      return try encoder.withBytes(body)
    }
  }
}

extension Data: StoredKey, StoredValue {
  /// The bytes themselves.
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe withUnsafeBytes { try unsafe body(RawSpan(_unsafeBytes: $0)) }
  }

  /// The bytes themselves.
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe withUnsafeBytes { try unsafe body(RawSpan(_unsafeBytes: $0)) }
  }

  /// A copy of the bytes.
  public init?(valueBytes: RawSpan) {
    self = unsafe valueBytes.withUnsafeBytes { unsafe Data($0) }
  }
}
