internal import Foundation

/// The folder of a tour: a temporary one, or the one that was asked for.
struct TourDirectory {
  let path: String
  /// Whether the tour made the folder itself, and so may remove it.
  private let isOwn: Bool

  init(_ wanted: String?) throws {
    let files = FileManager.default
    path =
      wanted
      ?? files.temporaryDirectory.appendingPathComponent("martlet-tour-\(UUID().uuidString)").path
    isOwn = !files.fileExists(atPath: path)
    if isOwn {
      do {
        try files.createDirectory(atPath: path, withIntermediateDirectories: true)
      } catch {
        throw ToolError("\(path): the folder cannot be made; name another one with --directory")
      }
    } else if try URL(fileURLWithPath: path).resourceValues(forKeys: [.isDirectoryKey])
      .isDirectory != true
    {
      throw ToolError("\(path): this is a file, a folder is needed")
    } else if try !files.contentsOfDirectory(atPath: path).isEmpty {
      throw ToolError("\(path): the folder is not empty; the tour needs one of its own")
    }
  }

  func subdirectory(_ name: String) -> String { path + "/" + name }

  /// Removes what the tour made.
  func remove() throws {
    let files = FileManager.default
    if isOwn { return try files.removeItem(atPath: path) }
    for name in try files.contentsOfDirectory(atPath: path) {
      try files.removeItem(atPath: subdirectory(name))
    }
  }
}
