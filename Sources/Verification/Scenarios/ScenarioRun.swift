/// What came of one order of the steps.
package struct ScenarioRun: Sendable {
  /// The order that was asked for, as indices of steps.
  package var order: [Int]
  /// What happened, in order of time.
  package var events: [Event] = []
  /// What each step came to; nil for steps that the order leaves out.
  package var outcomes: [Outcome?]
  /// When each step began and ended, counted in events.
  package var spans: [Int: Span] = [:]
  /// The steps that had to wait.
  package var blocked: Set<Int> = []
  /// What became of the transactions of each session.
  package var sessions: [SessionFate]
  /// The rows when everybody had ended.
  package var final: [String: ScenarioValue] = [:]
  /// Why the run could not be carried to its end; nil when it was.
  package var failure: String?

  package init(order: [Int], stepCount: Int, sessionCount: Int) {
    self.order = order
    outcomes = Array(repeating: nil, count: stepCount)
    sessions = Array(repeating: SessionFate(), count: sessionCount)
  }

  package enum Event: Sendable, Hashable {
    /// A step waits for another transaction.
    case waits(step: Int)
    /// A step has ended.
    case ended(step: Int)
    /// A session without further steps was ended, and its open transaction rolled back.
    case closed(session: Int)
  }

  /// How a step ended.
  package enum Outcome: Sendable, Hashable {
    case succeeded(ScenarioResult)
    /// The engine rolled the transaction back.
    case aborted(code: String, message: String)
    /// Not carried out: the transaction had been rolled back before.
    case skipped
    /// The operation cannot be carried out as it stands; the transaction goes on.
    case refused(message: String)
  }

  package struct Span: Sendable, Hashable {
    package var begin: Int
    package var end: Int?
  }

  /// What became of a session's transactions.
  package struct SessionFate: Sendable, Hashable {
    package var commitCount = 0
    /// Rollbacks that the session asked for.
    package var rollbackCount = 0
    /// The codes of the aborts that it did not ask for.
    package var abortCodes: [String] = []

    /// Whether there was a transaction, and every one committed.
    package var isCommitted: Bool { commitCount > 0 && rollbackCount == 0 && abortCodes.isEmpty }

    package init() {}
  }

  /// The answer of a step that succeeded.
  package func result(of step: Int) -> ScenarioResult? {
    guard case .succeeded(let result)? = outcomes[step] else { return nil }
    return result
  }

  /// How often the engine aborted a transaction, by code.
  package var abortCodes: [String] { sessions.flatMap(\.abortCodes) }
}

extension ScenarioRun {
  /// The run as lines of text: each step, what it answered, who waited.
  package func transcript(of scenario: Scenario) -> [String] {
    let width = scenario.steps.map { $0.name.count + $0.text.count + 2 }.max() ?? 0
    var lines = events.map { event in
      switch event {
      case .closed(let session):
        return "\(scenario.sessions[session].name) is over: its open transaction is rolled back"
      case .waits(let step): return line(scenario.steps[step], "waits ...", width)
      case .ended(let step):
        let arrow = blocked.contains(step) ? "... " : ""
        return line(scenario.steps[step], arrow + answer(of: step, in: scenario), width)
      }
    }
    if let failure { lines.append("the run ended early: \(failure)") }
    let rows = final.sorted { $0.key < $1.key }.map { ScenarioRow($0.key, $0.value) }
    lines.append("in the end: \(ScenarioResult.rows(rows))")
    return lines
  }

  private func answer(of step: Int, in scenario: Scenario) -> String {
    switch (outcomes[step], scenario.steps[step].operations.last) {
    case (.succeeded(.done), .commit): "committed"
    case (.succeeded(.done), .abort): "rolled back"
    case (let outcome, _): outcome?.description ?? "nothing"
    }
  }

  private func line(_ step: Scenario.Step, _ what: String, _ width: Int) -> String {
    let head = "\(step.name): \(step.text)"
    return head + String(repeating: " ", count: max(0, width - head.count)) + "   " + what
  }
}

extension ScenarioRun.Outcome: CustomStringConvertible {
  /// As transcripts print it.
  package var description: String {
    switch self {
    case .succeeded(let result): result.description
    case .aborted(let code, _): "aborted: \(code)"
    case .skipped: "skipped, the transaction was aborted"
    case .refused(let message): "refused: \(message)"
    }
  }
}
