internal import Environment
internal import Primitives
internal import RedoLog
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// Takes checkpoints: when the log has grown, when much is dirty, when time has passed, or when
/// asked.
///
/// - Invariant CK1: one checkpoint at a time.
/// - Invariant CK2: the log is durable up to the captured position before the superblock that
///   names it is written, and is recycled only after that superblock is durable (rule R3).
/// - Invariant CK3: readers neither hold a checkpoint back nor are held back by one.
/// - Invariant CK4: what a build made becomes part of the state immediately before the capture that
///   is made for it, and leaves it again unless that checkpoint is durable.
// SENDABLE: all mutable state is in a Mutex or atomic.
final class Checkpointer: @unchecked Sendable {
  private let store: VersionStore
  private let log: RedoLog
  private let pipeline: CommitPipeline
  private let configuration: Configuration
  private let effects: Effects
  private let turn: TurnLock
  private let loop = Mutex(Loop())
  let counters: CheckpointCounters
  private let alarms = Alarms()
  private let directory: String
  /// Where the log ended when `noteCommit` last asked whether a checkpoint is due, and how many
  /// bytes later it asks again: asking takes two mutexes, which small commits need not pay.
  private let lastLook = Atomic<UInt64>(0)
  private let lookInterval: UInt64

  private struct Loop {
    var isStopping = false
    var sleeping: WaitTicket?
    var thread: (any BackgroundThread)?
    var transactionFloor: @Sendable () -> TransactionID = { TransactionID(0) }
    /// Something else to be done now and then on this thread, and nanoseconds between two times.
    var look: @Sendable () -> Bool = { false }
    var lookInterval: UInt64?
  }

  init(
    store: VersionStore, log: RedoLog, pipeline: CommitPipeline, directory: String,
    configuration: Configuration, effects: Effects
  ) {
    self.store = store
    self.log = log
    self.pipeline = pipeline
    self.configuration = configuration
    self.effects = effects
    self.directory = directory
    counters = CheckpointCounters(now: effects.time.coarse())
    turn = TurnLock(waits: effects.waits)
    lookInterval = UInt64(min(configuration.checkpointLogBytes, configuration.cacheSize) / 1024)
  }

  /// Bytes of log that recovery would read now.
  var logByteCount: UInt64 { log.replayByteCount }

  // MARK: The background

  /// - Parameters:
  ///   - lookInterval: nanoseconds between two calls of `look`; nil: there are none.
  ///   - look: something short to be done on the same thread, between checkpoints; when it returns
  ///     false, it is called again when the thread wakes anyway.
  func start(
    transactionFloor: @escaping @Sendable () -> TransactionID, looking lookInterval: UInt64?,
    _ look: @escaping @Sendable () -> Bool
  ) {
    loop.withLock { state in
      state.transactionFloor = transactionFloor
      state.look = look
      state.lookInterval = lookInterval
    }
    let thread = effects.background.start("martlet-checkpoint") { [unowned self] in watch() }
    loop.withLock { $0.thread = thread }
  }

  func stop() {
    let (ticket, thread) = loop.withLock { state in
      state.isStopping = true
      defer {
        state.sleeping = nil
        state.thread = nil
      }
      return (state.sleeping, state.thread)
    }
    if let ticket { effects.waits.wake(ticket) }
    thread?.join()
  }

  /// Called after commits: cheap, and wakes the background when a checkpoint is due.
  func noteCommit() {
    let end = log.endPosition.rawValue
    guard end &- lastLook.load(ordering: .relaxed) >= lookInterval else { return }
    lastLook.store(end, ordering: .relaxed)
    guard isDue else { return }
    warnOfLag()
    let ticket = loop.withLock { state in
      defer { state.sleeping = nil }
      return state.sleeping
    }
    if let ticket { effects.waits.wake(ticket) }
  }

  private var isDue: Bool {
    logByteCount >= UInt64(configuration.checkpointLogBytes)
      || store.dirtyByteCount > configuration.cacheSize / 2
  }

  private func watch() {
    let (look, lookInterval) = loop.withLock { ($0.look, $0.lookInterval) }
    let begin = effects.time.monotonic()
    var nextLook = after(lookInterval, begin)
    var nextCheckpoint = after(configuration.checkpointInterval.nanoseconds, begin)
    while true {
      let ticket = effects.waits.makeTicket()
      let isStopping = loop.withLock { state in
        if !state.isStopping { state.sleeping = ticket }
        return state.isStopping
      }
      if isStopping { return }
      if !isDue || pipeline.isPoisoned {
        _ = effects.waits.park(ticket, until: min(nextCheckpoint, nextLook))
      }
      if loop.withLock({ $0.isStopping }) { return }
      let now = effects.time.monotonic()
      let isTime = now >= nextCheckpoint
      if isDue || isTime {
        nextCheckpoint = after(configuration.checkpointInterval.nanoseconds, now)
      }
      if now >= nextLook { nextLook = look() ? after(lookInterval, now) : nextCheckpoint }
      guard !pipeline.isPoisoned, !store.isPoisoned else { continue }
      guard isDue || (isTime && logByteCount > 0) else { continue }
      do {
        try run()
        warnOfSpace()
      } catch {
        effects.events.report(
          Event(
            .warning, kind: .checkpointFailed,
            "a checkpoint failed, the one before stays in force: \(error.message)",
            ["code": .text(error.code.name)]))
        warnOfSpace()
        // What failed once would fail at once again: a disk needs time to be given space.
        _ = effects.waits.park(
          effects.waits.makeTicket(), until: effects.time.monotonic() + 100_000_000)
      }
    }
  }

