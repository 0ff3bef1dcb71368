internal import Foundation

/// The lines of earlier shells, in a file of the user's own state directory:
/// `$XDG_STATE_HOME/martlet/history`, which is `~/.local/state/martlet/history` by default.
///
/// What cannot be read or written is left: a shell without a history is still a shell.
package struct ShellHistory {
  package private(set) var lines: [String] = []
  private let file: URL?

  /// Lines that are kept.
  package static let limit = 2000

  /// The history of the user whose environment this is.
  package init() { self.init(environment: ProcessInfo.processInfo.environment) }

  /// - Parameter environment: where the directory is looked up.
  package init(environment: [String: String]) {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      file = URL(filePath: state).appending(path: "martlet/history")
    } else if let home = environment["HOME"], !home.isEmpty {
      file = URL(filePath: home).appending(path: ".local/state/martlet/history")
    } else {
      file = nil
    }
    guard let file, let bytes = try? Data(contentsOf: file) else { return }
    // By bytes: "\r\n" is one character, and one line that is no text is not the end of all.
    lines = bytes.split(separator: 0x0A).suffix(Self.limit).map {
      String(decoding: $0.last == 0x0D ? $0.dropLast() : $0, as: UTF8.self)
    }
  }

  /// Adds a line, unless it is empty, the same as the last one, or begins with a space: such a line
  /// is not to be remembered.
  package mutating func add(_ line: String) {
    guard !line.isEmpty, line.utf8.first != UInt8(ascii: " "), line != lines.last else { return }
    lines.append(line)
    if lines.count > Self.limit { lines.removeFirst(lines.count - Self.limit) }
  }

  /// Writes the lines. Readable by the user alone: values may be among them.
  package func save() {
    guard let file else { return }
    let directory = file.deletingLastPathComponent()
    let manager = FileManager.default
    try? manager.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let data = Data((lines.joined(separator: "\n") + "\n").utf8)
    if !manager.fileExists(atPath: file.path) {
      _ = manager.createFile(
        atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600])
    }
    // In place, so that the file keeps its permissions.
    try? data.write(to: file)
  }
}
