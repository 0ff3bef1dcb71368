/// A type that serves as a key: its bytes decide the order.
///
/// Keys compare bytewise. A key has at most an eighth of a page of bytes.
public protocol StoredKey {
  /// Lends the key's bytes for the length of a call.
  func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result
}

/// A type that can be stored as a value.
public protocol StoredValue {
  /// Lends the value's bytes for the length of a call.
  func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result

  /// The value that these bytes stand for; nil when they stand for none.
  init?(valueBytes: RawSpan)
}

extension Array: StoredKey where Element == UInt8 {
  /// The bytes themselves.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(span.bytes)
  }
}

extension Array: StoredValue where Element == UInt8 {
  /// The bytes themselves.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(span.bytes)
  }

  /// A copy of the bytes.
  @inlinable
  public init?(valueBytes: RawSpan) {
    self = unsafe valueBytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}

extension ArraySlice: StoredKey where Element == UInt8 {
  /// The bytes themselves.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(span.bytes)
  }
}

extension String: StoredKey {
  /// UTF-8.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(utf8.span.bytes)
  }
}

extension String: StoredValue {
  /// UTF-8.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(utf8.span.bytes)
  }

  /// Nil when the bytes are not UTF-8.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard
      let text = unsafe valueBytes.withUnsafeBytes({
        unsafe String(validating: $0, as: UTF8.self)
      })
    else { return nil }
    self = text
  }
}

extension Substring: StoredKey {
  /// UTF-8.
  @inlinable
  public func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(utf8.span.bytes)
  }
}

/// Integers are stored in eight bytes, little-endian.
extension Int: StoredValue {
  /// Eight bytes, little-endian.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try Int64(self).withValueBytes(body)
  }

  /// Nil unless there are eight bytes.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard let value = Int64(valueBytes: valueBytes) else { return nil }
    self.init(value)
  }
}

extension Int64: StoredValue {
  /// Eight bytes, little-endian.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try UInt64(bitPattern: self).withValueBytes(body)
  }

  /// Nil unless there are eight bytes.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard let value = UInt64(valueBytes: valueBytes) else { return nil }
    self.init(bitPattern: value)
  }
}

extension UInt64: StoredValue {
  /// Eight bytes, little-endian.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe withUnsafeBytes(of: littleEndian) { bytes in try unsafe body(bytes.bytes) }
  }

  /// Nil unless there are eight bytes.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard valueBytes.byteCount == 8 else { return nil }
    self = unsafe UInt64(littleEndian: valueBytes.unsafeLoadUnaligned(as: UInt64.self))
  }
}

/// Doubles are stored as the eight bytes of their bit pattern, little-endian.
extension Double: StoredValue {
  /// Eight bytes, little-endian.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try bitPattern.withValueBytes(body)
  }

  /// Nil unless there are eight bytes.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard let pattern = UInt64(valueBytes: valueBytes) else { return nil }
    self.init(bitPattern: pattern)
  }
}

/// Truth values are stored in one byte, 0 or 1.
extension Bool: StoredValue {
  /// One byte.
  @inlinable
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try [self ? 1 : 0].withValueBytes(body)
  }

  /// Nil unless there is one byte, 0 or 1.
  @inlinable
  public init?(valueBytes: RawSpan) {
    guard valueBytes.byteCount == 1 else { return nil }
    switch unsafe valueBytes.unsafeLoad(as: UInt8.self) {
    case 0: self = false
    case 1: self = true
    default: return nil
    }
  }
}
