/// Integers of all widths share one encoding: a key written as `Int` is found as `UInt8`.
extension FixedWidthInteger where Self: SignedInteger {
  @inlinable
  static func decode(_ decoder: inout KeyDecoder) throws(KeyDecodingError) -> Self {
    let start = decoder.offset
    guard let value = Self(exactly: try decoder.readInt64()) else {
      throw KeyDecodingError(offset: start, reason: .outOfRange(type: "\(Self.self)"))
    }
    return value
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  @inlinable
  static func decode(_ decoder: inout KeyDecoder) throws(KeyDecodingError) -> Self {
    let start = decoder.offset
    guard let value = Self(exactly: try decoder.readUInt64()) else {
      throw KeyDecodingError(offset: start, reason: .outOfRange(type: "\(Self.self)"))
    }
    return value
  }
}

extension Int: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(Int64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension Int8: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(Int64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension Int16: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(Int64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension Int32: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(Int64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension Int64: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(Int64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension UInt: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(UInt64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension UInt8: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(UInt64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension UInt16: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(UInt64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension UInt32: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(UInt64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension UInt64: KeyElement {
  /// Appends the integer.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(UInt64(self)) }

  /// Reads an integer.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try Self.decode(&decoder)
  }
}

extension Double: KeyElement {
  /// Appends the value.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(self) }

  /// Reads a value.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try decoder.readDouble()
  }
}

extension Float: KeyElement {
  /// Appends the value.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(self) }

  /// Reads a value.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try decoder.readFloat()
  }
}

extension Bool: KeyElement {
  /// Appends the value.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(self) }

  /// Reads a value.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try decoder.readBool()
  }
}
