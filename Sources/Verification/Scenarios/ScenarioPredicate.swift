/// Something that is true of the outcome of a run, or not.
package indirect enum ScenarioPredicate: Sendable, Hashable {
  case and([ScenarioPredicate])
  case or([ScenarioPredicate])
  case not(ScenarioPredicate)
  case comparison(Operand, Comparison, Operand)
  /// Every transaction of the session committed; of every session when nil.
  case committed(session: Int?)
  /// The engine aborted a transaction of the session, or of any when nil; with this code, if one
  /// is given.
  case aborted(session: Int?, code: String?)
  /// The step had to wait for another transaction; any step when nil.
  case blocked(step: Int?)
  /// The first step had ended when the second began.
  case before(Int, Int)

  package enum Comparison: String, Sendable, Hashable, CaseIterable {
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
  }

  /// One side of a comparison.
  package enum Operand: Sendable, Hashable {
    case literal(ScenarioResult)
    /// What a step answered.
    case result(step: Int)
    /// The value of a key among the rows that a step scanned.
    case row(step: Int, key: String)
    /// How many rows a step scanned.
    case count(step: Int)
    /// The sum of the numbers that a step scanned.
    case sum(step: Int)
    /// The value of a key when everybody has ended.
    case final(key: String)
  }
}

extension ScenarioPredicate {
  /// Whether it is true of a run. A comparison with the answer of a step that gave none, because
  /// its transaction was aborted, is false whatever is compared.
  package func holds(in run: ScenarioRun) -> Bool {
    switch self {
    case .and(let parts): return parts.allSatisfy { $0.holds(in: run) }
    case .or(let parts): return parts.contains { $0.holds(in: run) }
    case .not(let part): return !part.holds(in: run)
    case .comparison(let left, let comparison, let right):
      guard let left = left.value(in: run), let right = right.value(in: run) else { return false }
      return comparison.holds(left, right)
    case .committed(let session?): return run.sessions[session].isCommitted
    case .committed(nil): return run.sessions.allSatisfy(\.isCommitted)
    case .aborted(let session, let code):
      let affected = session.map { [run.sessions[$0]] } ?? run.sessions
      return affected.contains { session in
        session.abortCodes.contains { code == nil || $0 == code }
      }
    case .blocked(let step?): return run.blocked.contains(step)
    case .blocked(nil): return !run.blocked.isEmpty
    case .before(let first, let second):
      guard let end = run.spans[first]?.end, let begin = run.spans[second]?.begin else {
        return false
      }
      return end < begin
    }
  }
}

extension ScenarioPredicate.Operand {
  /// Nil when the step gave no answer.
  fileprivate func value(in run: ScenarioRun) -> ScenarioResult? {
    switch self {
    case .literal(let literal): return literal
    case .result(let step): return run.result(of: step)
    case .row(let step, let key):
      return rows(of: step, in: run).map { rows in
        .value(rows.first { $0.key == key }?.value)
      }
    case .count(let step):
      return rows(of: step, in: run).map { .value(.integer(Int64($0.count))) }
    case .sum(let step):
      return rows(of: step, in: run).map { rows in
        .value(.integer(rows.reduce(0) { $0 &+ ($1.value.number ?? 0) }))
      }
    case .final(let key): return .value(run.final[key])
    }
  }

  private func rows(of step: Int, in run: ScenarioRun) -> [ScenarioRow]? {
    guard case .rows(let rows)? = run.result(of: step) else { return nil }
    return rows
  }
}

extension ScenarioPredicate.Comparison {
  /// Order is defined between numbers only.
  fileprivate func holds(_ left: ScenarioResult, _ right: ScenarioResult) -> Bool {
    switch self {
    case .equal: return left == right
    case .unequal: return left != right
    case .less, .atMost, .greater, .atLeast:
      guard let left = left.number, let right = right.number else { return false }
      return switch self {
      case .less: left < right
      case .atMost: left <= right
      case .greater: left > right
      default: left >= right
      }
    }
  }
}

extension ScenarioValue {
  /// The number it is, if it is one.
  fileprivate var number: Int64? {
    guard case .integer(let value) = self else { return nil }
    return value
  }
}

extension ScenarioResult {
  fileprivate var number: Int64? {
    guard case .value(let value) = self else { return nil }
    return value?.number
  }
}
