import Foundation
import Testing

/// A run of the tool as a process of its own, as its users run it.
struct ToolProcess {
  let status: Int32
  /// Standard output, byte for byte.
  let bytes: Data
  let error: String

  /// Standard output as text.
  var output: String { String(decoding: bytes, as: UTF8.self) }

  /// The lines of standard output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// Runs `martlet` with arguments, and waits for its end.
  init(_ arguments: String..., input: [UInt8] = []) throws {
    try self.init(arguments: arguments, input: input)
  }

  init(arguments: [String], input: [UInt8] = []) throws {
    try self = withTemporaryFolder { folder in
      let input = try Self.file(folder + "/input", input)
      let output = try Self.file(folder + "/output", [])
      let error = try Self.file(folder + "/error", [])
      let process = Process()
      process.executableURL = Self.program
      process.arguments = arguments
      process.standardInput = try FileHandle(forReadingFrom: input)
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: error)
      try process.run()
      process.waitUntilExit()
      return ToolProcess(
        status: process.terminationStatus, bytes: try Data(contentsOf: output),
        error: String(decoding: try Data(contentsOf: error), as: UTF8.self))
    }
  }

  private init(status: Int32, bytes: Data, error: String) {
    self.status = status
    self.bytes = bytes
    self.error = error
  }

  /// The program lies beside the tests.
  static var program: URL {
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
    let products =
      bundle?.bundleURL
      ?? URL(fileURLWithPath: CommandLine.arguments[0])
      .resolvingSymlinksInPath()
    return products.deletingLastPathComponent().appendingPathComponent("martlet")
  }

  private static func file(_ path: String, _ content: [UInt8]) throws -> URL {
    let url = URL(fileURLWithPath: path)
    try Data(content).write(to: url)
    return url
  }

  /// Whether it failed as a tool should: status 1, one line that has the words, no output.
  func failed(with words: String...) -> Bool {
    let line = error.dropLast()
    return status == 1 && output.isEmpty && error.last == "\n" && !line.contains("\n")
      && words.allSatisfy { line.contains($0) }
  }
}

extension ToolProcess {
  /// What `scan` prints.
  static func scan(_ database: String, _ arguments: String...) throws -> String {
    let scan = try ToolProcess(arguments: ["scan", database] + arguments)
    #expect(scan.status == 0, "\(scan.error)")
    return scan.output
  }
}
