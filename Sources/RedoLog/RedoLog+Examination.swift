package import Environment
package import Primitives

extension RedoLog {
  /// Reads the log of a database that does not open, and changes nothing: the headers of the
  /// segments that the checkpoint needs, and their batches. Goes on behind each damage.
  ///
  /// - Parameters: as for `recover`.
  /// - Parameter report: told each finding.
  /// - Returns: how many batches are sound.
  /// - Throws: `.file` when the directory or a file cannot be read at all.
  package static func examine(
    directory: String, id: DatabaseID, from: LogPosition,
    coveredThrough durablePosition: LogPosition, generation: Generation, effects: Effects,
    report: (CorruptionError) -> Void
  ) throws(LogError) -> Int {
    let files = SegmentFiles(effects: effects, directory: directory, database: id)
    guard let segments = try neededSegments(files, from, report) else { return 0 }
    var walk = LogExamination(segments: segments, generation: generation)
    let covered = Swift.max(durablePosition, from)
    while let finding = try walk.next(covered) { report(finding) }
    return walk.soundCount
  }

  /// The segments from the one on that holds a position, as far as their headers are sound.
  private static func neededSegments(
    _ files: SegmentFiles, _ from: LogPosition, _ report: (CorruptionError) -> Void
  ) throws(LogError) -> [LogSegment]? {
    let numbers = try fileCall(files.directory) { () throws(FileError) -> [UInt64] in
      try files.list(removingTemporaries: false)
    }
    var segments: [LogSegment] = []
    var damage: [CorruptionError] = []
    var hasStart = false
    for number in numbers {
      do throws(LogError) {
        let segment = try files.open(number, isWritable: false)
        var reader = SegmentReader(segment)
        if let start = try reader.claimedStart(), start <= from {
          (segments, damage, hasStart) = ([], [], true)
        }
        segments.append(segment)
      } catch .corrupt(let finding) {
        damage.append(finding.affecting("the commits in this segment and all later ones"))
      } catch .wrongDatabase(let path, let found) {
        damage.append(
          CorruptionError(
            location: path, expected: "a segment of this database", found: "one of \(found)",
            affects: "the commits that stood there and all later ones"))
      }
    }
    for finding in damage { report(finding) }
    if hasStart { return segments }
    report(
      CorruptionError(
        location: "log segments in \(files.directory)",
        expected: "one that holds position \(from.rawValue)",
        found: numbers.isEmpty ? "none" : "none whose first batch can be read",
        affects: "every commit since the newest checkpoint"))
    return nil
  }
}

/// Follows a chain of batches over its breaks.
private struct LogExamination {
  let segments: [LogSegment]
  let generation: Generation
  private(set) var soundCount = 0
  private var chain = BatchChain()
  private var newest: BatchHeader?
  private var index = 0
  private var offset = SegmentHeader.blockByteCount
  private var isAtEnd = false

  init(segments: [LogSegment], generation: Generation) {
    self.segments = segments
    self.generation = generation
  }

  /// The next finding; nil when there is no more.
  mutating func next(_ covered: LogPosition) throws(LogError) -> CorruptionError? {
    while !isAtEnd {
      var reader = SegmentReader(segments[index])
      var fault = "nothing"
      while true {
        let reading = try reader.batch(at: offset)
        guard case .success(let batch) = reading, chain.fault(of: batch.header) == nil else {
          fault = Self.words(for: reading, chain)
          break
        }
        chain.advance(over: batch.header)
        newest = batch.header
        soundCount += 1
        let place = offset
        offset += batch.header.storedByteCount
        if batch.header.generation > generation {
          isAtEnd = true
          return finding(
            place, "checkpoint \(generation.rawValue) or older",
            "checkpoint \(batch.header.generation.rawValue): the data file is an older copy",
            affects: "all that was committed since that copy")
        }
      }
      if try moveOn() { continue }
      if let finding = try skip(fault) { return finding }
      isAtEnd = true
      if (newest?.recordsEnd ?? .zero) < covered {
        return finding(
          offset, "batch \((newest?.number ?? 0) &+ 1), which the checkpoint says was durable",
          fault,
          affects: "the end of the log: whether more was committed cannot be told")
      }
    }
    return nil
  }

  /// Goes to the segment that begins with the very next batch.
  private mutating func moveOn() throws(LogError) -> Bool {
    guard chain.last != nil else { return false }
    for later in segments.indices where later > index {
      var reader = SegmentReader(segments[later])
      guard case .success(let batch) = try reader.batch(at: SegmentHeader.blockByteCount),
        chain.fault(of: batch.header) == nil
      else { continue }
      index = later
      offset = SegmentHeader.blockByteCount
      return true
    }
    return false
  }

  /// Goes on behind a damage, where a later batch proves that it is one.
  private mutating func skip(_ fault: String) throws(LogError) -> CorruptionError? {
    let before = BatchChain(last: newest)
    for later in segments.indices where later >= index {
      var reader = SegmentReader(segments[later])
      let begin = later == index ? offset : SegmentHeader.blockByteCount
      guard let found = try reader.firstBatch(from: begin, where: before.provesLoss) else {
        continue
      }
      let position = newest?.endPosition.rawValue
      let damage = finding(
        offset, newest.map { "batch \($0.number &+ 1)" } ?? "the first batch", fault,
        affects:
          "the commits \(position.map { "from log position \($0)" } ?? "from the checkpoint") "
          + "up to position \(found.header.position.rawValue), and whatever builds on them")
      chain = BatchChain()
      index = later
      offset = found.offset
      return damage
    }
    return nil
  }

  private func finding(
    _ offset: Int, _ expected: String, _ found: String, affects: String
  ) -> CorruptionError {
    CorruptionError(
      location: "\(segments[index].path), offset \(offset), log batch", expected: expected,
      found: found, affects: affects)
  }

  private static func words(
    for reading: Result<SegmentReader.Found, BatchFault>, _ chain: BatchChain
  ) -> String {
    switch reading {
    case .failure(let fault): fault.rawValue
    case .success(let batch): chain.fault(of: batch.header)?.rawValue ?? "nothing"
    }
  }
}
