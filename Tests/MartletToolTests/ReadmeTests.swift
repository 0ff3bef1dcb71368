import Foundation
import Martlet
import MartletCommands
import Testing

/// The program in the README, so that it goes on compiling and doing what it says.
@Suite struct ReadmeTests {
  @Test func `the program of the README runs`() throws {
    let lines = try withTemporaryFolder { folder in
      var lines: [String] = []
      func print(_ key: String, _ balance: Int) { lines.append("\(key) \(balance)") }

      let db = try Database(at: folder + "/bank.martlet")
      let accounts = try db.keyspace("accounts")

      try db.write { tx in
        let alice = try tx.value(for: "alice", in: accounts, as: Int.self) ?? 100
        try tx.set(alice - 10, for: "alice", in: accounts)
        try tx.set(10, for: "bob", in: accounts)
      }

      try db.read { snapshot in
        try snapshot.forEach(in: accounts) { key, balance in
          print(String(valueBytes: key) ?? "?", Int(valueBytes: balance) ?? 0)
          return .continue
        }
      }
      try db.close()
      return lines
    }
    #expect(lines == ["alice 90", "bob 10"])
  }

  /// Lines of code of this file that stand in the README as well, word for word.
  @Test func `the README shows the same program, in under twenty lines`() throws {
    let here = URL(fileURLWithPath: #filePath)
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let blocks = readme.components(separatedBy: "```")
    let program = try #require(blocks.first { $0.hasPrefix("swift\n") })
      .split(separator: "\n").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(program.count < 20)
    let test = try String(contentsOf: here, encoding: .utf8)
      .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    for line in program where !line.contains("Database(at:") {
      #expect(test.contains(line), "\(line)")
    }
  }
}
