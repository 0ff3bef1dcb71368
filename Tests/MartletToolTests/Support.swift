import Foundation
import MartletCommands
import Testing

/// An input that arrives in chunks of a size, so that every boundary is met.
func source(_ text: String, chunk: Int = 1 << 20, name: String = "in") -> ByteSource {
  source(Array(text.utf8), chunk: chunk, name: name)
}

func source(_ bytes: [UInt8], chunk: Int = 1 << 20, name: String = "in") -> ByteSource {
  var rest = bytes[...]
  return ByteSource(name: name, byteCount: bytes.count) {
    defer { rest = rest.dropFirst(chunk) }
    return Array(rest.prefix(chunk))
  }
}

/// A folder that is gone afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = try newFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The same for a body that waits.
func withTemporaryFolder<Result>(
  isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
  let path = try newFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

private func newFolder() throws -> String {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("martlet-test-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

/// The text of the error that a body throws.
func message(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return ToolError(describing: error).description
  }
}
