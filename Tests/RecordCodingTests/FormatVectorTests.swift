import Foundation
import RecordCoding
import Testing

/// The example of `format-spec/record.md`.
@Suite struct FormatVectorTests {
  struct Person: Codable, Equatable {
    struct Home: Codable, Equatable {
      var name = "Rome"
    }

    var id = 300
    var name = "Ada"
    var tags = ["x", nil]
    var home = Home()
  }

  @Test func `record`() throws {
    let coder = BinaryCoder<Person>()
    let written = try coder.encode(Person())
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "format-spec/vectors/record.bin")
    if ProcessInfo.processInfo.environment["MARTLET_WRITE_VECTORS"] == "1" {
      try Data(written).write(to: file)
    }
    let bytes = [UInt8](try Data(contentsOf: file))
    #expect(written == bytes)
    #expect(try coder.decode(bytes) == Person())
  }
}
