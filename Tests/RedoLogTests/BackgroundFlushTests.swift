import Environment
import Primitives
import RawBytes
import RedoLog
import Synchronization
import SystemEnvironment
import Testing

/// What nobody waits for is flushed within milliseconds, whatever else the background does.
@Suite("Flushes in the background")
struct BackgroundFlushTests {
  /// Files in memory that tell of each write to a segment that is being made.
  private final class SteppedFiles: FileSystem {
    private let files: any FileSystem
    private let observer = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ files: any FileSystem) { self.files = files }

    func observe(_ body: (@Sendable () -> Void)?) { observer.withLock { $0 = body } }

    func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
      let file = try files.open(path, mode)
      guard path.hasSuffix(".new") else { return file }
      return SteppedFile(file) { self.observer.withLock { $0 }?() }
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

  private final class SteppedFile: File {
    private let file: any File
    private let tell: @Sendable () -> Void

    init(_ file: any File, tell: @escaping @Sendable () -> Void) {
      self.file = file
      self.tell = tell
    }

    var path: String { file.path }
    var isDataSynchronous: Bool { file.isDataSynchronous }
    func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
      try file.read(into: bytes, at: offset)
    }
    func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
      tell()
      try file.write(bytes, at: offset)
    }
    func sync(_ grade: SyncGrade) throws(FileError) { try file.sync(grade) }
    func size() throws(FileError) -> UInt64 { try file.size() }
    func truncate(to size: UInt64) throws(FileError) { try file.truncate(to: size) }
    func allocate(_ range: Range<UInt64>) throws(FileError) { try file.allocate(range) }
    func punchHole(_ range: Range<UInt64>) throws(FileError) { try file.punchHole(range) }
    func allocatedSize() throws(FileError) -> UInt64 { try file.allocatedSize() }
  }

  /// What the steps of making a segment saw.
  private struct Observation: Sendable {
    var steps = 0
    var end: LogPosition?
    var wasDurableInTime: Bool?
  }

  /// The thread that flushes is the one that makes segments ahead, and a large segment takes it a
  /// long time: a relaxed database lost up to as much as was committed meanwhile, where milliseconds
  /// are promised (found by torture with real processes).
  @Test func `a relaxed record is flushed while a segment is made ahead`() throws {
    let memory = Effects.memory()
    let files = SteppedFiles(memory.files)
    let effects = Effects(
      files: files, time: memory.time, entropy: memory.entropy, waits: memory.waits,
      background: memory.background, events: memory.events)
    let log = try LogWorld.create(
      effects,
      LogConfiguration(
        firstSegmentByteCount: 8 << 20, largestSegmentByteCount: 8 << 20, spareByteCount: 8 << 20))
    let observation = Mutex(Observation())
    files.observe {
      let step = observation.withLock { state in
        state.steps += 1
        return state.steps
      }
      // The background is at its second megabyte of eight, and then at its fourth.
      if step == 2, let end = try? log.add(Entry(1000, byteCount: 300)) {
        log.flushInBackground()
        observation.withLock { $0.end = end }
      }
      if step == 4 {
        observation.withLock { state in
          state.wasDurableInTime = state.end.map { log.durablePosition >= $0 }
        }
      }
    }
    for number in 0..<80 as Range<UInt64> { try log.commit(Entry(number, byteCount: 60_000)) }
    var attempt = 0
    while observation.withLock({ $0.steps }) < 8, attempt < 2_000_000 {
      memory.waits.yield(attempt: attempt)
      attempt += 1
    }
    files.observe(nil)
    #expect(observation.withLock { $0.wasDurableInTime } == true)
    try log.close()
  }
}
