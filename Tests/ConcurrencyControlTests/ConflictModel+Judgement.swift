import ConcurrencyControl
import Primitives

extension ConflictModel {
  /// The rule in its plainest form, over everything that was ever committed.
  struct Expectation {
    var cause: ConflictExplanation.Cause?
    var earliestOut: UInt64?
  }

  func expectation(of index: Int) -> Expectation {
    let own = transactions[index]
    let outs = transactions.indices.filter { other in
      guard other != index, let timestamp = transactions[other].timestamp else { return false }
      return timestamp > own.snapshot && transactions[other].writes & own.noted != 0
    }
    let hasWrites = own.writes != 0
    if own.role == .optimistic, hasWrites {
      return Expectation(cause: outs.isEmpty ? nil : .staleRead)
    }
    for out in outs {
      if let earliest = transactions[out].earliestOut, hasWrites || earliest <= own.snapshot {
        return Expectation(cause: .readerOfPivot)
      }
    }
    guard own.role == .serializable, hasWrites,
      let earliest = outs.compactMap({ transactions[$0].timestamp }).min()
    else { return Expectation() }
    let isPivot = transactions.indices.contains { other in
      guard other != index, let bound = transactions[other].bound else { return false }
      return bound >= earliest && transactions[other].noted & own.writes != 0
    }
    return isPivot ? Expectation(cause: .pivot) : Expectation(earliestOut: earliest)
  }

  /// Holds a verdict against the rule: the same when nothing is summarised, else never milder,
  /// and stricter only if it says so.
  mutating func check(_ certificate: Certificate, of index: Int) {
    let expected = expectation(of: index)
    transactions[index].earliestOut = expected.earliestOut
    switch certificate {
    case .granted(let out):
      guard flaw == nil else { return }
      if let cause = expected.cause { complain("granted, though \(cause)") }
      let given = out?.timestamp.rawValue
      if sizes.isExact, !sizes.hasCollisions, given != expected.earliestOut {
        complain("another earliestOut")
      }
      if let earliest = expected.earliestOut, (given ?? .max) > earliest {
        complain("a later earliestOut")
      }
    case .refused(let explanation):
      counts.refusals[
        explanation.cause.rawValue + (explanation.isCoarse ? ", coarse" : ""), default: 0] += 1
      if !closesCircle(index) { counts.refusalsWithoutCircle += 1 }
      guard flaw == nil, !sizes.hasCollisions else { return }
      if sizes.isExact, explanation.isCoarse { complain("coarse without a reason") }
      if expected.cause == nil, !explanation.isCoarse { complain("refused without a reason") }
      if sizes.isExact, explanation.cause != expected.cause {
        complain("refused as \(explanation.cause), not as \(String(describing: expected.cause))")
      }
      if !explanation.isCoarse { check(explanation, of: index) }
    }
  }

  /// The parties and places that are named are really in it.
  private mutating func check(_ explanation: ConflictExplanation, of index: Int) {
    guard explanation.transaction == TransactionID(UInt64(index)) else {
      return complain("another victim")
    }
    guard let outgoing = explanation.outgoing.map({ transactions[Int($0.rawValue)] }),
      let edge = explanation.outgoingEdge, let key = Self.key(edge)
    else { return complain("no outgoing edge") }
    if outgoing.writes & transactions[index].noted & Self.bit(key) == 0
      || (outgoing.timestamp ?? 0) <= transactions[index].snapshot
    {
      complain("an outgoing edge that is none")
    }
    guard explanation.cause == .pivot else { return }
    guard let incoming = explanation.incoming.map({ transactions[Int($0.rawValue)] }),
      let edge = explanation.incomingEdge, let key = Self.key(edge)
    else { return complain("no incoming edge") }
    if incoming.noted & transactions[index].writes & Self.bit(key) == 0 {
      complain("an incoming edge that is none")
    }
  }

  private static func key(_ edge: ConflictExplanation.Edge) -> Int? {
    guard let bytes = edge.key, let byte = bytes.first else { return nil }
    switch edge.place {
    case .name(let name): return Int(name.fingerprint)
    case .interval(let interval):
      return Int(interval.keyspace.rawValue - 1) * 4 + Int(byte) / 10
    case .keyspace: return nil
    }
  }

  // MARK: - The graph

  /// For each transaction the ones that it must stand before; only those who have committed, and
  /// perhaps one more. Anti-dependencies of plain snapshot transactions count only if asked for.
  func graph(
    with extra: Int? = nil, includingSnapshotReads: Bool = false,
    note: (String) -> Void = { _ in }
  ) -> [UInt16] {
    var edges = [UInt16](repeating: 0, count: transactions.count)
    func add(_ from: Int, _ to: Int, _ kind: String) {
      guard from != to, from >= 0, to >= 0 else { return }
      edges[from] |= 1 << UInt16(to)
      note(kind)
    }
    for chain in versions {
      for (older, newer) in zip(chain, chain.dropFirst()) { add(older.writer, newer.writer, "ww") }
    }
    if let extra {
      for key in 0..<8 where transactions[extra].writes & Self.bit(key) != 0 {
        if let newest = versions[key].last { add(newest.writer, extra, "ww") }
      }
    }
    for index in transactions.indices {
      let transaction = transactions[index]
      guard transaction.isCommitted || index == extra else { continue }
      for seen in transaction.observations {
        let chain = versions[seen.key]
        if seen.version >= 0 { add(chain[seen.version].writer, index, "wr") }
        guard transaction.role != .snapshot || includingSnapshotReads else { continue }
        if seen.version + 1 < chain.count {
          let kind = seen.isOfInterval ? "rw of an interval" : "rw of a key"
          add(index, chain[seen.version + 1].writer, seen.version < 0 ? kind + ", absent" : kind)
        } else if let extra, transactions[extra].writes & Self.bit(seen.key) != 0 {
          add(index, extra, "rw")
        }
      }
    }
    return edges
  }

  static func hasCircle(_ edges: [UInt16]) -> Bool {
    var left = UInt16(truncatingIfNeeded: (1 << edges.count) - 1)
    var isShrinking = true
    while isShrinking {
      isShrinking = false
      for index in edges.indices where left & (1 << UInt16(index)) != 0 {
        if edges[index] & left == 0 {
          left &= ~(1 << UInt16(index))
          isShrinking = true
        }
      }
    }
    return left != 0
  }

  private func closesCircle(_ index: Int) -> Bool { Self.hasCircle(graph(with: index)) }

  /// At the end of a history: no circle, beside those that plain snapshot isolation allows.
  mutating func judgeGraph() {
    var edges = counts.edges
    if Self.hasCircle(graph(note: { edges[$0, default: 0] += 1 })) { complain("a circle") }
    counts.edges = edges
    if Self.hasCircle(graph(includingSnapshotReads: true)) { counts.circlesOfSnapshots += 1 }
  }
}
