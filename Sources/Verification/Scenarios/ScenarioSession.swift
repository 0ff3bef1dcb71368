internal import Dispatch
internal import Environment
internal import Synchronization

/// A session at work: a thread of its own that carries out steps, each before the next.
///
/// A transaction lives inside one call of `ScenarioEngine.transact`, which takes operations from
/// the steps until one of them ends it. After an abort the thread skips what is left of the
/// transaction, up to its `commit` or `abort`, and begins a new one with the operation behind.
// SENDABLE: mutable state is in the Mutex; the rest is immutable.
final class ScenarioSession: Sendable {
  private enum Message: Sendable {
    case step([ScenarioOperation], IsolationSetting)
    /// The end of a run: an open transaction is rolled back.
    case close
    /// The end of the thread.
    case end
  }

  private struct State {
    var messages: [Message] = []
    var isBusy = false
    var transaction: UInt64?
    var outcome: ScenarioRun.Outcome = .skipped
    var fate = ScenarioRun.SessionFate()
    /// Whether a new run has begun since the last step.
    var isFresh = true
  }

  /// Thrown out of a transaction that is to be rolled back.
  private struct RolledBack: Error {}

  private let engine: any ScenarioEngine
  private let state = Mutex(State())
  private let available = DispatchSemaphore(value: 0)
  /// Signalled whenever the session has become idle.
  private let news: DispatchSemaphore

  init(engine: any ScenarioEngine, news: DispatchSemaphore) {
    self.engine = engine
    self.news = news
  }

  // MARK: The conductor's side

  /// What the conductor sees of a session.
  struct View {
    var isBusy: Bool
    var transaction: UInt64?
    var outcome: ScenarioRun.Outcome
    var fate: ScenarioRun.SessionFate
  }

  var view: View {
    state.withLock { state in
      View(
        isBusy: state.isBusy, transaction: state.transaction, outcome: state.outcome,
        fate: state.fate)
    }
  }

  /// Forgets what became of earlier transactions: a new run begins.
  func reset() {
    state.withLock { state in
      state.fate = ScenarioRun.SessionFate()
      state.isFresh = true
    }
  }

  /// Hands over a step. The session is busy until it has carried it out.
  func begin(_ step: Scenario.Step, at setting: IsolationSetting) {
    send(.step(step.operations, setting))
  }

  /// Rolls back what is open. The session is busy until it has.
  func close() { send(.close) }

  /// Ends the thread once it is idle.
  func end() { send(.end) }

  private func send(_ message: Message) {
    state.withLock { state in
      state.isBusy = true
      state.messages.append(message)
    }
    available.signal()
  }

  // MARK: The session's thread

  func run() {
    var steps = StepReader(session: self)
    while let operation = steps.next() {
      if steps.isDoomed {
        if operation.endsTransaction { steps.isDoomed = false }
        continue
      }
      transact(from: operation, &steps)
    }
  }

  /// Runs one transaction, from its first operation on.
  private func transact(from first: ScenarioOperation, _ steps: inout StepReader) {
    var ending: ScenarioOperation?
    do {
      try engine.transact(at: steps.setting) { transaction, perform in
        state.withLock { $0.transaction = transaction }
        var operation = first
        while !operation.endsTransaction {
          do {
            steps.note(try perform(operation))
          } catch let refusal as ScenarioRefusal {
            steps.note(.refused(message: refusal.message))
          }
          guard let next = steps.next() else { throw RolledBack() }
          operation = next
        }
        ending = operation
        if operation == .abort { throw RolledBack() }
      }
      conclude { $0.commitCount += 1 }
      steps.note(.done)
    } catch is RolledBack {
      conclude { $0.rollbackCount += 1 }
      steps.note(.done)
    } catch {
      let abort = error as? ScenarioAbort
      let code = abort?.code ?? "unexpected"
      conclude { $0.abortCodes.append(code) }
      steps.note(.aborted(code: code, message: abort?.message ?? "\(error)"))
      steps.isDoomed = ending == nil
    }
  }

  private func conclude(_ change: (inout ScenarioRun.SessionFate) -> Void) {
    state.withLock { state in
      state.transaction = nil
      change(&state.fate)
    }
  }

  /// Takes the operations of steps, and answers each step when its last operation is done.
  private struct StepReader {
    let session: ScenarioSession
    private var operations: ArraySlice<ScenarioOperation> = []
    private var outcome: ScenarioRun.Outcome?
    private var isAnswering = false
    private(set) var setting = IsolationSetting(.snapshot)
    /// Whether the transaction was aborted and its other operations are skipped.
    var isDoomed = false
    private var hasEnded = false

    init(session: ScenarioSession) { self.session = session }

    /// The next operation; waits for a step when there is none. Nil inside a transaction that is to
    /// be rolled back, and else at the end of the thread.
    mutating func next() -> ScenarioOperation? {
      while true {
        if let operation = operations.popFirst() { return operation }
        answer()
        if hasEnded { return nil }
        switch session.take() {
        case .step(let operations, let setting):
          self.operations = operations[...]
          self.setting = setting
          isAnswering = true
          if session.takeFreshness() { isDoomed = false }
        case .close:
          isAnswering = true
          if session.hasOpenTransaction { return nil }
        case .end:
          isAnswering = true
          hasEnded = true
        }
      }
    }

    /// Adds what an operation came to: an answer with something to say counts more than none, an
    /// abort more than any.
    mutating func note(_ result: ScenarioResult) {
      switch outcome {
      case nil: outcome = .succeeded(result)
      case .succeeded where result != .done: outcome = .succeeded(result)
      default: break
      }
    }

    mutating func note(_ outcome: ScenarioRun.Outcome) { self.outcome = outcome }

    private mutating func answer() {
      guard isAnswering else { return }
      session.becomeIdle(outcome ?? .skipped)
      outcome = nil
      isAnswering = false
    }
  }

  private var hasOpenTransaction: Bool { state.withLock { $0.transaction != nil } }

  /// Whether this is the first step of a run.
  private func takeFreshness() -> Bool {
    state.withLock { state in
      defer { state.isFresh = false }
      return state.isFresh
    }
  }

  private func take() -> Message {
    available.wait()
    return state.withLock { $0.messages.removeFirst() }
  }

  private func becomeIdle(_ outcome: ScenarioRun.Outcome) {
    state.withLock { state in
      state.outcome = outcome
      state.isBusy = false
    }
    news.signal()
  }
}
