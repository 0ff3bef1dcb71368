internal import Environment
internal import Martlet

/// One thread of a recording.
// SENDABLE: one thread uses it at a time: the one that runs it, and after its end the one that
// joined it.
final class RecorderThread: @unchecked Sendable {
  /// A turn of a spin loop at which the processor is offered to others.
  private static let offeringTurn = 10

  let number: Int
  private(set) var transactions: [HistoryTransaction] = []
  /// What stopped the recording.
  private(set) var failure: (any Error)?
  private let recorder: HistoryRecorder
  private let shared: RecorderState
  private let database: Database
  private let keyspace: Keyspace
  private let effects: Effects
  private var workload: WorkloadThread
  private var process: Int

  init(
    _ recorder: HistoryRecorder, number: Int, _ shared: RecorderState, _ database: Database,
    _ keyspace: Keyspace, _ effects: Effects
  ) {
    self.number = number
    self.recorder = recorder
    self.shared = shared
    self.database = database
    self.keyspace = keyspace
    self.effects = effects
    workload = WorkloadThread(
      recorder.workload, thread: number, threadCount: recorder.threadCount)
    process = shared.nextProcess()
  }

  /// Makes transactions until the limits are reached.
  func run() {
    defer { shared.end() }
    while shared.mayBegin(at: effects.time.monotonic()) {
      let next = workload.next()
      record(next.steps, next.choice)
      if failure != nil { return shared.stop() }
    }
  }

  /// Gives every account its money.
  func openAccounts() {
    let steps = (0..<recorder.workload.keyCount).map {
      WorkloadThread.Step.write(key: $0, value: HistoryWorkload.openingBalance)
    }
    record(steps, HistoryWorkload.Choice(.snapshot))
  }

  private var now: Int { Int(effects.time.monotonic() &- shared.start) }

  private func record(
    _ steps: [WorkloadThread.Step], _ choice: HistoryWorkload.Choice
  ) {
    var transaction = HistoryTransaction(
      process: process, outcome: .info, steps.flatMap(\.asked), invocationIndex: 0,
      completionIndex: nil, level: ConsistencyModel(choice.level),
      concurrencyProtocol: choice.using?.rawValue, function: recorder.workload.function)
    transaction.invocationTime = now
    transaction.invocationIndex = shared.nextEvent()
    do {
      let answers = try transact(choice) { transaction in
        try steps.flatMap { step in
          defer { if recorder.isInterleaved { effects.waits.yield(attempt: Self.offeringTurn) } }
          return try HistoryStore.perform(step, transaction, keyspace)
        }
      }
      transaction.operations = answers
      transaction.outcome = .ok
    } catch let error as DatabaseError {
      transaction.error = error.code.name
      switch error.code {
      case .commitUnknown:
        process = shared.nextProcess()
      case .poisoned:
        // Nothing more will commit; what was recorded so far is worth judging.
        transaction.outcome = .fail
        shared.stop()
      case let code where code.isRetryable: transaction.outcome = .fail
      default:
        transaction.outcome = .fail
        failure = error
      }
    } catch {
      transaction.outcome = .fail
      failure = error
    }
    transaction.completionIndex = shared.nextEvent()
    transaction.completionTime = now
    transactions.append(transaction)
  }

  /// One attempt at a level, under a protocol.
  private func transact<Result>(
    _ choice: HistoryWorkload.Choice, _ body: (borrowing Transaction) throws -> Result
  ) throws -> Result {
    return try database.write(
      isolation: choice.level, using: choice.using, durability: recorder.durability, retry: .never,
      body)
  }
}
