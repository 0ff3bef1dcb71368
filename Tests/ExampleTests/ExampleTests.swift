import Foundation
import Testing

/// The example programs, run as their readers run them.
@Suite struct ExampleTests {
  /// What was acknowledged to the process that was killed is there afterwards.
  @Test func `the ledger is in order after a crash, with all that was acknowledged`() throws {
    let run = try ExampleProcess("LedgerExample")
    #expect(run.status == 0, "\(run.error)")
    #expect(run.lines.count { $0.hasPrefix("   · ") && $0.contains(" pays ") } == 3)
    #expect(run.lines.contains { $0.hasPrefix("   and so on: the feed told of ") })
    let audits = run.numbers(after: "   audit: ")
    let acknowledged = run.numbers(after: "   killed after ")
    try #require(audits.count == 2 && acknowledged.count == 1)
    #expect(audits[1] >= audits[0] + acknowledged[0])
    #expect(run.lines.last?.wholeMatch(of: /\s+-?\d+\.\d\d  .+/) != nil)
  }

  @Test func `the notes converge`() throws {
    let run = try ExampleProcess("NotesExample")
    #expect(run.status == 0, "\(run.error)")
    #expect(run.lines.contains("   mart…: Birds, Shopping"))
    #expect(run.lines.contains("   laptop shows: Birds, Draft, Shopping"))
    let meeting = try #require(run.lines.firstIndex { $0.hasPrefix("4. ") })
    #expect(run.lines[meeting...].contains("   phone: Birds in heraldry, Shopping"))
    #expect(run.lines[meeting...].contains("   laptop: Birds in heraldry, Shopping"))
    #expect(run.lines.contains("   the same notes, tombstones and all: true"))
    #expect(run.lines.contains { $0.hasSuffix("it holds 3 notes,") })
  }

  @Test(arguments: ["LedgerExample", "NotesExample"])
  func `examples explain themselves`(_ program: String) throws {
    let help = try ExampleProcess(program, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("usage: \(program) [DIRECTORY]"))
    let wrong = try ExampleProcess(program, "--wrong")
    #expect(wrong.status == 64)
    #expect(wrong.error.hasPrefix("usage: \(program)"))
    let file = try ExampleProcess(program, "/dev/null/nowhere")
    #expect(file.status == 1)
    #expect(file.error.hasPrefix("\(program): "))
  }
}

/// A run of an example as a process of its own.
struct ExampleProcess {
  let status: Int32
  let output: String
  let error: String

  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// The numbers that stand in lines behind some words.
  func numbers(after words: String) -> [Int] {
    lines.filter { $0.hasPrefix(words) }
      .compactMap { Int($0.dropFirst(words.count).prefix { $0.isNumber }) }
  }

  init(_ program: String, _ arguments: String...) throws {
    let process = Process()
    process.executableURL = Self.products.appending(path: program)
    process.arguments = arguments
    let (output, error) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = error
    try process.run()
    // What they print fits into a pipe.
    process.waitUntilExit()
    status = process.terminationStatus
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.error = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  /// The programs lie beside the tests.
  private static var products: URL {
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
    let tests =
      bundle?.bundleURL ?? URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return tests.deletingLastPathComponent()
  }
}
