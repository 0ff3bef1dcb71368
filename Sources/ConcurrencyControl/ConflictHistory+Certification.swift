import Primitives

extension ConflictHistory {
  /// Whether a transaction may commit now. In the commit section, before its timestamp is taken.
  ///
  /// Not for two-phase locking nor for plain snapshot isolation: those commit without asking.
  ///
  /// - Parameters:
  ///   - reads: What it read, over all its savepoints.
  ///   - written: What it writes; empty if it wrote nothing, whatever was declared (rule S3).
  ///   - mustBeNewest: Whether everything it read has to be the newest still, although it is no
  ///     optimistic transaction: it has overwritten, without reading it, what was committed after
  ///     its snapshot, and so stands behind that in every order. With nothing overwritten that it
  ///     read it can stand at its commit; otherwise it would stand at both places.
  /// - Complexity: for each point a look-up, for each interval and each commit since the snapshot
  ///   a binary search in the commit's keys; nothing when nobody committed since. Marks are
  ///   searched only by who has out-edges.
  package func certify(
    _ tracking: Tracking, reads: borrowing ReadSet, written: borrowing WrittenKeys,
    mustBeNewest: Bool = false
  ) -> Certificate {
    let member = members[indexOfMember(tracking)]
    guard let snapshot = member.snapshot else { preconditionFailure("a commit without a snapshot") }
    precondition(member.role != .readOnly || written.isEmpty, "a read-only transaction that wrote")
    guard hasCommits(since: snapshot), !reads.isEmpty else { return .granted(earliestOut: nil) }

    var search = OutwardSearch(
      transaction: member.transaction, snapshot: snapshot, hasWrites: !written.isEmpty,
      mustBeNewest: (member.role == .optimistic || mustBeNewest) && !written.isEmpty)
    if let refusal = searchOutward(&search, reads) { return .refused(refusal) }
    guard member.role == .serializableSnapshot, !written.isEmpty, let out = search.earliestOut
    else { return .granted(earliestOut: nil) }
    if let refusal = searchInward(search, reads, written) { return .refused(refusal) }
    return .granted(earliestOut: out)
  }

  /// Whether anybody committed a write after a snapshot.
  private func hasCommits(since snapshot: Timestamp) -> Bool {
    if let newest = commits.last, newest.timestamp > snapshot { return true }
    return summary.whole.newestWrite > snapshot
  }
}

/// What the search for out-edges has found so far.
struct OutwardSearch {
  /// Where an edge was found; explained only if it leads to a refusal.
  enum Place {
    case write(Int)
    case interval(Int, write: Int)
    case summarizedPoint(LockName)
    case summarizedInterval(Int)
  }

  struct Found {
    let timestamp: Timestamp
    let place: Place
  }

  let transaction: TransactionID
  let snapshot: Timestamp
  let hasWrites: Bool
  /// Optimistic with writes: any out-edge refuses (rule M4).
  let mustBeNewest: Bool
  /// The out-neighbour that committed first, among those that certainly are.
  var exact: Found?
  /// Among those that may be none.
  var coarse: Found?
  /// A refusal for which an exact reason may still be found.
  var coarseRefusal: ConflictExplanation?

  /// The first out-neighbour.
  var earliest: Found? {
    guard let exact else { return coarse }
    guard let coarse else { return exact }
    return coarse.timestamp < exact.timestamp ? coarse : exact
  }

  var earliestOut: EarliestOut? {
    earliest.map { found in
      EarliestOut(
        timestamp: found.timestamp, isCoarse: exact.map { $0.timestamp > found.timestamp } ?? true)
    }
  }

  mutating func note(_ found: Found, isCoarse: Bool) {
    if isCoarse {
      if coarse.map({ found.timestamp < $0.timestamp }) ?? true { coarse = found }
    } else if exact.map({ found.timestamp < $0.timestamp }) ?? true {
      exact = found
    }
  }

  /// Whether the transaction would be the `Tin` of a pivot that has committed (rules S2, S3).
  func isReader(ofPivotWith earliestOut: Timestamp) -> Bool {
    hasWrites || earliestOut <= snapshot
  }
}

