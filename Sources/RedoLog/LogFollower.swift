internal import Environment
package import Primitives
internal import RawBytes

/// Reads the durable part of a log that goes on, record by record from a mark.
///
/// The naive way keeps what is appended in memory until everybody has read it: a slow reader then
/// costs memory without bound. Here a reader holds a place and no bytes; it reads the segments that
/// recovery would read, kept ones before them included, and looks for its place anew when its segment
/// was given back meanwhile.
///
/// ```text
///    kept                      live                     being written
///   [ h b b b ][ h b b b b b ][ h b b ▲ b b b │ ········ ]
///                                   mark      durable end: nothing behind it is read
/// ```
///
/// Used by one thread at a time.
///
/// - Invariant LF1: records come in the order of the log, each once, none behind the durable end.
/// - Invariant LF2: batches follow each other as in recovery (`BatchChain`), from the mark's own
///   batch on, whose checksum must be the mark's. So nothing is left out unseen: what does not
///   follow is `LogPositionLost` or damage.
/// - Invariant LF3: while it reads, no segment is given back; between two reads, any may.
// SENDABLE: used by one thread at a time.
package final class LogFollower: @unchecked Sendable {
  /// How a read ended.
  package enum Outcome: Sendable, Equatable {
    /// It was told to stop, or has read enough for once: there may be more.
    case more
    /// Everything durable is read.
    case caughtUp
  }

  private let log: RedoLog
  /// Behind what was handed out last; for `body`, behind the record that it is given.
  package private(set) var mark: LogMark
  private let floor: LogPosition
  private let byteBudget: UInt64
  private var place: Place?
  /// Whether the walk has come to the mark that was asked for.
  private var hasMetMark = false

  /// Where the next batch is to be read, or the rest of one.
  private struct Place {
    var segmentNumber: UInt64
    var offset: Int
    /// The batches before.
    var chain: BatchChain
  }

  /// - Parameters:
  ///   - mark: where to begin.
  ///   - floor: continuation records from here on are handed out too, as past ones, as far as the log
  ///     holds them.
  ///   - byteBudget: bytes of batches after which a read returns by itself.
  package init(
    _ log: RedoLog, from mark: LogMark, floor: LogPosition, byteBudget: Int = 4 << 20
  ) {
    self.log = log
    self.mark = mark
    self.floor = floor
    self.byteBudget = UInt64(byteBudget)
  }

  /// Hands out what comes next. `body` says whether it wants more; `isPast` marks records before the
  /// mark, of which only continuations are handed out.
  ///
  /// - Throws: `LogPositionLost`; `LogError`; what `body` throws.
  package func read(_ body: (_ record: LogRecord, _ isPast: Bool) throws -> Bool) throws -> Outcome
  {
    let (segments, end, _) = log.pinSegments()
    defer { log.unpinSegments() }
    var byteCount: UInt64 = 0
    var index = try startIndex(segments, end)
    while var place {
      if place.chain.last?.number == end.number { return .caughtUp }
      var reader = SegmentReader(segments[index].segment)
      while place.chain.last?.number != end.number {
        guard let batch = try next(&reader, place, segments, index, end) else { break }
        let isWhole = try handOut(batch, reader.segment, place.offset, body)
        if !isWhole { return .more }
        place.chain.advance(over: batch.header)
        place.offset += batch.header.storedByteCount
        self.place = place
        byteCount += UInt64(batch.header.storedByteCount)
        if byteCount >= byteBudget { return .more }
      }
      if place.chain.last?.number == end.number { return .caughtUp }
      index += 1
      place.segmentNumber = segments[index].segment.number
      place.offset = SegmentHeader.blockByteCount
      self.place = place
    }
    preconditionFailure("a follower without a place")
  }

  // MARK: Finding the place

  /// The index of the segment to read, with `place` in it.
  private func startIndex(_ segments: [LiveSegment], _ end: LogMark) throws -> Int {
    if let place,
      let index = segments.firstIndex(where: { $0.segment.number == place.segmentNumber })
    {
      return index
    }
    if mark.number > end.number {
      throw LogPositionLost(
        reason: "it lies ahead of the log, which is an older copy of the one it was taken from")
    }
    guard let first = segments.first else { preconditionFailure("a log without segments") }
    let isResumed = place != nil
    hasMetMark = false
    let wanted = isResumed ? mark.position : Swift.min(floor, mark.position)
    let index: Int
    if first.start <= mark.position.rawValue {
      index = segments.lastIndex { $0.start <= wanted.rawValue } ?? 0
    } else {
      // What the log holds may begin with the very next batch.
      try requireNext(first.segment)
      hasMetMark = true
      index = 0
    }
    place = Place(
      segmentNumber: segments[index].segment.number, offset: SegmentHeader.blockByteCount,
      chain: BatchChain())
    return index
  }

  /// Checks that a segment begins with the batch behind the mark's.
  private func requireNext(_ segment: LogSegment) throws {
    var reader = SegmentReader(segment)
    // Of a batch that was handed out in part the rest would be left out.
    guard mark.isWhole,
      case .success(let batch) = try reader.batch(at: SegmentHeader.blockByteCount),
      batch.header.number == mark.number + 1, batch.header.previousChecksum == mark.checksum
    else {
      throw LogPositionLost(
        reason: "the segments of the log that came behind it were given back")
    }
  }

  // MARK: Reading

  /// The batch at the place; nil when it is the first of the next segment.
  private func next(
    _ reader: inout SegmentReader, _ place: Place, _ segments: [LiveSegment], _ index: Int,
    _ end: LogMark
  ) throws -> SegmentReader.Found? {
    var fault: String
    let isChecksum: Bool
    switch try reader.batch(at: place.offset) {
    case .success(let batch):
      guard let reason = place.chain.fault(of: batch.header) else { return batch }
      (fault, isChecksum) = (reason.rawValue, false)
    case .failure(let reason): (fault, isChecksum) = (reason.rawValue, reason == .checksum)
    }
    let location = "\(reader.segment.path), offset \(place.offset), log batch"
    let later = try reader.firstBatch(from: place.offset) {
      place.chain.provesLoss($0) && $0.number <= end.number
    }
    if later == nil, place.chain.last != nil, index + 1 < segments.count {
      var following = SegmentReader(segments[index + 1].segment)
      if case .success(let batch) = try following.batch(at: SegmentHeader.blockByteCount) {
        if place.chain.fault(of: batch.header) == nil { return nil }
        if !isChecksum {
          throw LogPositionLost(
            reason: "the log has a gap behind it, between \(reader.segment.path) and "
              + "\(following.segment.path)")
        }
      } else {
        fault += ", and the next segment does not begin with it"
      }
    }
    throw LogError.corrupt(
      CorruptionError(
        location: location,
        expected: place.chain.last.map { "batch \($0.number &+ 1)" } ?? "a batch", found: fault))
  }

  /// Hands out the records of a batch behind the mark. False: the body had enough before its end.
  private func handOut(
    _ batch: SegmentReader.Found, _ segment: LogSegment, _ offset: Int,
    _ body: (LogRecord, Bool) throws -> Bool
  ) throws -> Bool {
    let header = batch.header
    let past = try pastCount(of: header)
    var count: UInt32 = 0
    var wantsMore = true
    var isWhole = true
    let location = "\(segment.path), offset \(offset), log batch \(header.number)"
    try LogRecord.forEach(in: batch.payload, of: header, location: location) { record in
      count += 1
      if count <= past {
        if record.kind == .continuation, record.start >= floor { _ = try body(record, true) }
        return
      }
      guard wantsMore else {
        isWhole = false
        return
      }
      mark = LogMark(
        number: header.number, position: header.position, checksum: header.checksum,
        recordCount: count, isWhole: count == header.recordCount)
      wantsMore = try body(record, false)
    }
    if isWhole, hasMetMark { mark = LogMark(behind: header) }
    return isWhole
  }

  /// How many records of a batch lie before the mark.
  private func pastCount(of header: BatchHeader) throws -> UInt32 {
    if header.number == mark.number {
      guard header.position == mark.position, header.checksum == mark.checksum else {
        throw Self.otherHistory
      }
      hasMetMark = true
      return mark.recordCount
    }
    if hasMetMark { return 0 }
    guard header.number < mark.number else { throw Self.otherHistory }
    return .max
  }

  private static let otherHistory = LogPositionLost(
    reason: "the log holds another history: the database was replaced by an older copy")
}
