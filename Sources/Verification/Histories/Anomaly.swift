/// A place where a history contradicts some model, with the evidence.
public struct Anomaly: Sendable, Equatable {
  /// An edge of a cycle.
  public struct Step: Sendable, Equatable {
    /// The transaction that comes first, by its number in the history.
    public let from: Int
    /// The one that comes after it.
    public let to: Int
    /// Why.
    public let kind: DependencyKind
    /// The key both touched; meaningless for the order of real time and of processes.
    public let key: Int
    /// Why, in words.
    public let reason: String
  }

  /// What kind it is.
  public let kind: AnomalyKind
  /// Whether the cycle needs the order of real time.
  public let needsRealTime: Bool
  /// Whether the cycle needs the order of processes.
  public let needsProcessOrder: Bool
  /// The transactions that take part, by their numbers; those that were wronged come first.
  public let transactions: [Int]
  /// The key, when there is one.
  public let key: Int?
  /// What happened, in words; for a cycle the steps say it.
  public let detail: String
  /// The cycle, when it is one.
  public let cycle: [Step]
  /// Whether the model that was asked for forbids it.
  public let isForbidden: Bool

  /// The name in the literature, with `-realtime` or `-process` behind it.
  public var name: String {
    kind.rawValue + (needsRealTime ? "-realtime" : needsProcessOrder ? "-process" : "")
  }
}

extension Anomaly {
  /// The name of a closed walk.
  static func kind(of cycle: [Dependency]) -> AnomalyKind {
    let anti = cycle.count { $0.kind.isAntiDependency }
    let isOfPredicate = cycle.contains { $0.kind == .predicateAntiDependency }
    if anti == 0 {
      return cycle.contains { $0.kind == .read } ? .circularInformationFlow : .dirtyWriteCycle
    }
    if anti == 1 { return isOfPredicate ? .predicateReadSkew : .readSkew }
    let isAdjacent = cycle.indices.contains {
      cycle[$0].kind.isAntiDependency && cycle[($0 + 1) % cycle.count].kind.isAntiDependency
    }
    if !isAdjacent { return isOfPredicate ? .predicateNonadjacent : .nonadjacent }
    return isOfPredicate ? .antiDependencyCycle : .itemAntiDependencyCycle
  }

  static func name(of cycle: [Dependency]) -> String {
    kind(of: cycle).rawValue + (cycle.contains { $0.kind == .realTime } ? "-realtime" : "")
      + (cycle.contains { $0.kind == .process } ? "-process" : "")
  }

  /// A cycle, told in words.
  init(cycle: [Dependency], isForbidden: Bool) {
    kind = Self.kind(of: cycle)
    needsRealTime = cycle.contains { $0.kind == .realTime }
    needsProcessOrder = cycle.contains { $0.kind == .process }
    transactions = cycle.map { Int($0.from) }
    key = nil
    detail = kind.meaning
    self.isForbidden = isForbidden
    self.cycle = cycle.map {
      Step(
        from: Int($0.from), to: Int($0.to), kind: $0.kind, key: $0.key,
        reason: $0.reason)
    }
  }

  /// A contradiction that is no cycle.
  init(_ finding: Finding, isForbidden: Bool) {
    kind = finding.kind
    needsRealTime = false
    needsProcessOrder = false
    transactions = finding.wronged + finding.others
    key = finding.key
    detail = finding.detail
    cycle = []
    self.isForbidden = isForbidden
  }
}

/// A contradiction that is no cycle, before it is judged.
struct Finding: Sendable {
  let kind: AnomalyKind
  /// Those whose level decides whether it is forbidden.
  let wronged: [Int]
  var others: [Int] = []
  let key: Int?
  let detail: String

  /// How many of the wronged must have been promised otherwise: one of two lost updates may be
  /// the one that was overwritten by rights.
  var wrongedCount: Int { kind == .lostUpdate ? 2 : 1 }
}

extension Dependency {
  /// Why the one comes before the other, in words.
  var reason: String {
    func name(_ value: Int?) -> String { value.map(String.init) ?? "nothing" }
    switch kind {
    case .write:
      return
        "T\(from) wrote \(name(before)) to key \(key), and T\(to) wrote \(name(after)) after it"
    case .read: return "T\(from) wrote \(name(after)) to key \(key), and T\(to) read it"
    case .antiDependency:
      return before == nil
        ? "T\(from) read key \(key) before T\(to) wrote \(name(after)) to it first"
        : "T\(from) read key \(key) up to \(name(before)), before T\(to) wrote \(name(after))"
    case .predicateAntiDependency:
      return "T\(from) scanned over key \(key) and found nothing, before T\(to) wrote "
        + "\(name(after)) to it"
    case .realTime: return "T\(from) had completed when T\(to) was invoked"
    case .process: return "the same process ran T\(from) and then T\(to)"
    }
  }
}
