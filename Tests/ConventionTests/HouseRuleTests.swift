import Foundation
import Testing

/// Rules of the house that the compiler does not know.
@Suite struct `The house rules` {
  static func sources() throws -> [(path: String, text: String)] {
    try `The layers`.table.keys.sorted().flatMap { target -> [(String, String)] in
      let folder = `The layers`.root.appending(path: "Sources/\(target)")
      guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
      return try `The layers`.files(of: target).map {
        ("\(target)/\($0.lastPathComponent)", try String(contentsOf: $0, encoding: .utf8))
      }
    }
  }

  @Test(arguments: ["TO" + "DO", "FIX" + "ME", "unimplemented", "try" + "!", "as" + "!"])
  func `leave nothing unfinished and force nothing`(_ pattern: String) throws {
    for (path, text) in try Self.sources() {
      #expect(!text.contains(pattern), "\(path) contains \(pattern)")
    }
  }

  @Test func `say why an unchecked Sendable is safe`() throws {
    for (path, text) in try Self.sources() where text.contains("@unchecked Sendable") {
      #expect(text.contains("SENDABLE:"), "\(path) does not say SENDABLE: why")
    }
  }

  @Test func `keep files to one vocabulary`() throws {
    for (path, text) in try Self.sources() {
      let lineCount = text.split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(lineCount <= 600, "\(path) has \(lineCount) lines")
    }
  }

  @Test func `allow no test hooks in production code`() throws {
    for (path, text) in try Self.sources() {
      #expect(!text.contains("ForTesting"), "\(path) has a test hook")
    }
  }
}
