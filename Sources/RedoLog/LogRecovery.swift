internal import Environment
internal import Primitives
internal import RawBytes

/// One recovery: finds the segments, follows the chain of batches from the position of the
/// checkpoint to its end, and decides whether that end is torn or damaged.
///
/// The steps are called once each, in the order of their declaration. The first three only read.
struct LogRecovery {
  private let files: SegmentFiles
  private let from: LogPosition
  private let durablePosition: LogPosition
  private let generation: Generation
  /// Told of damage, where the recovery goes on behind it; nil where it refuses.
  private let report: ((LogDamage) -> Void)?
  /// Bytes of segments that are kept for followers, at most.
  private let retainedByteCount: Int
  /// From the one that holds `from` on; those before are in `obsolete`.
  private var segments: [LogSegment] = []
  private var obsolete: [LogSegment] = []
  private var nextSegmentNumber: UInt64 = 0
  private var chain = BatchChain()
  /// Where the chain ends: index into `segments`, and offset in it.
  private var index = 0
  private var offset = SegmentHeader.blockByteCount
  private var fault = "nothing"
  private var starts: [Int: UInt64] = [:]
  private var replayedByteCount: UInt64 = 0
  private var newestRecordEnd = LogPosition.zero

  /// Positions of a life begin so far behind the end of the one before, at least: more than can
  /// be appended and not durable.
  static let positionSkip: UInt64 = 1 << 32

  init(
    files: SegmentFiles, from: LogPosition, durablePosition: LogPosition, generation: Generation,
    retainedByteCount: Int, report: ((LogDamage) -> Void)?
  ) {
    self.report = report
    self.retainedByteCount = retainedByteCount
    self.files = files
    self.from = from
    self.durablePosition = durablePosition
    self.generation = generation
  }

  /// Opens all segments and finds the one to begin with: the last that claims to begin at or before
  /// `from` and whose first batch is sound. One whose first batch is not is begun with only when
  /// there is no other: it may be torn, and then all before it is elsewhere; if it is damaged, the
  /// chain ends short of `from` and `judgeEnd` says so. Damage in segments before the chosen one does
  /// not matter; in those behind it, it does.
  mutating func openSegments() throws(LogError) {
    let numbers = try fileCall(files.directory) { () throws(FileError) -> [UInt64] in
      try files.list(removingTemporaries: true)
    }
    if let last = numbers.last, last >= BatchHeader.numberLimit {
      throw .corrupt(
        CorruptionError(
          location: files.path(last), expected: "the number of a log segment below 2^62",
          found: "\(last)"))
    }
    nextSegmentNumber = (numbers.last ?? 0) + 1
    var damage: [LogDamage] = []
    var hasStart = false
    for number in numbers {
      do {
        let segment = try files.open(number, isWritable: true)
        var reader = SegmentReader(segment)
        var begins = false
        if let start = try reader.claimedStart(), start <= from {
          begins = hasStart ? try reader.hasSoundStart() : true
        }
        if begins {
          obsolete += segments
          segments = []
          hasStart = true
          damage = []
        }
        segments.append(segment)
      } catch .corrupt(let error) {
        damage.append(
          LogDamage(finding: error, lost: nil, unreadableSegment: files.path(number)))
      }
    }
    for found in damage { try meet(found) }
    if hasStart { return }
    try meet(
      LogDamage(
        finding: CorruptionError(
          location: "log segments in \(files.directory)",
          expected: "a log segment that holds position \(from.rawValue)",
          found: numbers.isEmpty ? "no log segments" : "log segments that begin later")))
    if segments.isEmpty { throw .corrupt(Self.nothing(files.directory)) }
  }

  /// Refuses because of damage, or reports it.
  private func meet(_ damage: LogDamage) throws(LogError) {
    guard let report else { throw .corrupt(damage.finding) }
    report(damage)
  }

  private static func nothing(_ directory: String) -> CorruptionError {
    CorruptionError(
      location: "log segments in \(directory)", expected: "a sound batch", found: "none")
  }

