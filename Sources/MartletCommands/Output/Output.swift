/// Collects what goes to standard output, and writes it in large pieces.
package struct Output: ~Copyable {
  private var buffer: [UInt8] = []
  private let descriptor: Descriptor

  package init(_ descriptor: Descriptor = .standardOutput) { self.descriptor = descriptor }

  /// Lets the body append bytes, and writes once there are many.
  package mutating func append(_ body: (inout [UInt8]) throws -> Void) throws {
    try body(&buffer)
    if buffer.count >= 64 << 10 { try flush() }
  }

  /// Appends a line of text.
  package mutating func line(_ text: String) throws {
    try append { bytes in
      bytes += text.utf8
      bytes.append(0x0A)
    }
  }

  /// Writes what is left. Call it at the end: what was not written is lost otherwise.
  package mutating func flush() throws {
    try descriptor.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }
}

extension JSON {
  /// Bytes as JSON text: a string under `name`, or, when they are not UTF-8, Base64 under the
  /// name with `Base64` behind it.
  package static func member(_ name: String, bytes: [UInt8]) -> Member {
    if let text = String(validating: bytes, as: UTF8.self) { return Member(name, .string(text)) }
    return Member(name + "Base64", .string(Base64.encode(bytes)))
  }
}

/// RFC 4648, for bytes that are no text.
package enum Base64 {
  package static func encode(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = 0
      for byte in group { bits = bits << 8 | Int(byte) }
      bits <<= 8 * (3 - group.count)
      for index in 0..<4 {
        output.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : 0x3D)
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
