/// What a history is held against.
///
/// Each model forbids its own kinds of anomaly and those of the models before it, as the table of
/// ``forbids(_:)`` says. Read uncommitted, read committed, repeatable read and serializable are PL-1,
/// PL-2, PL-2.99 and PL-3 of Adya (1999); snapshot isolation is the characterisation by Cerone and
/// Gotsman (2018), which is Adya's PL-SI and forbids P4 of Berenson et al. (1995); strict
/// serializability adds the order of real time (Herlihy and Wing 1990), as in Elle's table.
public enum ConsistencyModel: String, Sendable, Hashable, CaseIterable {
  /// PL-1.
  case readUncommitted = "read-uncommitted"
  /// PL-2.
  case readCommitted = "read-committed"
  /// PL-2.99.
  case repeatableRead = "repeatable-read"
  /// PL-SI.
  case snapshotIsolation = "snapshot-isolation"
  /// PL-3.
  case serializable = "serializable"
  /// PL-3 in an order that agrees with real time.
  case strictSerializable = "strict-serializable"

  /// Whether a history with such an anomaly contradicts the model.
  ///
  /// ```text
  ///                                              RU   RC   RR   SI   S    SS
  ///  internal, duplicates, orders, garbage, G0   no   no   no   no   no   no
  ///  G1a, G1b, G1c, dirty update                 yes  no   no   no   no   no
  ///  fuzzy read, lost update, G-single,
  ///    G-nonadjacent, long fork, wrong total     yes  yes  no   no   no   no
  ///  G-single, G-nonadjacent of predicates       yes  yes  yes  no   no   no
  ///  G2-item                                     yes  yes  no   yes  no   no
  ///  G2                                          yes  yes  yes  yes  no   no
  ///  any cycle with an edge of real time         yes  yes  yes  yes  yes  no
  /// ```
  public func forbids(_ kind: AnomalyKind) -> Bool {
    switch kind {
    case .internalInconsistency, .duplicateElements, .incompatibleOrder, .garbageRead,
      .malformedScan, .dirtyWriteCycle:
      true
    case .abortedRead, .intermediateRead, .dirtyUpdate, .circularInformationFlow:
      self != .readUncommitted
    case .fuzzyRead, .lostUpdate, .longFork, .wrongTotal, .readSkew, .nonadjacent:
      self != .readUncommitted && self != .readCommitted
    case .predicateReadSkew, .predicateNonadjacent: forbidsReadSkewOfPredicates
    case .itemAntiDependencyCycle: self == .repeatableRead || forbidsWriteSkew
    case .antiDependencyCycle: forbidsWriteSkew
    }
  }

  private var forbidsReadSkewOfPredicates: Bool { self == .snapshotIsolation || forbidsWriteSkew }
  private var forbidsWriteSkew: Bool { self == .serializable || self == .strictSerializable }

  /// A model by its name here, or as the engine spells its levels: `snapshotIsolation`, `snapshot`.
  public init?(name: String) {
    if name == "snapshot" {
      self = .snapshotIsolation
      return
    }
    var words = ""
    for character in name {
      if character.isUppercase { words += "-" }
      words += character.lowercased()
    }
    self.init(rawValue: words)
  }
}