  /// Follows the chain and hands out the records from `from` on.
  mutating func readBatches(
    _ progress: (RecoveryProgress) -> Void, _ replay: (LogRecord) throws -> Void
  ) throws {
    var state = RecoveryProgress(
      bytesDone: 0, bytesTotal: segments.reduce(0) { $0 + UInt64($1.byteCount) }, records: 0)
    repeat {
      let segment = segments[index]
      var reader = SegmentReader(segment)
      while let batch = try next(&reader) {
        starts[index] = starts[index] ?? batch.header.position.rawValue
        let location = "\(segment.path), offset \(offset), log batch \(batch.header.number)"
        try checkGeneration(batch.header, location)
        try LogRecord.forEach(in: batch.payload, of: batch.header, location: location) { record in
          guard record.start >= from else { return }
          state.records += 1
          try replay(record)
        }
        if batch.header.recordCount > 0 { newestRecordEnd = batch.header.recordsEnd }
        chain.advance(over: batch.header)
        offset += batch.header.storedByteCount
        if batch.header.endPosition > from {
          replayedByteCount += UInt64(batch.header.storedByteCount)
        }
        state.bytesDone += UInt64(batch.header.storedByteCount)
        progress(state)
      }
    } while try moveOn() || skip()
    state.bytesTotal = state.bytesDone
    progress(state)
  }

  /// The batch at `offset`, if it follows; notes why not.
  private mutating func next(
    _ reader: inout SegmentReader
  ) throws(LogError) -> SegmentReader.Found? {
    switch try reader.batch(at: offset) {
    case .failure(let failure): fault = failure.rawValue
    case .success(let batch):
      guard let reason = chain.fault(of: batch.header) else {
        try checkPossible(batch.header, in: reader.segment)
        return batch
      }
      fault = reason.rawValue
    }
    return nil
  }

  /// A sound batch with numbers that no log reaches was not written by this engine, nor torn.
  private func checkPossible(
    _ header: BatchHeader, in segment: LogSegment
  ) throws(LogError) {
    if header.isPossible { return }
    throw .corrupt(
      CorruptionError(
        location: "\(segment.path), offset \(offset), log batch \(header.number)",
        expected: "a number and a position below 2^62, a ceiling below 2^63",
        found: "position \(header.position.rawValue), durable \(header.durablePosition.rawValue), "
          + "ceiling \(header.ceiling)"))
  }

  /// Goes on behind damage, where that is wanted and a later sound batch proves it (rule W2).
  private mutating func skip() throws(LogError) -> Bool {
    guard let report, let later = try laterBatch() else { return false }
    // What lies before `from` is needed by nobody, whatever has become of it.
    let start = Swift.max(chain.last?.endPosition ?? from, from)
    if later.header.position > start {
      report(
        LogDamage(
          finding: loss(later.header, in: later.place, at: later.offset),
          lost: start..<later.header.position))
    }
    chain = BatchChain()
    index = later.place
    offset = later.offset
    return true
  }

  /// The first sound batch behind the end of the chain that proves that it went on once.
  private func laterBatch() throws(LogError) -> (place: Int, offset: Int, header: BatchHeader)? {
    for place in segments.indices where place >= index {
      var reader = SegmentReader(segments[place])
      let begin = place == index ? offset : SegmentHeader.blockByteCount
      if let later = try reader.firstBatch(from: begin, where: chain.provesLoss) {
        return (place, later.offset, later.header)
      }
    }
    return nil
  }

  private func loss(_ header: BatchHeader, in place: Int, at found: Int) -> CorruptionError {
    damage("\(fault), and batch \(header.number) at offset \(found) of \(segments[place].path)")
  }

  private func damage(_ found: String) -> CorruptionError {
    CorruptionError(
      location: "\(segments[index].path), offset \(offset), log batch",
      expected: chain.last.map { "batch \($0.number &+ 1)" } ?? "the first batch", found: found)
  }

