internal import Dispatch
internal import Environment
internal import SystemEnvironment

/// Carries out a scenario's steps in a given order, one session after another.
///
/// A step that has to wait for another transaction is *blocked*: the run goes on with the next
/// step of somebody else, and what its own session was to do next is postponed until it has
/// ended. Whether a step waits is asked of the engine and never guessed from time, so the same
/// order gives the same run.
///
/// - Invariant CO1: a step is handed over only when every other session is idle or waits, as the
///   engine says at one moment.
/// - Invariant CO2: postponed steps come before the next step of the order, as soon as their
///   session is idle again, in the order of the permutation.
/// - Invariant CO3: when a run has ended, no transaction is open.
package final class ScenarioConductor {
  private let engine: any ScenarioEngine
  private let news = DispatchSemaphore(value: 0)
  private var sessions: [ScenarioSession] = []
  private var threads: [any BackgroundThread] = []
  /// How long nothing may happen before the run is given up.
  private let patience: Duration
  /// Whether a run was given up: sessions may hang for ever, and no further run is possible.
  package private(set) var isStuck = false

  package init(engine: any ScenarioEngine, patience: Duration = .seconds(20)) {
    self.engine = engine
    self.patience = patience
  }

  deinit {
    if isStuck { return }
    for session in sessions { session.end() }
    for thread in threads { thread.join() }
  }

  /// Runs the steps in an order.
  ///
  /// - Throws: what the engine throws when the rows are loaded or read.
  package func run(
    _ scenario: Scenario, at setting: IsolationSetting, order: [Int]
  ) throws -> ScenarioRun {
    precondition(!isStuck, "a run was given up; its transactions may still be open")
    try engine.load(scenario.setup)
    hire(scenario.sessions.count)
    var performance = Performance(scenario: scenario, setting: setting, order: order)
    for step in order {
      let session = scenario.steps[step].session
      if performance.working[session] != nil {
        performance.postponed.append(step)
        continue
      }
      begin(step, &performance)
      guard settle(&performance) else { break }
    }
    finish(&performance)
    for session in scenario.sessions.indices {
      performance.run.sessions[session] = sessions[session].view.fate
    }
    for row in try engine.contents() { performance.run.final[row.key] = row.value }
    return performance.run
  }

  /// A run under way.
  private struct Performance {
    let scenario: Scenario
    let setting: IsolationSetting
    /// What each session is at; nil when it is idle.
    var working: [Int?]
    var postponed: [Int] = []
    var run: ScenarioRun

    init(scenario: Scenario, setting: IsolationSetting, order: [Int]) {
      self.scenario = scenario
      self.setting = setting
      working = Array(repeating: nil, count: scenario.sessions.count)
      run = ScenarioRun(
        order: order, stepCount: scenario.steps.count, sessionCount: scenario.sessions.count)
    }

    /// The first postponed step whose session is idle.
    mutating func takePostponed() -> Int? {
      guard
        let index = postponed.firstIndex(where: { working[scenario.steps[$0].session] == nil })
      else { return nil }
      return postponed.remove(at: index)
    }
  }

  private func hire(_ count: Int) {
    while sessions.count < count {
      let session = ScenarioSession(engine: engine, news: news)
      threads.append(
        SystemBackgroundWork().start("scenario-session") { session.run() })
      sessions.append(session)
    }
    for session in sessions { session.reset() }
  }

  private func begin(_ step: Int, _ performance: inout Performance) {
    let session = performance.scenario.steps[step].session
    performance.working[session] = step
    performance.run.spans[step] = .init(begin: performance.run.events.count, end: nil)
    sessions[session].begin(
      performance.scenario.steps[step],
      at: performance.scenario.sessions[session].setting(in: performance.setting))
  }

  /// Waits until every session is idle or waits for another one, and postponed steps whose time
  /// has come are done. False when the run is to be given up.
  private func settle(_ performance: inout Performance) -> Bool {
    repeat {
      guard awaitStandstill(&performance) else { return false }
      guard let step = performance.takePostponed() else { return true }
      begin(step, &performance)
    } while true
  }

  private func awaitStandstill(_ performance: inout Performance) -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while true {
      let busy = performance.working.indices.filter {
        performance.working[$0] != nil && sessions[$0].view.isBusy
      }
      if busy.isEmpty || areWaiting(busy) {
        // All who are still busy waited at one moment, so nobody can have let one of them go on
        // since (CO1).
        noteEnded(except: busy, &performance)
        for session in busy { noteWaiting(session, &performance) }
        return true
      }
      if clock.now > deadline {
        giveUp("a step has neither ended nor waits for a transaction", &performance)
        return false
      }
      _ = news.wait(timeout: .now() + .microseconds(200))
    }
  }

  private func areWaiting(_ busy: [Int]) -> Bool {
    let waiting = engine.waiting
    return busy.allSatisfy { session in
      let view = sessions[session].view
      return view.isBusy && view.transaction.map(waiting.contains) == true
    }
  }

  /// Notes the steps that have ended: first the one that was handed over last, then those that it
  /// let go on, whichever thread was faster.
  private func noteEnded(except busy: [Int], _ performance: inout Performance) {
    let ended = performance.working.indices.compactMap { session in
      busy.contains(session) ? nil : performance.working[session]
    }
    let run = performance.run
    for step in ended.sorted(by: { left, right in
      let isLeftBlocked = run.blocked.contains(left)
      return isLeftBlocked == run.blocked.contains(right) ? left < right : !isLeftBlocked
    }) {
      let session = performance.scenario.steps[step].session
      performance.working[session] = nil
      performance.run.outcomes[step] = sessions[session].view.outcome
      performance.run.spans[step]?.end = performance.run.events.count
      performance.run.events.append(.ended(step: step))
    }
  }

  private func noteWaiting(_ session: Int, _ performance: inout Performance) {
    guard let step = performance.working[session],
      performance.run.blocked.insert(step).inserted
    else { return }
    performance.run.events.append(.waits(step: step))
  }

  // MARK: The end of a run

  /// Lets everything come to its end: rolls back what idle sessions left open until nobody waits
  /// and nothing is postponed, then waits for lock timeouts.
  private func finish(_ performance: inout Performance) {
    guard !isStuck else { return }
    while let session = performance.working.indices.first(where: { session in
      performance.working[session] == nil && !hasPostponed(session, performance)
        && sessions[session].view.transaction != nil
    }) {
      close(session, &performance)
      guard settle(&performance) else { return }
    }
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while performance.working.contains(where: { $0 != nil }) {
      if clock.now > deadline {
        return giveUp("a step waits for ever for a transaction", &performance)
      }
      _ = news.wait(timeout: .now() + .milliseconds(1))
      guard settle(&performance) else { return }
    }
    for session in performance.working.indices { close(session, &performance) }
  }

  private func hasPostponed(_ session: Int, _ performance: Performance) -> Bool {
    performance.postponed.contains { performance.scenario.steps[$0].session == session }
  }

  /// Rolls back what an idle session left open.
  private func close(_ session: Int, _ performance: inout Performance) {
    guard sessions[session].view.transaction != nil else { return }
    sessions[session].close()
    while sessions[session].view.isBusy { _ = news.wait(timeout: .now() + .milliseconds(1)) }
    performance.run.events.append(.closed(session: session))
  }

  private func giveUp(_ reason: String, _ performance: inout Performance) {
    isStuck = true
    let steps = performance.working.compactMap { $0 }.map { performance.scenario.steps[$0].name }
    performance.run.failure = "\(reason): \(steps.joined(separator: ", "))"
  }
}
