import Foundation

/// The folder of a run, with one folder in it for each engine's trial.
struct TrialFolder: Sendable {
  /// Where the caller wanted it, for the report.
  let base: String
  let root: String

  /// - Parameter base: an existing or new folder; nil picks a temporary one that is on a disk.
  init(base: String?) throws {
    let chosen = try base ?? Self.folderOnDisk()
    try FileManager.default.createDirectory(atPath: chosen, withIntermediateDirectories: true)
    if Device.isMemory(chosen) {
      FileHandle.standardError.write(
        Data("warning: \(chosen) is in memory: syncs cost nothing there\n".utf8))
    }
    self.base = chosen
    root = "\(chosen)/martlet-bench-\(ProcessInfo.processInfo.processIdentifier)"
  }

  func path(of engine: EngineKind) -> String { "\(root)/\(engine.rawValue)" }

  func clear(_ engine: EngineKind) {
    try? FileManager.default.removeItem(atPath: path(of: engine))
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: root)
  }

  private static func folderOnDisk() throws -> String {
    let candidates = [
      FileManager.default.temporaryDirectory.path, "/var/tmp",
      FileManager.default.currentDirectoryPath,
    ]
    guard
      let folder = candidates.first(where: {
        FileManager.default.isWritableFile(atPath: $0) && !Device.isMemory($0)
      })
    else {
      throw BenchmarkError.file("no temporary folder is on a disk: name one with --directory")
    }
    return folder
  }
}