  /// Goes to the segment that begins with the very next batch, if there is one.
  private mutating func moveOn() throws(LogError) -> Bool {
    guard chain.last != nil else { return false }
    for later in segments.indices where later > index {
      var reader = SegmentReader(segments[later])
      if case .success(let batch) = try reader.batch(at: SegmentHeader.blockByteCount),
        chain.fault(of: batch.header) == nil
      {
        index = later
        offset = SegmentHeader.blockByteCount
        return true
      }
    }
    return false
  }

  private func checkGeneration(_ header: BatchHeader, _ location: String) throws(LogError) {
    guard header.generation <= generation else {
      throw .corrupt(
        CorruptionError(
          location: location, expected: "checkpoint \(generation.rawValue) or older",
          found: "checkpoint \(header.generation.rawValue): the superblock is older than the log"))
    }
  }

  /// Torn or damaged: rule W2.
  func judgeEnd() throws(LogError) {
    guard let last = chain.last else { throw .corrupt(damage(fault)) }
    if let later = try laterBatch() {
      throw .corrupt(loss(later.header, in: later.place, at: later.offset))
    }
    let covered = Swift.max(durablePosition, from)
    if last.recordsEnd >= covered { return }
    try meet(
      LogDamage(
        finding: damage("\(fault), but the checkpoint says that it was durable"),
        lost: last.endPosition..<Swift.max(last.endPosition, covered)))
  }

  /// Divides the segments before the needed ones: the newest, as far as there is room for them and
  /// each begins with a batch before the one behind it, are kept for followers, who find out by
  /// themselves whether they are whole (LF2).
  private func sortObsolete() throws(LogError) -> (kept: [LiveSegment], unneeded: [LogSegment]) {
    var kept: [LiveSegment] = []
    var room = retainedByteCount
    var end = starts[0] ?? from.rawValue
    for segment in obsolete.reversed() {
      var reader = SegmentReader(segment)
      // One that was made ahead and never used is between others as if it were not there.
      guard let start = try reader.claimedStart() else { continue }
      guard segment.byteCount <= room, start.rawValue < end, try reader.hasSoundStart() else {
        break
      }
      kept.insert(LiveSegment(segment: segment, start: start.rawValue), at: 0)
      room -= segment.byteCount
      end = start.rawValue
    }
    let isKept = { (segment: LogSegment) in kept.contains { $0.segment === segment } }
    return (kept, obsolete.filter { !isKept($0) })
  }

  /// Makes what was found durable, and says where to go on. Segments behind the end hold nothing
  /// and are given new salts or removed by whoever takes over.
  func cut() throws(LogError) -> LogBeginning {
    guard let last = chain.last else { preconditionFailure("the end is judged first") }
    try fileCall(segments[index].path) { () throws(FileError) in
      // The last batch may be in a cache only, if the process and not the machine went down.
      try segments[index].file.sync(.full)
      try files.syncDirectory()
    }
    // Not even a position that damage took is given again.
    var position = Swift.max(last.endPosition, durablePosition, from).rawValue
    if !last.flags.contains(.closing) || position != last.endPosition.rawValue {
      position = (position / Self.positionSkip + 2) * Self.positionSkip
    }
    let isLive = { place in place <= index && starts[place] != nil }
    let (kept, unneeded) = try sortObsolete()
    return LogBeginning(
      position: LogPosition(position), number: last.number + 1, previousChecksum: last.checksum,
      recordsEnd: last.recordsEnd, newestRecordEnd: newestRecordEnd, ceiling: last.ceiling,
      generation: generation,
      kept: kept,
      live: segments.indices.filter(isLive).map { place in
        LiveSegment(segment: segments[place], start: starts[place] ?? 0)
      },
      offset: offset,
      retired: unneeded + segments.indices.filter { !isLive($0) }.map { segments[$0] },
      nextSegmentNumber: nextSegmentNumber, replayFrom: from, byteCount: replayedByteCount)
  }
}
