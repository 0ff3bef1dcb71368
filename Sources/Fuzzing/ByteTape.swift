package import RawBytes

/// Reads an input as a list of decisions. Behind its end come zeros, so that every input is whole
/// (FZ2).
package struct ByteTape {
  private let bytes: [UInt8]
  private var position = 0

  package init(_ bytes: ByteView) { self.bytes = bytes.array }

  /// Whether the input has more to say.
  package var isAtEnd: Bool { position >= bytes.count }

  package mutating func byte() -> UInt8 {
    defer { position += 1 }
    return position < bytes.count ? bytes[position] : 0
  }

  /// A little-endian integer.
  package mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer {
    var value: Integer = 0
    for index in 0..<MemoryLayout<Integer>.size {
      value |= Integer(truncatingIfNeeded: byte()) << (8 * index)
    }
    return value
  }

  /// A number below a limit; zero when there is nothing below it.
  package mutating func number(below limit: Int) -> Int {
    guard limit > 1 else { return 0 }
    return limit <= 256
      ? Int(byte()) % limit
      : limit <= 65536
        ? Int(integer(UInt16.self)) % limit : Int(integer(UInt32.self)) % limit
  }

  /// Up to so many of the next bytes.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    let start = min(position, bytes.count)
    let end = min(start + count, bytes.count)
    position = end
    return Array(bytes[start..<end])
  }

  /// All the rest.
  package mutating func rest() -> [UInt8] { bytes(bytes.count) }

  /// A number that a check is likely to have forgotten, or any.
  package mutating func boundary() -> UInt64 {
    let corners: [UInt64] = [
      0, 1, 2, 7, 8, 255, 256, 4095, 4096, 4097, 65535, 65536, 1 << 31 - 1, 1 << 31,
      1 << 32 - 2, 1 << 32 - 1, 1 << 32, 1 << 40 - 1, 1 << 40, 1 << 63 - 1, 1 << 63,
      .max - 4096, .max - 1, .max,
    ]
    let choice = Int(byte())
    return choice < corners.count ? corners[choice] : integer(UInt64.self)
  }
}
