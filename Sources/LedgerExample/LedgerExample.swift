import Foundation

/// The command: tells the story in a folder that it makes and removes, or in one that it is given.
@main struct LedgerExample {
  static let help = """
    A ledger with double entry, to read and to run: what Martlet's transactions are for.

    It opens accounts, lets four tasks pay at the same time, prints what a change feed tells, kills a
    process in the middle of its work, and shows that every balance is still the sum of its postings.
    It takes a few seconds.

    usage: LedgerExample [DIRECTORY]

      DIRECTORY   where the ledger is kept: absent or empty; look at it afterwards with
                  `martlet stat DIRECTORY`. Without it, in a folder that is removed at the end.
      --help      shows this.

    Ends with 0, with 1 and the reason on standard error, or with 64 for wrong arguments.

    Begin to read with Ledger.swift.
    """

  static func main() async {
    do { try await run(Array(CommandLine.arguments.dropFirst())) } catch {
      FileHandle.standardError.write(Data("LedgerExample: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    switch arguments.count {
    case 0:
      let folder = FileManager.default.temporaryDirectory
        .appending(path: "ledger-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      try await Story(directory: folder.path).tell()
    case 1 where arguments[0] == "--help" || arguments[0] == "-h":
      print(help)
    case 1 where !arguments[0].hasPrefix("-"):
      try await Story(directory: arguments[0]).tell()
    case 2 where arguments[0] == "--pay-until-killed":
      try await Story(directory: arguments[1]).payUntilKilled()
    default:
      FileHandle.standardError.write(Data("usage: LedgerExample [DIRECTORY] | --help\n".utf8))
      exit(64)
    }
  }
}
