internal import Environment
internal import Primitives
internal import RawBytes

/// Makes, reuses, lists and removes the files of segments.
///
/// ```
///   (absent) ── made: zeros, header, sync ──▶ log-N.new ── rename, sync directory ──▶ log-N
///   log-M    ── rename, sync directory ──▶ log-N.new ── new header, sync ── (as above) ──▶ log-N
/// ```
///
/// - Invariant G1: a file under a segment's name has, durably, a whole header that names that
///   segment. So a crash anywhere leaves a state with one reading: what ends in `.new` is no part
///   of the log (rules F4, W5).
/// - Invariant G2: every block of a segment has been written before, so that a batch changes no
///   metadata of the file system.
/// - Invariant G3: a number is given once in the life of a log object, also to attempts that fail.
struct SegmentFiles: Sendable {
  let effects: Effects
  let directory: String
  let database: DatabaseID

  static let mode = FileMode(isDataSynchronous: true, isDirect: true)
  static let zeroChunkByteCount = 1 << 20

  func path(_ number: UInt64) -> String {
    FilePath.join(directory, SegmentName.name(number))
  }

  private func temporaryPath(_ number: UInt64) -> String {
    FilePath.join(directory, SegmentName.temporaryName(number))
  }

  /// A segment of zeros. Long for a large one: `between` is called between its steps.
  func make(
    _ number: UInt64, byteCount: Int, between: () -> Void
  ) throws(FileError) -> LogSegment {
    let temporary = temporaryPath(number)
    let header = newHeader(number, byteCount)
    do {
      let file = try effects.files.open(temporary, FileMode(creation: .always, isDirect: true))
      try file.allocate(0..<UInt64(byteCount))
      let chunk = AlignedMemory(byteCount: Swift.min(byteCount, Self.zeroChunkByteCount))
      header.encode(into: chunk.bytes)
      var offset = 0
      while offset < byteCount {
        let count = Swift.min(chunk.count, byteCount - offset)
        try file.write(chunk.bytes[0..<count].view, at: UInt64(offset))
        if offset == 0 { chunk.bytes.zero(0..<SegmentHeader.byteCount) }
        offset += count
        between()
      }
      try file.sync(.full)
      between()
    } catch {
      try? effects.files.remove(temporary)
      throw error
    }
    return try publish(header)
  }

  /// A segment whose content is needed no longer becomes another one, with a new salt. `between`
  /// is called between its steps.
  func remake(
    _ old: LogSegment, as number: UInt64, between: () -> Void
  ) throws(FileError) -> LogSegment {
    let temporary = temporaryPath(number)
    let header = newHeader(number, old.byteCount)
    try effects.files.rename(old.path, to: temporary)
    do {
      try effects.files.syncDirectory(directory)
      between()
      let block = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
      header.encode(into: block.bytes)
      let file = try effects.files.open(temporary, Self.mode)
      try file.write(block.bytes.view, at: 0)
      try file.sync(.full)
      between()
    } catch {
      try? effects.files.remove(temporary)
      throw error
    }
    return try publish(header)
  }

  /// The file gets its name, durably (F4).
  private func publish(_ header: SegmentHeader) throws(FileError) -> LogSegment {
    let path = path(header.number)
    do {
      try effects.files.rename(temporaryPath(header.number), to: path)
      try effects.files.syncDirectory(directory)
      return LogSegment(
        file: try effects.files.open(path, Self.mode), path: path, header: header)
    } catch {
      try? effects.files.remove(temporaryPath(header.number))
      try? effects.files.remove(path)
      throw error
    }
  }

  private func newHeader(_ number: UInt64, _ byteCount: Int) -> SegmentHeader {
    SegmentHeader(
      database: database, number: number, salt: effects.entropy.next(), size: UInt64(byteCount))
  }

  /// The numbers of the segments in the directory, rising. Removes what was being made when a
  /// process ended.
  func list(removingTemporaries: Bool) throws(FileError) -> [UInt64] {
    var numbers: [UInt64] = []
    for name in try effects.files.list(directory) {
      if let number = SegmentName.number(in: name) {
        numbers.append(number)
      } else if removingTemporaries, SegmentName.isTemporary(name) {
        try effects.files.remove(FilePath.join(directory, name))
      }
    }
    return numbers.sorted()
  }

  /// Opens a segment and reads its header.
  func open(_ number: UInt64, isWritable: Bool) throws(LogError) -> LogSegment {
    let path = path(number)
    var mode = Self.mode
    mode.isWritable = isWritable
    let block = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
    let (file, byteCount, size) = try fileCall(path) {
      () throws(FileError) -> (any File, Int, UInt64) in
      let file = try effects.files.open(path, mode)
      return (file, try file.read(into: block.bytes, at: 0), try file.size())
    }
    let header = try SegmentHeader(decoding: block.bytes[0..<byteCount].view, path: path)
    guard header.database == database else {
      throw .wrongDatabase(path: path, found: header.database)
    }
    func corrupt(_ expected: String, _ found: String) -> LogError {
      .corrupt(
        CorruptionError(
          location: "\(path), segment header", expected: expected, found: found))
    }
    guard header.number == number else { throw corrupt("segment \(number)", "\(header.number)") }
    guard size >= header.size else { throw corrupt("\(header.size) bytes", "\(size)") }
    return LogSegment(file: file, path: path, header: header)
  }

  func remove(_ segment: LogSegment) throws(FileError) { try effects.files.remove(segment.path) }

  func syncDirectory() throws(FileError) { try effects.files.syncDirectory(directory) }
}

/// Runs calls into the file system, and translates what they throw.
func fileCall<Result>(
  _ path: String, _ body: () throws(FileError) -> Result
) throws(LogError) -> Result {
  do {
    return try body()
  } catch {
    throw error.isForWantOfSpace ? .diskFull(path: path) : .file(error)
  }
}
