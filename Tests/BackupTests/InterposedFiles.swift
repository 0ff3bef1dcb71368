import Environment
import Synchronization

/// A file system that lets something else happen once, just before a lock is asked for: where two
/// processes would meet.
struct InterposedFiles: FileSystem {
  private let files: any FileSystem
  private let step: Step

  private final class Step: Sendable {
    let body: Mutex<(@Sendable () throws -> Void)?>
    init(_ body: @escaping @Sendable () throws -> Void) { self.body = Mutex(body) }
  }

  init(_ files: any FileSystem, beforeLock body: @escaping @Sendable () throws -> Void) {
    self.files = files
    step = Step(body)
  }

  func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    let body = step.body.withLock { body in
      defer { body = nil }
      return body
    }
    try? body?()
    return try files.lock(path)
  }

  func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    try files.open(path, mode)
  }
  func createDirectory(_ path: String) throws(FileError) { try files.createDirectory(path) }
  func list(_ directory: String) throws(FileError) -> [String] { try files.list(directory) }
  func kind(of path: String) throws(FileError) -> FileKind { try files.kind(of: path) }
  func rename(_ path: String, to newPath: String) throws(FileError) {
    try files.rename(path, to: newPath)
  }
  func remove(_ path: String) throws(FileError) { try files.remove(path) }
  func syncDirectory(_ path: String) throws(FileError) { try files.syncDirectory(path) }
}
