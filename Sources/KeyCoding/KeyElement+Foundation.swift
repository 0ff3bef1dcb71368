#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension UUID: KeyElement {
  /// Appends the sixteen bytes, which sort as the text form does.
  public func encode(into encoder: inout KeyEncoder) {
    let (high, low) = unsafe unsafeBitCast(uuid, to: (UInt64, UInt64).self)
    encoder.append(uuid: UInt64(bigEndian: high), UInt64(bigEndian: low))
  }

  /// Reads sixteen bytes.
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    let (high, low) = try decoder.readUUID()
    self.init(uuid: unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: uuid_t.self))
  }
}

extension Date: KeyElement {
  /// Appends the seconds since 2001 as a `Double`: exactly what a `Date` holds, so that the date
  /// that is read is the date that was written.
  public func encode(into encoder: inout KeyEncoder) {
    encoder.append(timeIntervalSinceReferenceDate)
  }

  /// Reads a date.
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self.init(timeIntervalSinceReferenceDate: try decoder.readDouble())
  }
}

extension Data: KeyElement {
  /// Appends the bytes, as an array of them does.
  public func encode(into encoder: inout KeyEncoder) {
    unsafe withUnsafeBytes { unsafe encoder.append(RawSpan(_unsafeBytes: $0)) }
  }

  /// Reads bytes.
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self.init(try decoder.readBytes())
  }
}
