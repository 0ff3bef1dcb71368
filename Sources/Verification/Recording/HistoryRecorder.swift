package import Environment
public import Martlet
internal import Synchronization
internal import SystemEnvironment

/// Runs a workload against a database from several threads and records the history: what was asked,
/// when, and what was answered.
///
/// Each transaction is one attempt, never tried again: an abort is recorded as `fail` with its
/// code, and the next transaction is another one. What the reads of the attempt answered is
/// recorded. A commit of unknown outcome is `info`; its thread goes on under a new process number,
/// for the old one may still be at it, as Jepsen has it. A poisoned database ends the recording: what
/// was recorded until then is the history.
///
/// The order of events is that of one counter: an invocation takes its number before the engine is
/// called and a completion after it has returned, so that if one transaction completes before
/// another begins the numbers say so.
///
/// - Invariant HR1: an event is recorded by the thread it happens on, in a buffer of its own; threads
///   share nothing but the counter.
public struct HistoryRecorder: Sendable {
  /// What to do.
  public var workload: HistoryWorkload
  /// Threads that work at the same time.
  public var threadCount: Int
  /// Transactions of all threads together; nil for no limit.
  public var transactionLimit: Int?
  /// How long no more transactions are begun; nil for no limit.
  public var timeLimit: Duration?
  /// The grade of the commits; the database's own when nil.
  public var durability: Durability?
  /// Whether a thread offers its processor to others after each step of a transaction: where there
  /// are fewer processors than threads, short transactions hardly meet otherwise.
  public var isInterleaved: Bool

  /// A recorder; without limits it makes 10,000 transactions.
  public init(
    _ workload: HistoryWorkload, threadCount: Int = 4, transactionLimit: Int? = nil,
    timeLimit: Duration? = nil, durability: Durability? = nil, isInterleaved: Bool = false
  ) {
    self.isInterleaved = isInterleaved
    self.workload = workload
    self.threadCount = max(1, threadCount)
    self.transactionLimit = transactionLimit ?? (timeLimit == nil ? 10_000 : nil)
    self.timeLimit = timeLimit
    self.durability = durability
  }

  /// Records a history, on threads of the operating system.
  ///
  /// The keyspace is emptied first: a history begins with nothing.
  /// - Parameters:
  ///   - progress: called now and then, on the calling thread, with the transactions begun so far.
  /// - Throws: what stops the workload altogether: an error that is no abort.
  public func record(
    on database: Database, keyspace: String = "history", progress: (Int) -> Void = { _ in }
  ) throws -> History {
    try record(on: database, keyspace: keyspace, effects: .system(), progress: progress)
  }

  /// As above, on threads and clocks of the caller's choice.
  package func record(
    on database: Database, keyspace name: String, effects: Effects,
    progress: (Int) -> Void = { _ in }
  ) throws -> History {
    if try database.existingKeyspace(name) != nil { try database.dropKeyspace(name) }
    let keyspace = try database.keyspace(name)
    let shared = RecorderState(
      start: effects.time.monotonic(), transactionLimit: transactionLimit ?? .max,
      timeLimit: timeLimit.map(Self.nanoseconds))
    var history = History()
    if workload.kind == .bank {
      let opening = RecorderThread(self, number: threadCount, shared, database, keyspace, effects)
      opening.openAccounts()
      history.transactions += opening.transactions
      if let error = opening.failure { throw error }
    }
    let threads = (0..<threadCount).map {
      RecorderThread(self, number: $0, shared, database, keyspace, effects)
    }
    let running = threads.map { thread in
      effects.background.start("history-\(thread.number)") { thread.run() }
    }
    // The calling thread looks on.
    while !shared.isOver(threadCount) {
      progress(shared.begunCount)
      _ = effects.waits.park(
        effects.waits.makeTicket(), until: effects.time.monotonic() + 20_000_000)
    }
    for thread in running { thread.join() }
    for thread in threads {
      if let error = thread.failure { throw error }
      history.transactions += thread.transactions
    }
    history.transactions.sort { $0.invocationIndex < $1.invocationIndex }
    return history
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let parts = duration.components
    return UInt64(clamping: parts.seconds) * 1_000_000_000
      + UInt64(clamping: parts.attoseconds / 1_000_000_000)
  }
}

/// What the threads of a recording share.
final class RecorderState: Sendable {
  /// When the recording began, by the monotonic clock.
  let start: UInt64
  private let transactionLimit: Int
  private let timeLimit: UInt64?
  private let eventCount = Atomic<Int>(0)
  private let begun = Atomic<Int>(0)
  private let ended = Atomic<Int>(0)
  private let processes: Atomic<Int>
  private let isStopped = Atomic<Bool>(false)

  init(start: UInt64, transactionLimit: Int, timeLimit: UInt64?) {
    self.start = start
    self.transactionLimit = transactionLimit
    self.timeLimit = timeLimit
    processes = Atomic(0)
  }

  /// The place of the next event in the order of all.
  func nextEvent() -> Int { eventCount.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue }

  /// A process number that nobody has yet.
  func nextProcess() -> Int { processes.wrappingAdd(1, ordering: .relaxed).oldValue }

  /// Whether a thread may begin one more transaction.
  func mayBegin(at now: UInt64) -> Bool {
    if isStopped.load(ordering: .relaxed) { return false }
    if let timeLimit, now &- start >= timeLimit { return false }
    return begun.wrappingAdd(1, ordering: .relaxed).oldValue < transactionLimit
  }

  /// Makes all threads end.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  func end() { ended.wrappingAdd(1, ordering: .releasing) }

  func isOver(_ threadCount: Int) -> Bool { ended.load(ordering: .acquiring) == threadCount }

  var begunCount: Int { min(begun.load(ordering: .relaxed), transactionLimit) }
}
