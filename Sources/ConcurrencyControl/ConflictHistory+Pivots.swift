import Primitives

extension ConflictHistory {
  /// Where a mark was found on what a transaction writes.
  struct InwardEdge {
    let transaction: TransactionID?
    let edge: ConflictExplanation.Edge
  }

  /// Whether the transaction would be a pivot: it has out-edges, and a reader of what it writes has
  /// a bound that is not older than the first of its out-neighbours.
  func searchInward(
    _ search: OutwardSearch, _ reads: borrowing ReadSet, _ written: borrowing WrittenKeys
  ) -> ConflictExplanation? {
    guard let earliest = search.earliest else { return nil }
    var coarse: InwardEdge?
    for index in 0..<written.count {
      let name = written.names[index]
      guard let mark = pointMarks.newest(of: name).map({ pointMarks[$0].payload }),
        mark.bound >= earliest.timestamp
      else { continue }
      let edge = InwardEdge(
        transaction: mark.transaction, edge: .init(place: .name(name), key: written.key(at: index)))
      if let exact = search.exact, mark.bound >= exact.timestamp {
        return pivot(search, reads, exact, edge, isCoarse: false)
      }
      coarse = coarse ?? edge
    }
    for sequence in intervalMarks.start..<intervalMarks.end {
      let mark = intervalMarks[sequence]
      guard mark.bound >= earliest.timestamp,
        let index = written.firstIndex(in: mark.interval.interval)
      else { continue }
      let edge = InwardEdge(
        transaction: mark.transaction,
        edge: .init(place: .interval(mark.interval.interval), key: written.key(at: index)))
      if let exact = search.exact, mark.bound >= exact.timestamp, !mark.interval.isCoarse {
        return pivot(search, reads, exact, edge, isCoarse: false)
      }
      coarse = coarse ?? edge
    }
    if coarse == nil { coarse = summarizedMark(from: earliest.timestamp, written) }
    return coarse.flatMap { pivot(search, reads, earliest, $0, isCoarse: true) }
  }

  /// A summarised mark that may be on what is written.
  private func summarizedMark(
    from bound: Timestamp, _ written: borrowing WrittenKeys
  ) -> InwardEdge? {
    guard summary.whole.newestMark >= bound else { return nil }
    for index in 0..<written.count {
      let name = written.names[index]
      if summary.bucket(of: name).newestMark >= bound {
        return InwardEdge(
          transaction: nil, edge: .init(place: .name(name), key: written.key(at: index)))
      }
      if summary.bucket(of: name.keyspace).newestMark >= bound {
        return InwardEdge(
          transaction: nil,
          edge: .init(place: .keyspace(name.keyspace), key: written.key(at: index)))
      }
    }
    return nil
  }

  private func pivot(
    _ search: OutwardSearch, _ reads: borrowing ReadSet, _ outward: OutwardSearch.Found,
    _ inward: InwardEdge, isCoarse: Bool
  ) -> ConflictExplanation? {
    explanation(
      .pivot, isCoarse: isCoarse, search, reads, outward: outward.place, inward: inward)
  }

  /// Puts a refusal into words.
  func explanation(
    _ cause: ConflictExplanation.Cause, isCoarse: Bool, _ search: OutwardSearch,
    _ reads: borrowing ReadSet, outward: OutwardSearch.Place, inward: InwardEdge?
  ) -> ConflictExplanation {
    var outgoing: TransactionID?
    let edge: ConflictExplanation.Edge
    func key(_ write: Int) -> [UInt8] { keyBytes.bytes(writes[write].payload.key) }
    switch outward {
    case .write(let write):
      outgoing = commits[writes[write].payload.commit].transaction
      edge = .init(place: .name(writes[write].name), key: key(write))
    case .interval(let index, let write):
      outgoing = commits[writes[write].payload.commit].transaction
      edge = .init(place: .interval(reads.intervals[index].interval), key: key(write))
    case .summarizedPoint(let name):
      edge = .init(place: .name(name), key: nil)
    case .summarizedInterval(let index):
      edge = .init(place: .interval(reads.intervals[index].interval), key: nil)
    }
    return ConflictExplanation(
      cause: cause, isCoarse: isCoarse, transaction: search.transaction,
      incoming: inward?.transaction, outgoing: outgoing, incomingEdge: inward?.edge,
      outgoingEdge: edge)
  }
}
