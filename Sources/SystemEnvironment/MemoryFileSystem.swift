package import Environment
internal import RawBytes
internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A complete file system in memory, gone with the value.
///
/// Names behave as on a disk: a file that is renamed or removed lives on for whoever has it open.
/// Syncing succeeds and means nothing, since there is nothing to survive to.
package final class MemoryFileSystem: FileSystem {
  private struct Names {
    var files: [[String]: MemoryFileContent] = [:]
    var directories: Set<[String]> = [[]]
    var locked: Set<[String]> = []

    func kind(_ path: [String]) -> FileKind {
      directories.contains(path) ? .directory : files[path] != nil ? .file : .absent
    }

    /// The number of the error that keeps a name from being made, if any.
    func refusal(toMake path: [String]) -> Int32? {
      switch kind(Array(path.dropLast())) {
      case .directory: kind(path) == .directory ? EISDIR : nil
      case .file: ENOTDIR
      case .absent, .other: ENOENT
      }
    }

    func contents(of directory: [String]) -> [String] {
      let inside = { (path: [String]) in
        path.count == directory.count + 1 && path.starts(with: directory)
      }
      return (files.keys.filter(inside) + directories.filter(inside)).compactMap(\.last).sorted()
    }
  }

  private let names = Mutex(Names())

  package init() {}

  package func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    let key = FilePath.names(path)
    let content = try change(.open, path) { (names) throws(Refusal) -> MemoryFileContent in
      if let number = names.refusal(toMake: key) { throw Refusal(number) }
      if let found = names.files[key] {
        if mode.creation == .always { throw Refusal(EEXIST) }
        return found
      }
      if mode.creation == .never { throw Refusal(ENOENT) }
      let made = MemoryFileContent()
      names.files[key] = made
      return made
    }
    return MemoryFile(content: content, path: path, mode: mode)
  }

  package func createDirectory(_ path: String) throws(FileError) {
    let key = FilePath.names(path)
    try change(.createDirectory, path) { (names) throws(Refusal) in
      if names.kind(key) == .directory { return }
      if names.kind(key) == .file { throw Refusal(EEXIST) }
      if let number = names.refusal(toMake: key) { throw Refusal(number) }
      names.directories.insert(key)
    }
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    let key = FilePath.names(directory)
    return try change(.list, directory) { (names) throws(Refusal) in
      switch names.kind(key) {
      case .directory: return names.contents(of: key)
      case .file: throw Refusal(ENOTDIR)
      case .absent, .other: throw Refusal(ENOENT)
      }
    }
  }

  package func kind(of path: String) throws(FileError) -> FileKind {
    names.withLock { $0.kind(FilePath.names(path)) }
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    let (key, newKey) = (FilePath.names(path), FilePath.names(newPath))
    try change(.rename, path) { (names) throws(Refusal) in
      guard let content = names.files[key] else { throw Refusal(ENOENT) }
      if let number = names.refusal(toMake: newKey) { throw Refusal(number) }
      names.files[key] = nil
      names.files[newKey] = content
    }
  }

  package func remove(_ path: String) throws(FileError) {
    let key = FilePath.names(path)
    try change(.remove, path) { (names) throws(Refusal) in
      if names.files.removeValue(forKey: key) != nil { return }
      guard names.directories.contains(key), !key.isEmpty else { throw Refusal(ENOENT) }
      guard names.contents(of: key).isEmpty else { throw Refusal(ENOTEMPTY) }
      names.directories.remove(key)
    }
  }

  package func syncDirectory(_ path: String) throws(FileError) {
    if try kind(of: path) != .directory {
      throw FileError(call: .syncDirectory, path: path, number: ENOENT)
    }
  }

  package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    let key = FilePath.names(path)
    let isTaken = try change(.lock, path) { (names) throws(Refusal) in
      if let number = names.refusal(toMake: key) { throw Refusal(number) }
      if names.files[key] == nil { names.files[key] = MemoryFileContent() }
      return names.locked.insert(key).inserted
    }
    return isTaken ? MemoryFileLock(path: key, files: self) : nil
  }

  fileprivate func unlock(_ path: [String]) {
    names.withLock { _ = $0.locked.remove(path) }
  }

  private struct Refusal: Error {
    let number: Int32
    init(_ number: Int32) { self.number = number }
  }

  private func change<Result: Sendable>(
    _ call: FileError.Call, _ path: String,
    _ body: (inout sending Names) throws(Refusal) -> sending Result
  ) throws(FileError) -> Result {
    do throws(Refusal) {
      return try names.withLock(body)
    } catch {
      throw FileError(call: call, path: path, number: error.number)
    }
  }
}

/// An open file in memory.
private final class MemoryFile: File {
  let path: String
  private let content: MemoryFileContent
  private let mode: FileMode

  init(content: MemoryFileContent, path: String, mode: FileMode) {
    self.content = content
    self.path = path
    self.mode = mode
  }

  /// Nothing is owed: there is nothing to survive to.
  var isDataSynchronous: Bool { mode.isDataSynchronous }

  func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
    content.read(into: bytes, at: offset)
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
    try requireWritable(.write)
    guard content.write(bytes, at: offset) else {
      throw FileError(call: .write, path: path, number: ENOSPC)
    }
  }

  func sync(_ grade: SyncGrade) throws(FileError) {}

  func size() throws(FileError) -> UInt64 { content.size }

  func truncate(to size: UInt64) throws(FileError) {
    try requireWritable(.truncate)
    content.truncate(to: size)
  }

  func allocate(_ range: Range<UInt64>) throws(FileError) {
    try requireWritable(.allocate)
    guard range.upperBound <= MemoryFileContent.limit else {
      throw FileError(call: .allocate, path: path, number: ENOSPC)
    }
    if !range.isEmpty { content.extend(to: range.upperBound) }
  }

  func punchHole(_ range: Range<UInt64>) throws(FileError) {
    try requireWritable(.punchHole)
    content.clear(range.clamped(to: 0..<content.size))
  }

  func allocatedSize() throws(FileError) -> UInt64 { content.residentByteCount }

  private func requireWritable(_ call: FileError.Call) throws(FileError) {
    guard mode.isWritable else { throw FileError(call: call, path: path, number: EBADF) }
  }
}

private final class MemoryFileLock: FileLock {
  private let path: [String]
  private let files: MemoryFileSystem
  private let isHeld = Atomic<Bool>(true)

  init(path: [String], files: MemoryFileSystem) {
    self.path = path
    self.files = files
  }

  deinit { unlock() }

  func unlock() {
    if isHeld.exchange(false, ordering: .acquiringAndReleasing) { files.unlock(path) }
  }
}
