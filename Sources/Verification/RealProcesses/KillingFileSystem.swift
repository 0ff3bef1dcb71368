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

/// A file system in which a process ends itself at a named point, or that lies, so that it can be
/// shown that lies are found.
///
/// - Invariant KF1: without a lie every call reaches the file system below as it came, unless the
///   process ends before or in the middle of it.
// SENDABLE: what changes is in a Mutex.
package final class KillingFileSystem: FileSystem, @unchecked Sendable {
  /// When to end.
  package enum Plan: Sendable {
    case never
    /// At the so manieth time that a point is reached.
    case point(KillPoint, occurrence: Int)
    /// Before the so manieth change of a file in a phase, whatever it is.
    case change(Int, in: KillPoint.Phase)
  }

  private struct State {
    var phase = KillPoint.Phase.opening
    var occurrences = 0
    var logWrites = 0
    /// A superblock was written and not synced.
    var owesSuperblockSync = false
    /// What the last rename was for: the sync of a directory belongs to it.
    var lastRename = FileStep.Detail.none
    /// The data file got its name, and stays open.
    var hasNamedData = false
  }

  private let base: any FileSystem
  private let plan: Plan
  private let lie: RealLie?
  /// Tells the parent which point was reached, before the end.
  private let announce: @Sendable (KillPoint?) -> Void
  private let state = Mutex(State())

  package init(
    over base: any FileSystem, plan: Plan, lie: RealLie? = nil,
    announce: @escaping @Sendable (KillPoint?) -> Void
  ) {
    self.base = base
    self.plan = plan
    self.lie = lie
    self.announce = announce
  }

  /// What the engine is about from now on.
  package func enter(_ phase: KillPoint.Phase) { state.withLock { $0.phase = phase } }

  // MARK: Points

  /// Ends the process if the plan says so.
  private func pass(_ step: FileStep, _ moment: KillPoint.Moment) {
    let isOver = state.withLock { state -> Bool in
      switch plan {
      case .never: return false
      case .point(let point, let occurrence):
        guard point.phase == state.phase, point.step == step, point.moment == moment else {
          return false
        }
        state.occurrences += 1
        return state.occurrences == occurrence
      case .change(let number, let phase):
        guard phase == state.phase, moment == .before, step.isChange else { return false }
        state.occurrences += 1
        return state.occurrences == number
      }
    }
    if isOver { end() }
  }

  /// Never returns: the signal cannot be caught, and comes before the call is over.
  private func end() {
    if case .point(let point, _) = plan { announce(point) } else { announce(nil) }
    _ = kill(getpid(), SIGKILL)
    while true { _ = pause() }
  }

  private func perform<Result>(
    _ step: FileStep, _ body: () throws(FileError) -> Result
  ) throws(FileError) -> Result {
    pass(step, .before)
    let result = try body()
    pass(step, .after)
    return result
  }

  // MARK: Calls on names

  package func open(_ path: String, _ mode: FileMode) throws(FileError) -> any File {
    let (role, isTemporary) = FileStep.role(path)
    return try perform(FileStep(.open, role, isTemporary: isTemporary)) { () throws(FileError) in
      KillingFile(over: try base.open(path, mode), in: self, role, isTemporary: isTemporary)
    }
  }

  package func createDirectory(_ path: String) throws(FileError) {
    try perform(FileStep(.createDirectory, .directory)) { () throws(FileError) in
      try base.createDirectory(path)
    }
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    try base.list(directory)
  }

  package func kind(of path: String) throws(FileError) -> FileKind { try base.kind(of: path) }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    let (role, isTemporary) = FileStep.role(newPath)
    let detail: FileStep.Detail = isTemporary ? .recycling : .publication
    try perform(FileStep(.rename, role, detail)) { () throws(FileError) in
      try base.rename(path, to: newPath)
      state.withLock { state in
        state.lastRename = detail
        if role == .data { state.hasNamedData = true }
      }
    }
  }

  package func remove(_ path: String) throws(FileError) {
    let (role, isTemporary) = FileStep.role(path)
    try perform(FileStep(.remove, role, isTemporary: isTemporary)) { () throws(FileError) in
      try base.remove(path)
    }
  }

  package func syncDirectory(_ path: String) throws(FileError) {
    let detail = state.withLock { $0.lastRename }
    try perform(FileStep(.syncDirectory, .directory, detail)) { () throws(FileError) in
      try base.syncDirectory(path)
    }
  }

  package func lock(_ path: String) throws(FileError) -> (any FileLock)? { try base.lock(path) }

  // MARK: Calls on files

  private func step(
    _ call: FileError.Call, _ file: KillingFile, _ detail: FileStep.Detail = .none
  ) -> FileStep {
    let isTemporary =
      file.isTemporary && !(file.role == .data && state.withLock { $0.hasNamedData })
    return FileStep(call, file.role, isTemporary: isTemporary, detail)
  }

  fileprivate func write(
    _ bytes: ByteView, at offset: UInt64, to file: KillingFile
  ) throws(FileError) {
    var detail = FileStep.Detail.none
    if file.role == .data {
      let block = Int(offset / 4096)
      detail = block < 4 && bytes.count == 4096 ? .superblock(copy: block / 2) : .images
    }
    let step = step(.write, file, detail)
    pass(step, .before)
    if bytes.count >= 8192 {
      let isDue = state.withLock { state in
        guard case .point(let point, _) = plan else { return false }
        return point.phase == state.phase && point.step == step && point.moment == .halfway
      }
      if isDue {
        try file.base.write(bytes.prefix(bytes.count / 8192 * 4096), at: offset)
        pass(step, .halfway)
      }
    }
    if !isDropped(step) { try file.base.write(bytes, at: offset) }
    if case .superblock = detail { state.withLock { $0.owesSuperblockSync = true } }
    pass(step, .after)
  }

  private func isDropped(_ step: FileStep) -> Bool {
    guard let lie else { return false }
    let (phase, logWrites) = state.withLock { state in
      if step.role == .segment, !step.isTemporary, state.phase == .running { state.logWrites += 1 }
      return (state.phase, state.logWrites)
    }
    guard phase == .running else { return false }
    switch lie {
    case .droppedLogWrites: return step.role == .segment && !step.isTemporary && logWrites > 5
    case .droppedLogWrite: return step.role == .segment && !step.isTemporary && logWrites == 5
    case .droppedImages: return step.detail == .images
    case .droppedSuperblocks:
      if case .superblock = step.detail { return true }
      return false
    case .earlyAcknowledgements, .halfTransactions: return false
    }
  }

  fileprivate func sync(_ grade: SyncGrade, _ file: KillingFile) throws(FileError) {
    let detail = state.withLock { state -> FileStep.Detail in
      switch file.role {
      case .data:
        defer { state.owesSuperblockSync = false }
        return state.owesSuperblockSync && state.phase != .opening ? .afterSuperblock : .none
      case .segment where file.isTemporary:
        return state.lastRename == .recycling ? .recycling : .none
      case .segment, .directory, .other: return .none
      }
    }
    try perform(step(.sync, file, detail)) { () throws(FileError) in try file.base.sync(grade) }
  }

  fileprivate func change(
    _ call: FileError.Call, _ file: KillingFile, _ body: () throws(FileError) -> Void
  ) throws(FileError) {
    try perform(step(call, file), body)
  }
}

