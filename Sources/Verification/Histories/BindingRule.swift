/// Which dependencies at a transaction bind it, by the level it was promised: rule M1, Adya's
/// mixing-correctness.
///
/// A transaction is answerable for what it read and for what it missed, whatever the others ran at.
/// So a read dependency counts by the level of the reader at its end, an anti-dependency by the
/// level of the reader at its beginning, and a write dependency always. A history keeps every
/// promise when no cycle is made of dependencies that count.
///
/// - Invariant HI2: a transaction at snapshot isolation may be a pivot: an anti-dependency out of it
///   does not count on a path that entered by one. Its snapshot lies before what it missed, and
///   what it read or replaced lies before its snapshot; nothing ties it to who missed its own
///   writes. For snapshot isolation everywhere this says that a cycle without two adjacent
///   anti-dependencies is forbidden (Cerone and Gotsman 2018).
struct BindingRule: OptionSet, Sendable, Hashable {
  let rawValue: UInt8

  /// What it read was committed.
  static let reads = BindingRule(rawValue: 1)
  /// What it missed of keys comes after it.
  static let items = BindingRule(rawValue: 2)
  /// What it missed of intervals comes after it.
  static let predicates = BindingRule(rawValue: 4)
  /// It may be a pivot.
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

  /// Whether an edge counts on a path that entered its source by an anti-dependency or not.
  func bind(_ edge: Dependency, enteredByAntiDependency: Bool) -> Bool {
    switch edge.kind {
    case .write: return true
    case .read: return self[edge.to].contains(.reads)
    case .realTime: return self[edge.to].contains(.realTime)
    case .process: return self[edge.to].contains(.processOrder)
    case .antiDependency:
      let rule = self[edge.from]
      return rule.contains(.items) && !(enteredByAntiDependency && rule.contains(.pivots))
    case .predicateAntiDependency:
      let rule = self[edge.from]
      return rule.contains(.predicates) && !(enteredByAntiDependency && rule.contains(.pivots))
    }
  }
}