extension ConflictHistory {
  /// Finds who overwrote what was read. Returns why the transaction must not commit, if so.
  private func searchOutward(
    _ search: inout OutwardSearch, _ reads: borrowing ReadSet
  ) -> ConflictExplanation? {
    let firstCommit = firstCommit(after: search.snapshot)
    if firstCommit < commits.end {
      let firstWrite = commits[firstCommit].writes.lowerBound
      if writes.end - firstWrite < reads.points.count {
        // Few commits since a snapshot of which much was read.
        for write in firstWrite..<writes.end where reads.contains(writes[write].name) {
          if let refusal = meet(.write(write), write, false, &search, reads) { return refusal }
        }
      } else {
        for index in reads.points.indices {
          var next = writes.newest(of: reads.points[index])
          while let write = next, writes[write].payload.timestamp > search.snapshot {
            if let refusal = meet(.write(write), write, false, &search, reads) { return refusal }
            next = writes.older(than: write)
          }
        }
      }
      for index in reads.intervals.indices {
        for commit in firstCommit..<commits.end {
          guard let write = write(of: commit, in: reads.intervals[index].interval) else {
            continue
          }
          if let refusal = meet(
            .interval(index, write: write), write, reads.intervals[index].isCoarse, &search, reads)
          {
            return refusal
          }
        }
      }
    }
    if summary.whole.newestWrite > search.snapshot { searchSummary(&search, reads) }
    return search.coarseRefusal
  }

  /// An out-edge to a recorded commit.
  @inline(__always)
  private func meet(
    _ place: OutwardSearch.Place, _ write: Int, _ isCoarse: Bool, _ search: inout OutwardSearch,
    _ reads: borrowing ReadSet
  ) -> ConflictExplanation? {
    let commit = commits[writes[write].payload.commit]
    search.note(.init(timestamp: commit.timestamp, place: place), isCoarse: isCoarse)
    let cause: ConflictExplanation.Cause
    var isCoarse = isCoarse
    if search.mustBeNewest {
      cause = .staleRead
    } else if let out = commit.earliestOut, search.isReader(ofPivotWith: out.timestamp) {
      cause = .readerOfPivot
      isCoarse = isCoarse || out.isCoarse
    } else {
      return nil
    }
    guard !isCoarse || search.coarseRefusal == nil else { return nil }
    let refusal = explanation(
      cause, isCoarse: isCoarse, search, reads, outward: place, inward: nil)
    if !isCoarse { return refusal }
    search.coarseRefusal = refusal
    return nil
  }

  /// Out-edges that there may be to summarised commits. Their timestamps are only known to be newer
  /// than the snapshot, so the least possible one counts.
  private func searchSummary(_ search: inout OutwardSearch, _ reads: borrowing ReadSet) {
    for name in reads.points {
      meet(summary.bucket(of: name), .summarizedPoint(name), &search, reads)
    }
    for index in reads.intervals.indices {
      let bucket = summary.bucket(of: reads.intervals[index].interval.keyspace)
      meet(bucket, .summarizedInterval(index), &search, reads)
    }
  }

  private func meet(
    _ bucket: ConflictSummary.Bucket, _ place: OutwardSearch.Place,
    _ search: inout OutwardSearch, _ reads: borrowing ReadSet
  ) {
    guard bucket.newestWrite > search.snapshot else { return }
    let least = Timestamp(search.snapshot.rawValue + 1)
    search.note(.init(timestamp: least, place: place), isCoarse: true)
    guard search.coarseRefusal == nil else { return }
    let isReaderOfPivot =
      bucket.leastOut != .max && search.isReader(ofPivotWith: bucket.leastOut)
    guard search.mustBeNewest || isReaderOfPivot else { return }
    search.coarseRefusal = explanation(
      search.mustBeNewest ? .historyLost : .readerOfPivot, isCoarse: true, search, reads,
      outward: place, inward: nil)
  }

  /// The first commit that is newer than a snapshot.
  func firstCommit(after snapshot: Timestamp) -> Int {
    KeyOrder.partition(commits.start..<commits.end) { commits[$0].timestamp <= snapshot }
  }

  /// The first key of a commit that an interval contains.
  private func write(of commit: Int, in interval: KeyInterval) -> Int? {
    let range = commits[commit].writes
    let index = KeyOrder.partition(range) { index in
      let write = writes[index]
      if write.name.keyspace != interval.keyspace { return write.name.keyspace < interval.keyspace }
      return keyBytes.isKey(at: write.payload.key, before: interval.lower)
    }
    guard index < range.upperBound, writes[index].name.keyspace == interval.keyspace else {
      return nil
    }
    guard let upper = interval.upper else { return index }
    return keyBytes.isKey(at: writes[index].payload.key, before: upper) ? index : nil
  }
}
