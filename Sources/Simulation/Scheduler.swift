internal import RawBytes

/// One baton and the threads that pass it on.
///
/// The naive way to run threads in a repeatable order is to write a scheduler of coroutines; but
/// the engine's waits are real waits deep in a stack. So the threads are real, and all of them
/// but one sleep. Whoever holds the baton runs until its next call into a seam; there the seed
/// says whether it goes on or who goes on instead. Since nothing but the seed decides, the same
/// seed gives the same run, and a handover is one wake and one sleep.
///
/// Time is virtual: each call costs a little of it, and when every thread sleeps the clock jumps
/// to the earliest deadline.
///
/// - Invariant H1: while a run is in progress exactly one thread holds the baton, and only it
///   executes; so nothing here needs a lock.
/// - Invariant H2: while one thread alone is ready, no system call is made: no handover, no sleep.
/// - Invariant H3: a thread that yields hands over whenever another is ready, so no spin keeps
///   the baton from whoever it spins for (invariant E2 of `Effects`).
/// - Invariant H4: when no thread can ever run again, the process traps and names the seed and
///   what each thread waits for.
///
/// The threads of one machine of a `World` form a group, which can be frozen and slowed as a whole.
///
/// What this does not explore: interleavings inside the code between two calls. Latch races are
/// for the stress tests and the thread sanitizer.
final class Scheduler: @unchecked Sendable {
  // SENDABLE: see H1; outside a run there is one thread only, the test's.
  let seed: UInt64
  let handOverInterval: Int
  var trace: Trace
  private(set) var now: UInt64

  private(set) var running: SimulatedThread?
  private var ready: [SimulatedThread] = []
  private var sleepers: [SimulatedThread] = []
  private var earliestDeadline = UInt64.max
  private(set) var unfinished: [SimulatedThread] = []
  private var generator: SeededGenerator
  /// Who decides instead of the seed, and between how many others it could have chosen so far.
  private var schedule: Simulator.Schedule?
  private(set) var choiceWidths: [Int] = []
  /// How often a thread was kept from the baton although it was ready.
  private(set) var stallCount = 0
  private(set) var handOverCount = 0
  private var couriers: [SimulatedThread] = []
  private var isOnErrand = false
  /// Nil: from now on no thread is stalled.
  var stallInterval: Int?
  private let stallNanoseconds: UInt64
  private var stalls: SeededGenerator
  private var startedCount = 0
  /// All threads of a run share a processor: waking another would cost several times as much.
  private var hold: ProcessorHold?
  private var turnsInVain = 0

  init(
    seed: UInt64, generator: SeededGenerator, stalls: SeededGenerator,
    configuration: Simulator.Configuration
  ) {
    self.seed = seed
    self.generator = generator
    self.stalls = stalls
    stallInterval = configuration.stallInterval.map { max($0, 1) }
    stallNanoseconds = configuration.stallNanoseconds
    handOverInterval = max(configuration.handOverInterval, 1)
    trace = Trace(isKept: configuration.keepsTrace)
    now = 1_000_000_000
  }

  /// A call into a seam begins: it is recorded, costs time, and may let others run first.
  func enter(
    _ call: Trace.Call, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0,
    cost: UInt64 = 200
  ) {
    record(call, first, second, third)
    turnsInVain = 0
    advance(by: cost)
    if let group = running?.group, group.slowness > 1, !isOnErrand {
      group.slowedCallCount += 1
      pass(cost * (group.slowness - 1))
    }
    mayHandOver()
  }

  /// Notes a call in the trace without letting anyone else run.
  func record(
    _ call: Trace.Call, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0
  ) {
    checkCaller()
    trace.record(thread: running?.number ?? 0, call, first, second, third)
  }

  /// A place where the seed may choose another thread.
  func mayHandOver() {
    guard running != nil, !ready.isEmpty, !isOnErrand else { return }
    if schedule != nil {
      if let choice = deviation(among: ready.count) { handOver(staysReady: true, to: choice) }
    } else if generator.oneIn(handOverInterval) {
      handOver(staysReady: true)
    }
  }

  /// From now on a schedule decides, or the seed again.
  func follow(_ schedule: Simulator.Schedule?) {
    self.schedule = schedule
    if schedule != nil { choiceWidths = [] }
  }

