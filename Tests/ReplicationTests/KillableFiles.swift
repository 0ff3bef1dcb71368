import Environment
import RawBytes
import Synchronization

/// The files of one node, which can be killed by itself: from then on every call fails, as for a
/// process that is gone. What it wrote and did not sync is in the system's cache still.
final class KillableFiles: FileSystem, @unchecked Sendable {
  // SENDABLE: mutable state is in a Mutex.
  private let files: any FileSystem
  private let state = Mutex(State())

  private struct State {
    var isKilled = false
    /// Calls that change something, and the one that is never made.
    var changeCount = 0
    var lastChange: Int?
  }

  init(_ files: any FileSystem) { self.files = files }

  func kill() { state.withLock { $0.isKilled = true } }

  func kill(atChange change: Int) { state.withLock { $0.lastChange = change } }

  var isKilled: Bool { state.withLock { $0.isKilled } }

  var changeCount: Int { state.withLock { $0.changeCount } }

  fileprivate func pass(
    _ call: FileError.Call, _ path: String, isChange: Bool = false
  ) throws(FileError) {
    let isKilled = state.withLock { state in
      if isChange {
        state.changeCount += 1
        if state.changeCount == state.lastChange { state.isKilled = true }
      }
      return state.isKilled
    }
    if isKilled { throw FileError(call: call, path: path, number: 9002) }
  }

  func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    try pass(.open, path, isChange: mode.creation != .never)
    return Handle(owner: self, file: try files.open(path, mode))
  }

  func createDirectory(_ path: String) throws(FileError) {
    try pass(.createDirectory, path, isChange: true)
    try files.createDirectory(path)
  }

  func list(_ directory: String) throws(FileError) -> [String] {
    try pass(.list, directory)
    return try files.list(directory)
  }

  func kind(of path: String) throws(FileError) -> FileKind {
    try pass(.kind, path)
    return try files.kind(of: path)
  }

  func rename(_ path: String, to newPath: String) throws(FileError) {
    try pass(.rename, path, isChange: true)
    try files.rename(path, to: newPath)
  }

  func remove(_ path: String) throws(FileError) {
    try pass(.remove, path, isChange: true)
    try files.remove(path)
  }

  func syncDirectory(_ path: String) throws(FileError) {
    try pass(.syncDirectory, path, isChange: true)
    try files.syncDirectory(path)
  }

  func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    try pass(.lock, path)
    return try files.lock(path)
  }

  private final class Handle: File {
    let owner: KillableFiles
    let file: any File

    init(owner: KillableFiles, file: any File) {
      self.owner = owner
      self.file = file
    }

    var path: String { file.path }

    var isDataSynchronous: Bool { file.isDataSynchronous }

    func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
      try owner.pass(.read, path)
      return try file.read(into: bytes, at: offset)
    }

    func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
      try owner.pass(.write, path, isChange: true)
      try file.write(bytes, at: offset)
    }

    func sync(_ grade: SyncGrade) throws(FileError) {
      try owner.pass(.sync, path, isChange: true)
      try file.sync(grade)
    }

    func size() throws(FileError) -> UInt64 {
      try owner.pass(.size, path)
      return try file.size()
    }

    func truncate(to size: UInt64) throws(FileError) {
      try owner.pass(.truncate, path, isChange: true)
      try file.truncate(to: size)
    }

    func allocate(_ range: Range<UInt64>) throws(FileError) {
      try owner.pass(.allocate, path, isChange: true)
      try file.allocate(range)
    }

    func punchHole(_ range: Range<UInt64>) throws(FileError) {
      try owner.pass(.punchHole, path, isChange: true)
      try file.punchHole(range)
    }

    func allocatedSize() throws(FileError) -> UInt64 {
      try owner.pass(.size, path)
      return try file.allocatedSize()
    }
  }
}

extension Effects {
  /// The same world with other files.
  func with(_ files: any FileSystem) -> Effects {
    Effects(
      files: files, time: time, entropy: entropy, waits: waits, background: background,
      events: events)
  }
}
