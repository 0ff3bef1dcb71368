import Foundation

/// A directory that goes with its owner.
final class TemporaryDirectory {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID())")
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