  /// What the schedule chooses otherwise at this point, if anything.
  private func deviation(among width: Int) -> Int? {
    guard width > 0 else { return nil }
    choiceWidths.append(width)
    return schedule?.deviations[choiceWidths.count - 1].map { $0 % width }
  }

  /// The place in `ready` of who goes on after one that sleeps or spins.
  private func successor() -> Int {
    guard schedule != nil else { return generator.below(ready.count) }
    return deviation(among: ready.count - 1).map { $0 + 1 } ?? 0
  }

  /// Lets another thread run if any can.
  func yield(attempt: Int) {
    record(.yield, UInt64(truncatingIfNeeded: attempt))
    advance(by: 500)
    turnsInVain += 1
    if turnsInVain > Self.vainTurnLimit { trap("every thread that is awake only spins") }
    // Alone it spins for a sleeper. Among spinners too, when none of so many turns did anything.
    let isInVain = ready.isEmpty ? attempt >= 8 : turnsInVain >= Self.patience
    if running != nil, isInVain, earliestDeadline != .max {
      advance(by: earliestDeadline - min(now, earliestDeadline))
    }
    if running != nil, !ready.isEmpty { handOver(staysReady: true) }
  }

  /// Puts the running thread to sleep until `resume`, or until its deadline.
  func suspend(_ state: SimulatedThread.State, until deadline: UInt64?) -> WaitResult {
    guard let running else { trap("a wait outside a run would never end") }
    if isOnErrand { trap("\(running.name) must not wait") }
    running.state = state
    running.outcome = .woken
    running.deadline = deadline
    if let deadline {
      sleepers.append(running)
      earliestDeadline = min(earliestDeadline, deadline)
    }
    handOver(staysReady: false)
    return running.outcome
  }

  /// The running thread takes so much time, in which others go on.
  func pass(_ nanoseconds: UInt64) {
    guard running != nil else { return advance(by: nanoseconds) }
    _ = suspend(.delayed, until: now + nanoseconds)
  }

  func resume(_ thread: SimulatedThread, _ outcome: WaitResult) {
    forgetDeadline(of: thread)
    thread.outcome = outcome
    if let group = thread.group, let thaw = group.frozenUntil, thaw > now {
      freeze(thread, until: thaw)
    } else {
      thread.state = .ready
      ready.append(thread)
    }
  }

  /// Lets a thread that waits for frames wake up at this moment at the latest.
  func hasten(_ thread: SimulatedThread, to moment: UInt64) {
    guard case .awaitingFrames = thread.state, moment < thread.deadline ?? .max else { return }
    if thread.deadline == nil { sleepers.append(thread) }
    thread.deadline = moment
    earliestDeadline = min(earliestDeadline, moment)
  }

  private func forgetDeadline(of thread: SimulatedThread) {
    guard thread.deadline != nil else { return }
    thread.deadline = nil
    sleepers.removeAll { $0 === thread }
    earliestDeadline = sleepers.reduce(.max) { min($0, $1.deadline ?? .max) }
  }

  private func advance(by nanoseconds: UInt64) {
    now += nanoseconds
    if now >= earliestDeadline { wakeWhoIsDue() }
  }

  private func wakeWhoIsDue() {
    for thread in sleepers where thread.deadline ?? .max <= now {
      // Who was kept from going on learns of what had woken him before.
      switch thread.state {
      case .stalled, .frozen: resume(thread, thread.outcome)
      default: resume(thread, .timedOut)
      }
    }
  }

  private func handOver(staysReady: Bool, to choice: Int? = nil) {
    guard let leaving = running else { return }
    while ready.isEmpty {
      if earliestDeadline == .max { trap("every thread sleeps for ever") }
      checkDrain()
      advance(by: earliestDeadline - min(now, earliestDeadline))
    }
    // Who leaves is not chosen again at once, unless the only other one was stalled.
    let stalled = schedule == nil ? stallOne(staysReady ? leaving : nil) : nil
    let stays = staysReady && stalled !== leaving
    let next = ready.isEmpty ? leaving : ready.remove(at: choice ?? successor())
    if stays && next !== leaving { ready.append(leaving) }
    running = next
    if next.errand != nil { return runErrands(leaving) }
    guard next !== leaving else { return }
    switchThreads(leaving, next)
  }

