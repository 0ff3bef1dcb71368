/// Which dependencies at a transaction bind it, by the level it was promised: rule M1, Adya's
/// mixing-correctness.
///
/// A transaction is answerable for what it read and for what it missed, whatever the others ran at.
/// So a read dependency counts by the level of the reader at its end, an anti-dependency by the
/// level of the reader at its beginning, and a write dependency always. A history keeps every
/// promise when no cycle is made of dependencies that count.
///
/// - Invariant HI2: of two adjacent anti-dependencies the second does not count when the transaction
///   between them, or the one before, is at snapshot isolation. The one between may be a pivot: its
///   snapshot lies before what it missed, what it read or replaced lies before its snapshot, and
///   nothing ties it to who missed its own writes. The one before is a reader whom nobody tracks, so
///   that it may see the moment that a pivot makes impossible (rule M6, the read-only anomaly). For
///   snapshot isolation everywhere this says that a cycle without two adjacent anti-dependencies is
///   forbidden (Cerone and Gotsman 2018).
struct BindingRule: OptionSet, Sendable, Hashable {
  let rawValue: UInt8

  /// What it read was committed.
  static let reads = BindingRule(rawValue: 1)
  /// What it missed of keys comes after it.
  static let items = BindingRule(rawValue: 2)
  /// What it missed of intervals comes after it.
  static let predicates = BindingRule(rawValue: 4)
  /// It may be a pivot, and precede one.
  static let pivots = BindingRule(rawValue: 8)
  /// What completed before it began comes before it.
  static let realTime = BindingRule(rawValue: 16)
  /// What its process ran before comes before it.
  static let processOrder = BindingRule(rawValue: 32)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ model: ConsistencyModel) {
    switch model {
    case .readUncommitted: self = []
    case .readCommitted: self = [.reads]
    case .repeatableRead: self = [.reads, .items]
    case .snapshotIsolation: self = [.reads, .items, .predicates, .pivots]
    case .serializable: self = [.reads, .items, .predicates]
    case .strictSerializable: self = [.reads, .items, .predicates, .realTime]
    }
  }
}

/// The rules of all transactions.
enum BindingRules: Sendable {
  case uniform(BindingRule)
  case each([BindingRule])

  subscript(node: Int32) -> BindingRule {
    switch self {
    case .uniform(let rule): rule
    case .each(let rules): rules[Int(node)]
    }
  }

  /// Whether an edge counts, on a path whose last edge spent the next anti-dependency or did not.
  func bind(_ edge: Dependency, isAntiDependencySpent: Bool) -> Bool {
    switch edge.kind {
    case .write: return true
    case .read: return self[edge.to].contains(.reads)
    case .realTime: return self[edge.to].contains(.realTime)
    case .process: return self[edge.to].contains(.processOrder)
    case .antiDependency: return self[edge.from].contains(.items) && !isAntiDependencySpent
    case .predicateAntiDependency:
      return self[edge.from].contains(.predicates) && !isAntiDependencySpent
    }
  }

  /// Whether an anti-dependency behind this edge does not count (invariant HI2).
  func spends(_ edge: Dependency) -> Bool {
    edge.kind.isAntiDependency
      && (self[edge.from].contains(.pivots) || self[edge.to].contains(.pivots))
  }
}
