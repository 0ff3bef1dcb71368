/// The ways in which a history can contradict a consistency model.
///
/// The names are those of Adya (1999) and of Elle (Kingsbury and Alvaro, 2020). A cycle with an edge
/// of real time or of process order is the same kind with a mark of its own: see ``Anomaly``.
public enum AnomalyKind: String, Sendable, Hashable, CaseIterable {
  // Contradictions that no order of the transactions could explain.

  /// A transaction does not see its own earlier write.
  case internalInconsistency = "internal"
  /// A list holds the same element twice.
  case duplicateElements = "duplicate-elements"
  /// Two reads of a list disagree about the order of its elements.
  case incompatibleOrder = "incompatible-order"
  /// A value was read that nobody wrote.
  case garbageRead = "garbage-read"
  /// A scan answered keys out of order, twice, or outside of its interval.
  case malformedScan = "malformed-scan"

  // Reads of what was never committed.

  /// G1a: a write of a transaction that failed was read.
  case abortedRead = "G1a"
  /// G1b: a write was read that its own transaction replaced later.
  case intermediateRead = "G1b"
  /// A committed write was made on top of one that failed.
  case dirtyUpdate = "dirty-update"

  // Patterns that need no cycle.

  /// P2: two reads of a key in one transaction differ although it did not write in between.
  case fuzzyRead = "fuzzy-read"
  /// P4: two committed transactions read the same version of a key and replaced it.
  case lostUpdate = "lost-update"
  /// Two reads see two writes in opposite orders.
  case longFork = "long-fork"
  /// A read of all accounts finds another total.
  case wrongTotal = "wrong-total"

  // Cycles.

  /// Only write dependencies.
  case dirtyWriteCycle = "G0"
  /// Write and read dependencies.
  case circularInformationFlow = "G1c"
  /// One anti-dependency: read skew.
  case readSkew = "G-single"
  /// One anti-dependency, and it is one of a predicate.
  case predicateReadSkew = "G-single-predicate"
  /// Several anti-dependencies, no two of them adjacent.
  case nonadjacent = "G-nonadjacent"
  /// Several anti-dependencies, no two of them adjacent, one of a predicate.
  case predicateNonadjacent = "G-nonadjacent-predicate"
  /// Anti-dependencies of items, two of them adjacent: write skew.
  case itemAntiDependencyCycle = "G2-item"
  /// Anti-dependencies, two of them adjacent, one of a predicate.
  case antiDependencyCycle = "G2"

  /// One line for people.
  public var meaning: String {
    switch self {
    case .internalInconsistency: "a transaction does not see its own write"
    case .duplicateElements: "a list holds an element twice"
    case .incompatibleOrder: "reads disagree about the order of a list"
    case .garbageRead: "a value was read that nobody wrote"
    case .malformedScan: "a scan answered keys out of order"
    case .abortedRead: "an aborted write was read"
    case .intermediateRead: "an intermediate write was read"
    case .dirtyUpdate: "a committed write builds on an aborted one"
    case .fuzzyRead: "two reads of a key in one transaction differ"
    case .lostUpdate: "an update was lost"
    case .longFork: "two reads see two writes in opposite orders"
    case .wrongTotal: "the accounts do not add up"
    case .dirtyWriteCycle: "writes overwrite one another in a cycle"
    case .circularInformationFlow: "information flows in a cycle"
    case .readSkew, .predicateReadSkew: "read skew: one transaction misses part of another"
    case .nonadjacent, .predicateNonadjacent: "two snapshots disagree about an order"
    case .itemAntiDependencyCycle: "write skew"
    case .antiDependencyCycle: "write skew through a predicate"
    }
  }
}
