/// A story of a few transactions, told step by step, with what may and what must not come of it.
///
/// A scenario says which rows there are, what each session does in named steps, in which orders
/// the steps are tried, and what is expected of the outcome. It does not say at which isolation
/// level it happens, unless it insists: the same file is run at all of them. The text format is
/// described in the article "Scenarios" of the `Martlet` documentation.
///
/// - Invariant SC1: names of sessions, steps, predicates and listed permutations are unique.
/// - Invariant SC2: a permutation holds each step at most once, those of one session in the order
///   of the session.
/// - Invariant SC3: references inside predicates and expectations lead to something.
public struct Scenario: Sendable, Hashable {
  /// A short name: `P4`.
  public internal(set) var name: String
  /// What it is about, in one line.
  public package(set) var title: String
  /// Where it was described first.
  public internal(set) var source: String?
  /// The rows that are there, committed, before anything happens.
  package var setup: [ScenarioRow] = []
  package var sessions: [Session] = []
  /// The steps of all sessions; those of one session stand in its order.
  package var steps: [Step] = []
  package var permutations: Permutations = .all
  package var predicates: [NamedPredicate] = []
  package var expectations: [Expectation] = []

  package init(name: String, title: String) {
    self.name = name
    self.title = title
  }

  /// A session: a thread of its own that runs one transaction after another.
  package struct Session: Sendable, Hashable {
    package var name: String
    /// Nil for the level of the run.
    package var level: ScenarioLevel?
    /// Nil for the protocol of the run, or the default of a level of its own.
    package var concurrency: ScenarioProtocol?
    /// Indices of its steps, in order.
    package var steps: [Int] = []

    /// What its transactions run at.
    package func setting(in run: IsolationSetting) -> IsolationSetting {
      guard let level else { return IsolationSetting(run.level, concurrency ?? run.concurrency) }
      return IsolationSetting(level, concurrency)
    }
  }

  /// What a session does without anybody else's doing anything, as far as the engine lets it.
  package struct Step: Sendable, Hashable {
    package var name: String
    package var session: Int
    package var operations: [ScenarioOperation]
  }

  /// The orders that are tried.
  package enum Permutations: Sendable, Hashable {
    case all
    case listed([Permutation])
  }

  /// An order that the file asks for.
  package struct Permutation: Sendable, Hashable {
    package var name: String?
    package var steps: [Int]

    package init(name: String?, steps: [Int]) {
      self.name = name
      self.steps = steps
    }
  }

  /// Something that may happen.
  package struct NamedPredicate: Sendable, Hashable {
    package var name: String
    package var predicate: ScenarioPredicate
  }
}

/// An operation of a session.
package enum ScenarioOperation: Sendable, Hashable {
  /// Begins a transaction without doing anything in it; other operations begin one by themselves.
  case begin
  case get(String)
  case getForUpdate(String)
  case put(String, ScenarioValue)
  case delete(String)
  case increment(String, by: Int64)
  /// Sets a value where another is, or where none is when `old` is nil.
  case compareAndSet(String, old: ScenarioValue?, new: ScenarioValue)
  /// The keys from `lower`, inclusive, to `upper`, exclusive; nil for no bound.
  case scan(lower: String?, upper: String?, limit: Int?)
  case savepoint(String)
  case rollBack(to: String)
  case commit
  case abort

  /// Whether the transaction is over behind it.
  package var endsTransaction: Bool { self == .commit || self == .abort }
}

extension ScenarioOperation: CustomStringConvertible {
  /// As a scenario file writes it.
  package var description: String {
    switch self {
    case .begin: "begin"
    case .get(let key): "get \(key)"
    case .getForUpdate(let key): "get-for-update \(key)"
    case .put(let key, let value): "put \(key) \(value)"
    case .delete(let key): "delete \(key)"
    case .increment(let key, let amount): "incr \(key) \(amount)"
    case .compareAndSet(let key, let old, let new):
      "cas \(key) \(old?.description ?? "absent") \(new)"
    case .scan(let lower, let upper, let limit):
      "scan \(lower ?? "-") \(upper ?? "-")" + (limit.map { " limit \($0)" } ?? "")
    case .savepoint(let name): "savepoint \(name)"
    case .rollBack(let name): "rollback-to \(name)"
    case .commit: "commit"
    case .abort: "abort"
    }
  }
}

extension Scenario.Step {
  /// What it does, as a scenario file writes it.
  package var text: String { operations.map(\.description).joined(separator: "; ") }
}
