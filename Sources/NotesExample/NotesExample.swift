import Foundation

/// The command: tells the story in a folder that it makes and removes, or in one that it is given.
@main struct NotesExample {
  static let help = """
    A local-first notes store, to read and to run: typed records, search, live queries, sync, backup.

    A phone and a laptop keep their notes in a database each, change the same note while they are
    apart, and show the same when they have met. It takes a second.

    usage: NotesExample [DIRECTORY]

      DIRECTORY   where the databases are kept, `phone`, `laptop` and `backup`: absent or empty; look
                  at them afterwards with `martlet scan DIRECTORY/phone --keyspace notes`. Without it,
                  in a folder that is removed at the end.
      --help      shows this.

    Ends with 0, with 1 and the reason on standard error, or with 64 for wrong arguments.

    Begin to read with Note.swift, then NoteStore.swift.
    """

  static func main() async {
    do { try await run(Array(CommandLine.arguments.dropFirst())) } catch {
      FileHandle.standardError.write(Data("NotesExample: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    switch arguments.count {
    case 0:
      let folder = FileManager.default.temporaryDirectory
        .appending(path: "notes-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      try await Story(directory: folder.path).tell()
    case 1 where arguments[0] == "--help" || arguments[0] == "-h":
      print(help)
    case 1 where !arguments[0].hasPrefix("-"):
      try await Story(directory: arguments[0]).tell()
    default:
      FileHandle.standardError.write(Data("usage: NotesExample [DIRECTORY] | --help\n".utf8))
      exit(64)
    }
  }
}