  private func switchThreads(_ leaving: SimulatedThread, _ next: SimulatedThread) {
    handOverCount += 1
    let isLeavingForGood = leaving.isFinished
    next.giveTurn()
    if !isLeavingForGood { leaving.takeTurn() }
  }

  /// Does the errand of whoever has the baton, and of whoever gets it next, until it is a thread's
  /// turn: that costs no change of threads.
  private func runErrands(_ leaving: SimulatedThread) {
    while let courier = running, let errand = courier.errand {
      isOnErrand = true
      let deadline = errand()
      isOnErrand = false
      courier.state = .awaitingFrames
      if let deadline, courier.errand != nil { hasten(courier, to: deadline) }
      while ready.isEmpty {
        if earliestDeadline == .max { trap("every thread sleeps for ever") }
        checkDrain()
        advance(by: earliestDeadline - min(now, earliestDeadline))
      }
      running = ready.remove(at: successor())
    }
    if let next = running, next !== leaving { switchThreads(leaving, next) }
  }

  /// Once in so many handovers one of the threads that are ready is put to sleep for a while. One
  /// other remains, so that somebody does go on in the stalled one's place.
  private func stallOne(_ leaving: SimulatedThread?) -> SimulatedThread? {
    let candidates = ready + (leaving.map { [$0] } ?? [])
    guard let stallInterval, candidates.count >= 2, stalls.oneIn(stallInterval) else { return nil }
    let thread = candidates[stalls.below(candidates.count)]
    ready.removeAll { $0 === thread }
    thread.state = .stalled
    thread.deadline = now + stallNanoseconds
    sleepers.append(thread)
    earliestDeadline = min(earliestDeadline, now + stallNanoseconds)
    stallCount += 1
    return thread
  }

  private func checkCaller() {
    guard let identity = running?.identity else { return }
    if identity != NativeThread.currentIdentity {
      trap("a call from a thread that the simulator did not start")
    }
  }

  private static let vainTurnLimit = 1_000_000
  private static let patience = 10_000

  private func checkDrain() {
    guard let drainStart, now > drainStart + Self.drainLimit else { return }
    trap("ten minutes after the run's body returned its threads still go on")
  }

  private var drainStart: UInt64?
  private static let drainLimit: UInt64 = 600_000_000_000
}

/// Groups of threads.
extension Scheduler {
  /// None of the group's threads goes on before the moment. To be called by a thread of another.
  func freeze(_ group: ThreadGroup, until moment: UInt64) {
    precondition(running?.group !== group, "a thread cannot freeze itself")
    group.frozenUntil = max(moment, group.frozenUntil ?? 0)
    let held = ready.filter { $0.group === group }
    ready.removeAll { $0.group === group }
    for thread in held { freeze(thread, until: moment) }
  }

  private func freeze(_ thread: SimulatedThread, until moment: UInt64) {
    thread.group?.heldThreadCount += 1
    thread.state = .frozen
    thread.deadline = moment
    sleepers.append(thread)
    earliestDeadline = min(earliestDeadline, moment)
  }

  /// Ends everything that keeps the group's threads back: a freeze, and calls that take long.
  func release(_ group: ThreadGroup) {
    group.frozenUntil = nil
    for thread in unfinished + couriers where thread.group === group {
      switch thread.state {
      case .frozen: resume(thread, thread.outcome)
      case .delayed: resume(thread, .timedOut)
      default: break
      }
    }
  }

  /// Makes the running thread one of a group, as whoever calls into a machine goes on with it and
  /// stands still with it. Returns the group it was of before.
  func enter(_ group: ThreadGroup?) -> ThreadGroup? {
    guard let running else { trap("a visit outside a run") }
    let before = running.group
    running.group = group
    if let thaw = group?.frozenUntil, thaw > now {
      group?.heldThreadCount += 1
      _ = suspend(.frozen, until: thaw)
    }
    return before
  }
}

