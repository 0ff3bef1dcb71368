import Foundation
import KeyCoding
import Testing

/// The example of `format-spec/key-tuple.md`.
@Suite struct FormatVectorTests {
  @Test func `key tuple`() throws {
    let tuple = KeyTuple(
      "a\0b", Int?.none, -5_551_212, 300, 0.5, true,
      KeyTuple(String?.none, [1] as [UInt8]), Descending("z"))
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "format-spec/vectors/key-tuple.bin")
    if ProcessInfo.processInfo.environment["MARTLET_WRITE_VECTORS"] == "1" {
      try Data(tuple.keyBytes).write(to: file)
    }
    let bytes = [UInt8](try Data(contentsOf: file))
    #expect(tuple.keyBytes == bytes)
    #expect(try type(of: tuple).init(keyBytes: bytes) == tuple)
  }
}
