import Primitives

extension ConflictHistory {
  /// Records and marks that are kept one by one.
  package var recordCount: Int { commits.count }
  package var markCount: Int { pointMarks.count + intervalMarks.count }

  /// Bytes that records and marks take: at most the budget.
  package var byteCount: Int { recordByteCount + markByteCount }

  /// Bytes that the tables have allocated, the summary's too: arrays grow by doubling, so up to
  /// twice the budget. The bounds of marked intervals are not in it.
  package var allocatedByteCount: Int {
    commits.allocatedByteCount + writes.allocatedByteCount + keyBytes.allocatedByteCount
      + readers.allocatedByteCount + pointMarks.allocatedByteCount
      + intervalMarks.allocatedByteCount + summary.byteCount
  }

  private var recordByteCount: Int { commits.byteCount + writes.byteCount + keyBytes.byteCount }

  private var markByteCount: Int {
    readers.byteCount + pointMarks.byteCount + intervalMarkByteCount
  }

  /// Makes room for more by summarising the oldest (invariant H4).
  ///
  /// - Returns: false when it would not fit into an empty history: it is summarised itself.
  ///
  /// - Parameters:
  ///   - writes: keys of a commit.
  ///   - points: keys that a reader read.
  ///   - rest: bytes of everything else.
  mutating func makeRoom(writes addedWrites: Int = 0, points: Int = 0, rest: Int) -> Bool {
    func needed() -> Int {
      rest + (addedWrites > 0 ? writes.growth(adding: addedWrites) : 0)
        + (points > 0 ? pointMarks.growth(adding: points) : 0)
    }
    if needed() > byteBudget / 2 { return false }
    while byteCount + needed() > byteBudget {
      if recordByteCount >= markByteCount, !commits.isEmpty {
        summarizeOldestCommit()
      } else if !readers.isEmpty {
        summarizeOldestReader()
      } else if !commits.isEmpty {
        summarizeOldestCommit()
      } else {
        return false
      }
    }
    return true
  }

  /// Drops what nobody active can need (invariant H3).
  mutating func prune() {
    if let oldest = commits.first, oldest.timestamp <= oldestFloor {
      let kept = firstCommit(after: oldestFloor)
      unrecordedThrough = Swift.max(unrecordedThrough, commits[kept - 1].timestamp)
      removeCommits(before: kept)
    }
    var kept = readers.start
    while kept < readers.end, readers[kept].bound <= oldestSerializableFloor {
      unmarkedThrough = Swift.max(unmarkedThrough, readers[kept].bound)
      kept += 1
    }
    removeReaders(before: kept)
    let (newestWrite, newestMark) = (summary.whole.newestWrite, summary.whole.newestMark)
    if newestWrite != .zero, newestWrite <= oldestFloor {
      unrecordedThrough = Swift.max(unrecordedThrough, newestWrite)
      summary.forgetWrites()
    }
    if newestMark != .zero, newestMark <= oldestSerializableFloor {
      unmarkedThrough = Swift.max(unmarkedThrough, newestMark)
      summary.forgetMarks()
    }
  }

  private mutating func summarizeOldestCommit() {
    let commit = commits[commits.start]
    for write in commit.writes {
      summary.noteWrite(
        of: writes[write].name, at: commit.timestamp, earliestOut: commit.earliestOut?.timestamp,
        floor: oldestFloor)
    }
    removeCommits(before: commits.start + 1)
  }

  private mutating func summarizeOldestReader() {
    let reader = readers[readers.start]
    for index in pointMarks.start..<reader.pointsEnd {
      summary.noteMark(of: pointMarks[index].name, bound: reader.bound)
    }
    for index in intervalMarks.start..<reader.intervalsEnd {
      summary.noteMark(
        ofIntervalIn: intervalMarks[index].interval.interval.keyspace, bound: reader.bound)
    }
    removeReaders(before: readers.start + 1)
  }

  private mutating func removeCommits(before kept: Int) {
    let writesEnd = commits[kept - 1].writes.upperBound
    keyBytes.removeAll(before: writes[writesEnd - 1].payload.keyEnd)
    writes.removeAll(before: writesEnd)
    commits.removeAll(before: kept)
  }

  private mutating func removeReaders(before kept: Int) {
    guard kept > readers.start else { return }
    let last = readers[kept - 1]
    for index in intervalMarks.start..<last.intervalsEnd {
      intervalMarkByteCount -= intervalMarks[index].byteCount
    }
    pointMarks.removeAll(before: last.pointsEnd)
    intervalMarks.removeAll(before: last.intervalsEnd)
    readers.removeAll(before: kept)
  }
}
