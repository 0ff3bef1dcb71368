package import Primitives

extension ConflictHistory {
  /// Whether a reader's marks would be of use: a transaction of the SSI kind is active, besides
  /// the reader itself, that may have a snapshot older than the bound. Nobody else can be the
  /// pivot: who begins later takes a snapshot that is not older than the bound, which
  /// `Tracking.leastSnapshot` sees to.
  package func needsMarks(besides tracking: Tracking?, bound: Timestamp = .max) -> Bool {
    serializableCount - (isSerializable(tracking) ? 1 : 0) > 0 && oldestSerializableFloor < bound
  }

  /// A transaction commits: in the commit section, once its timestamp is taken, whatever its
  /// isolation level is.
  ///
  /// - Parameters:
  ///   - reads: What a serializable transaction has read; empty for all others. One of two-phase
  ///     locking notes its reads from its first one on, even while nobody is tracked: a pivot may
  ///     begin between that and the commit (rule M3b).
  ///   - earliestOut: From its certificate; nil for who had none.
  ///   - tracking: Its own, if it is tracked.
  /// - Complexity: nothing when nobody else is tracked, else constant for each key.
  package mutating func record(
    _ transaction: TransactionID, at timestamp: Timestamp, written: borrowing WrittenKeys,
    reads: borrowing ReadSet, earliestOut: EarliestOut? = nil, tracking: Tracking? = nil
  ) {
    if trackedCount == 0 {
      (unrecordedThrough, unmarkedThrough) = (timestamp, timestamp)
      return
    }
    recordTracked(transaction, timestamp, written, reads, earliestOut, tracking)
  }

  /// The same for who has no reads that count: snapshot isolation, read committed.
  package mutating func record(
    _ transaction: TransactionID, at timestamp: Timestamp, written: borrowing WrittenKeys
  ) {
    if trackedCount == 0 {
      (unrecordedThrough, unmarkedThrough) = (timestamp, timestamp)
      return
    }
    recordTracked(transaction, timestamp, written, ReadSet(), nil, nil)
  }

  /// A transaction commits that read and wrote nothing, and that is tracked: its reads are those of
  /// its snapshot, whatever its kind. Certified before, in the same section.
  package mutating func recordReader(_ tracking: Tracking, reads: borrowing ReadSet) {
    let member = members[indexOfMember(tracking)]
    guard let bound = member.snapshot else { preconditionFailure("a reader without a snapshot") }
    mark(member.transaction, bound, reads, tracking)
  }

  /// A transaction of the two-phase kind commits that wrote nothing. What it read was the newest
  /// state up to now.
  ///
  /// - Parameter bound: The newest commit timestamp.
  package mutating func recordReader(
    _ transaction: TransactionID, bound: Timestamp, reads: borrowing ReadSet
  ) {
    mark(transaction, bound, reads, nil)
  }

  private mutating func recordTracked(
    _ transaction: TransactionID, _ timestamp: Timestamp, _ written: borrowing WrittenKeys,
    _ reads: borrowing ReadSet, _ earliestOut: EarliestOut?, _ tracking: Tracking?
  ) {
    precondition(commits.last.map { $0.timestamp < timestamp } ?? true, "M8: commits in disorder")
    if let earliestOut { judge(pivotAt: timestamp, with: earliestOut.timestamp) }
    if trackedCount - (tracking == nil ? 0 : 1) == 0 {
      unrecordedThrough = timestamp
    } else if !written.isEmpty {
      keep(transaction, timestamp, written, earliestOut)
    }
    mark(transaction, timestamp, reads, tracking)
  }

  private mutating func keep(
    _ transaction: TransactionID, _ timestamp: Timestamp, _ written: borrowing WrittenKeys,
    _ earliestOut: EarliestOut?
  ) {
    let rest = MemoryLayout<Commit>.stride + written.bytes.count
    guard makeRoom(writes: written.count, rest: rest) else {
      for name in written.names {
        summary.noteWrite(
          of: name, at: timestamp, earliestOut: earliestOut?.timestamp, floor: oldestFloor)
      }
      return
    }
    let commit = commits.end
    let firstWrite = writes.end
    let firstByte = keyBytes.end
    keyBytes.append(contentsOf: written.bytes)
    for index in 0..<written.count {
      let range = written.range(ofKeyAt: index)
      writes.append(
        written.names[index],
        Write(
          timestamp: timestamp, commit: commit,
          keyStart: firstByte + range.lowerBound, keyEnd: firstByte + range.upperBound))
    }
    commits.append(
      Commit(
        transaction: transaction, timestamp: timestamp, earliestOut: earliestOut,
        writes: firstWrite..<writes.end))
  }

  /// Leaves marks on what was read, if they can matter (rule M3b).
  private mutating func mark(
    _ transaction: TransactionID, _ bound: Timestamp, _ reads: borrowing ReadSet,
    _ tracking: Tracking?
  ) {
    if reads.isEmpty { return }
    guard needsMarks(besides: tracking, bound: bound) else {
      unmarkedThrough = Swift.max(unmarkedThrough, bound)
      return
    }
    var rest = MemoryLayout<Reader>.stride
    for interval in reads.intervals {
      rest +=
        IntervalMark(interval: interval, bound: bound, transaction: transaction).byteCount
    }
    guard makeRoom(points: reads.points.count, rest: rest) else {
      for name in reads.points { summary.noteMark(of: name, bound: bound) }
      for interval in reads.intervals {
        summary.noteMark(ofIntervalIn: interval.interval.keyspace, bound: bound)
      }
      return
    }
    for name in reads.points {
      // The mark with the greatest bound speaks for all of its name, and lives as long as any.
      if let other = pointMarks.newest(of: name), pointMarks[other].payload.bound >= bound {
        continue
      }
      pointMarks.append(name, PointMark(bound: bound, transaction: transaction))
    }
    for interval in reads.intervals {
      let mark = IntervalMark(interval: interval, bound: bound, transaction: transaction)
      intervalMarkByteCount += mark.byteCount
      intervalMarks.append(mark)
    }
    readers.append(
      Reader(
        transaction: transaction, bound: bound, pointsEnd: pointMarks.end,
        intervalsEnd: intervalMarks.end))
  }

  func isSerializable(_ tracking: Tracking?) -> Bool {
    guard let tracking else { return false }
    return members[indexOfMember(tracking)].role == .serializableSnapshot
  }
}