/// Threads begin and end.
extension Scheduler {
  /// Makes the calling thread the first of a run, and waits at the end for all that it started.
  func run<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(running == nil, "a run inside a run")
    let first = makeThread("main")
    first.identity = NativeThread.currentIdentity
    running = first
    defer {
      drain(first)
      running = nil
      hold?.release()
      hold = nil
    }
    return try body()
  }

  /// Starts a thread, of the group given or else of the group of the one that starts it.
  func start(
    _ name: String, in group: ThreadGroup? = nil, _ body: @escaping @Sendable () -> Void
  ) -> SimulatedThread {
    guard let running else { trap("thread \(name) started outside a run") }
    if hold == nil { hold = ProcessorHold() }
    let thread = makeThread(name)
    thread.group = group ?? running.group
    enter(.start, UInt64(thread.number))
    let work = Work(body)
    thread.native = NativeThread(name: name) { [self] in
      thread.takeTurn()
      thread.identity = NativeThread.currentIdentity
      work.run()
      finish(thread)
    }
    ready.append(thread)
    mayHandOver()
    return thread
  }

  /// Makes something that gets the baton like a thread of a group and then does an errand.
  func makeCourier(
    _ name: String, in group: ThreadGroup, _ errand: @escaping () -> UInt64?
  ) -> SimulatedThread {
    let courier = SimulatedThread(number: startedCount, name: name)
    startedCount += 1
    courier.group = group
    courier.errand = errand
    courier.state = .awaitingFrames
    couriers.append(courier)
    return courier
  }

  func dismiss(_ courier: SimulatedThread) {
    forgetDeadline(of: courier)
    ready.removeAll { $0 === courier }
    couriers.removeAll { $0 === courier }
    courier.errand = nil
    courier.state = .finished
  }

  func join(_ thread: SimulatedThread) {
    enter(.join, UInt64(thread.number))
    if !thread.isFinished { _ = suspend(.joining(thread), until: nil) }
    thread.native?.join()
    thread.native = nil
  }

  /// A thread's body, released with all that it captured while the thread still has the baton.
  private final class Work: @unchecked Sendable {
    // SENDABLE: touched by its thread only.
    private var body: (() -> Void)?

    init(_ body: @escaping () -> Void) { self.body = body }

    func run() {
      body?()
      body = nil
    }
  }

  private func makeThread(_ name: String) -> SimulatedThread {
    let thread = SimulatedThread(number: startedCount, name: name)
    startedCount += 1
    unfinished.append(thread)
    return thread
  }

  private func finish(_ thread: SimulatedThread) {
    record(.finish, UInt64(thread.number))
    thread.state = .finished
    unfinished.removeAll { $0 === thread }
    for waiting in unfinished {
      if case .joining(let awaited) = waiting.state, awaited === thread {
        resume(waiting, .woken)
      } else if waiting.isDraining, unfinished.count == 1 {
        resume(waiting, .woken)
      }
    }
    handOver(staysReady: false)
  }

  private func drain(_ first: SimulatedThread) {
    drainStart = now
    if unfinished.count > 1 { _ = suspend(.draining, until: nil) }
    drainStart = nil
    first.state = .finished
    unfinished = []
    for courier in couriers { dismiss(courier) }
  }
}

/// The end of a run that cannot go on.
extension Scheduler {
  func trap(_ reason: String) -> Never {
    var report = "simulation with seed \(seed): \(reason), at \(now) ns"
    report += " after \(trace.callCount) calls"
    for thread in unfinished + couriers {
      report += "\n  thread \(thread.number) \(thread.name): "
      switch thread.state {
      case .ready: report += "ready"
      case .parked(let ticket):
        report += "parked on ticket \(ticket)"
        report += thread.deadline.map { " until \($0)" } ?? " without a deadline"
      case .joining(let other): report += "joining thread \(other.number) \(other.name)"
      case .delayed: report += "in a call that takes long"
      case .stalled: report += "stalled"
      case .frozen: report += "frozen with its machine"
      case .awaitingFrames: report += "waiting for frames"
      case .draining: report += "its body returned; waiting for all others to end"
      case .finished: report += "finished"
      }
      if thread === running { report += " (the last to run)" }
    }
    fatalError(report)
  }
}
