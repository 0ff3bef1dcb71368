import Environment
import Primitives
import RawBytes
import RedoLog
import Seeds
import Simulation
import Synchronization
import Testing

/// Where writes are not durable by themselves, as on Apple's systems, each flush needs a sync, and
/// its grade decides what it is worth (F3).
@Suite("Grades of syncs")
struct SyncGradeTests {
  /// Files whose writes are durable after a sync and not before, and what was asked of them.
  private final class PlainFiles: FileSystem {
    private let files: any FileSystem
    private let log = Mutex<[SyncGrade]>([])

    init(_ files: any FileSystem) { self.files = files }

    /// The grades of the syncs of segments since this was last asked.
    func takeGrades() -> [SyncGrade] {
      log.withLock { grades in
        defer { grades.removeAll() }
        return grades
      }
    }

    func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
      var mode = mode
      mode.isDataSynchronous = false
      return PlainFile(try files.open(path, mode)) { grade in
        self.log.withLock { $0.append(grade) }
      }
    }

    func createDirectory(_ path: String) throws(FileError) { try files.createDirectory(path) }
    func list(_ directory: String) throws(FileError) -> [String] { try files.list(directory) }
    func kind(of path: String) throws(FileError) -> FileKind { try files.kind(of: path) }
    func remove(_ path: String) throws(FileError) { try files.remove(path) }
    func syncDirectory(_ path: String) throws(FileError) { try files.syncDirectory(path) }
    func rename(_ path: String, to newPath: String) throws(FileError) {
      try files.rename(path, to: newPath)
    }
    func lock(_ path: String) throws(FileError) -> (any FileLock)? { try files.lock(path) }
  }

  private final class PlainFile: File {
    private let file: any File
    private let note: @Sendable (SyncGrade) -> Void

    init(_ file: any File, note: @escaping @Sendable (SyncGrade) -> Void) {
      self.file = file
      self.note = note
    }

    var path: String { file.path }
    var isDataSynchronous: Bool { file.isDataSynchronous }
    func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
      try file.read(into: bytes, at: offset)
    }
    func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
      try file.write(bytes, at: offset)
    }
    func sync(_ grade: SyncGrade) throws(FileError) {
      try file.sync(grade)
      note(grade)
    }
    func size() throws(FileError) -> UInt64 { try file.size() }
    func truncate(to size: UInt64) throws(FileError) { try file.truncate(to: size) }
    func allocate(_ range: Range<UInt64>) throws(FileError) { try file.allocate(range) }
    func punchHole(_ range: Range<UInt64>) throws(FileError) { try file.punchHole(range) }
    func allocatedSize() throws(FileError) -> UInt64 { try file.allocatedSize() }
  }

  private func withLog(_ body: (RedoLog, PlainFiles) throws -> Void) throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { world in
      let files = PlainFiles(world.files)
      let effects = Effects(
        files: files, time: world.time, entropy: world.entropy, waits: world.waits,
        background: world.background, events: world.events)
      let log = try LogWorld.create(effects)
      _ = files.takeGrades()
      try body(log, files)
      try log.close()
    }
  }

  @Test func `a barrier orders a flush and does not make it durable`() throws {
    try withLog { log, files in
      let before = log.durablePosition
      let end = try log.add(Entry(1))
      try log.makeDurable(through: end, .barrier)
      #expect(files.takeGrades() == [.barrier])
      #expect(log.durablePosition == before, "what is only ordered passes for durable")
      try log.makeDurable(through: end)
      #expect(files.takeGrades() == [.full])
      #expect(log.durablePosition == end)
    }
  }

  @Test func `a durable flush covers what was only ordered before`() throws {
    try withLog { log, files in
      try log.makeDurable(through: try log.add(Entry(1)), .barrier)
      let end = try log.commit(Entry(2))
      #expect(log.durablePosition == end)
      #expect(files.takeGrades() == [.barrier, .full])
    }
  }
}