/// A file of a `KillingFileSystem`.
private final class KillingFile: File {
  let base: any File
  let role: FileStep.Role
  let isTemporary: Bool
  private let files: KillingFileSystem

  init(
    over base: any File, in files: KillingFileSystem, _ role: FileStep.Role, isTemporary: Bool
  ) {
    self.base = base
    self.files = files
    self.role = role
    self.isTemporary = isTemporary
  }

  var path: String { base.path }
  var isDataSynchronous: Bool { base.isDataSynchronous }

  func read(into bytes: MutableByteView, at offset: UInt64) throws(FileError) -> Int {
    try base.read(into: bytes, at: offset)
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileError) {
    try files.write(bytes, at: offset, to: self)
  }

  func sync(_ grade: SyncGrade) throws(FileError) { try files.sync(grade, self) }

  func size() throws(FileError) -> UInt64 { try base.size() }

  func allocatedSize() throws(FileError) -> UInt64 { try base.allocatedSize() }

  func truncate(to size: UInt64) throws(FileError) {
    try files.change(.truncate, self) { () throws(FileError) in try base.truncate(to: size) }
  }

  func allocate(_ range: Range<UInt64>) throws(FileError) {
    try files.change(.allocate, self) { () throws(FileError) in try base.allocate(range) }
  }

  func punchHole(_ range: Range<UInt64>) throws(FileError) {
    try files.change(.punchHole, self) { () throws(FileError) in try base.punchHole(range) }
  }
}