  private func after(_ interval: UInt64?, _ now: UInt64) -> UInt64 {
    guard let interval else { return .max }
    let (moment, overflow) = now.addingReportingOverflow(interval)
    return overflow ? .max : moment
  }

  /// Waits for the checkpoint under way, and lets none begin until `release`.
  func hold() { turn.take() }

  func release() { turn.passOn() }

  // MARK: One checkpoint

  /// Takes a checkpoint if anything was committed since the last.
  func runIfNeeded() throws(DatabaseError) {
    if logByteCount > 0 || store.dirtyByteCount > 0 { try run() }
  }

  /// Runs something short while no checkpoint is taken.
  func betweenCheckpoints<Result>(
    _ body: () throws(DatabaseError) -> Result
  ) throws(DatabaseError) -> Result {
    try turn.withTurn { () throws(DatabaseError) -> Result in
      try pipeline.requireHealth()
      return try body()
    }
  }

  /// Takes a checkpoint now. On failure the one before stays in force and nothing is lost.
  ///
  /// - Parameter build: a keyspace that this checkpoint takes in; whether it did, it knows itself.
  func run(for build: BuildCommit? = nil) throws(DatabaseError) {
    try turn.withTurn { () throws(DatabaseError) in
      try pipeline.requireHealth()
      let begin = effects.time.coarse()
      var isComplete = false
      defer { counters.record(from: begin, to: effects.time.coarse(), isComplete: isComplete) }
      try build?.enter()
      defer { build?.leave() }
      let floor = loop.withLock { $0.transactionFloor }()
      var captured: CapturedStoreCheckpoint?
      var end = LogPosition.zero
      let point = try pipeline.whileQuiescent { point in
        let state = OwnerState(
          applied: point.end, replayFrom: point.replayFrom,
          clock: point.clock, nextTransaction: floor)
        captured = store.captureCheckpoint(
          ownerState: state.encoded, timestamp: point.timestamp)
        end = build?.announce() ?? point.end
        return point
      }
      // CK2: the checkpoint must not hold commits that the log could still lose.
      try pipeline.makeDurable(through: end)
      guard let checkpoint = captured.take() else { preconditionFailure("nothing was captured") }
      do {
        try store.write(checkpoint)
        isComplete = true
        try log.checkpointCompleted(
          generation: store.durableGeneration, replayFrom: point.replayFrom)
      } catch let error as StoreError {
        throw DatabaseError(error)
      } catch let error as LogError {
        throw DatabaseError(error)
      } catch {
        preconditionFailure("an error of an unknown type: \(error)")
      }
    }
  }
}

// MARK: Warnings

extension Checkpointer {
  /// Warns once when the log has outgrown what checkpoints let go, and again after it was in order.
  private func warnOfLag() {
    let byteCount = logByteCount
    let bound = UInt64(configuration.checkpointLogBytes)
    guard alarms.lag.isNew(byteCount >= 2 * bound, isOver: byteCount < bound) else { return }
    let age = counters.age(at: effects.time.coarse())
    effects.events.report(
      Event(
        .warning, kind: .checkpointLag,
        "the log holds \(byteCount >> 20) MiB since the last checkpoint, twice what "
          + "Configuration.checkpointLogBytes asks for: checkpoints do not keep up, and opening "
          + "after a crash will take longer",
        ["logBytes": .number(byteCount), "age": .duration(age)]))
  }

  /// Warns once when the disk may be full before the next checkpoint has made room, and again
  /// after there was space.
  private func warnOfSpace() {
    guard let available = effects.files.availableByteCount(at: directory) else { return }
    // What the log and the pages of one more checkpoint may take.
    let needed = UInt64(configuration.checkpointLogBytes) + UInt64(configuration.cacheSize / 2)
    guard
      alarms.space.isNew(available < needed, isOver: available >= needed + needed / 2)
    else { return }
    effects.events.report(
      Event(
        .warning, kind: .diskSpace,
        "\(directory): the disk has \(available >> 20) MiB left, and the log and a checkpoint may "
          + "need \(needed >> 20) MiB: writes will fail with diskFull, nothing is lost; make room",
        ["availableBytes": .number(available), "neededBytes": .number(needed)]))
  }
}

/// What the checkpointer has warned of.
// SENDABLE: atomics only.
private final class Alarms: Sendable {
  let lag = Alarm()
  let space = Alarm()
}

/// Rings once for each time that something is so.
// SENDABLE: an atomic only.
private final class Alarm: Sendable {
  private let hasRung = Atomic<Bool>(false)

  /// Whether to ring now. Is quiet until it was over in between.
  func isNew(_ isSo: Bool, isOver: Bool) -> Bool {
    if isSo { return !hasRung.exchange(true, ordering: .relaxed) }
    if isOver { hasRung.store(false, ordering: .relaxed) }
    return false
  }
}
