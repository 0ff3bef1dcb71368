internal import Environment
internal import RawBytes
internal import Synchronization

/// Hands the runs of a page build to its writers and back.
///
/// - Invariant BQ1: a run is at one place: idle, being filled, ready, or with a writer.
/// - Invariant BQ2: after a failure runs go round unwritten, so that nobody waits for ever.
final class BuildQueue: Sendable {
  private struct State {
    var idle: [BuildRun] = []
    var ready: [BuildRun] = []
    /// Runs that were made; never more than the limit.
    var madeCount = 0
    /// Runs that were submitted and have not come back.
    var underWayCount = 0
    var failure: PagingError?
    var isClosed = false
    var isAbandoned = false
    var writers: [WaitTicket] = []
    var owner: WaitTicket?
  }

  private let state = Mutex(State())
  private let waits: any Waits
  private let limit: Int

  init(waits: any Waits, limit: Int) {
    self.waits = waits
    self.limit = limit
  }

  // MARK: The owner

  /// What the owner does when it has filled a run.
  enum Turn {
    case fill(BuildRun)
    case make
    /// All runs are filled: it writes one rather than wait for a writer to get the processor.
    case write(BuildRun)
  }

  /// The next thing for the owner to do; waits only when writers have all runs.
  func takeTurn() throws(PagingError) -> Turn {
    while true {
      let ticket = waits.makeTicket()
      let (turn, failure) = state.withLock { state -> (Turn?, PagingError?) in
        if let failure = state.failure { return (nil, failure) }
        if let run = state.idle.popLast() { return (.fill(run), nil) }
        if state.madeCount < limit {
          state.madeCount += 1
          return (.make, nil)
        }
        if !state.ready.isEmpty { return (.write(state.ready.removeFirst()), nil) }
        state.owner = ticket
        return (nil, nil)
      }
      if let failure { throw failure }
      if let turn { return turn }
      _ = waits.park(ticket, until: nil)
    }
  }

  func submit(_ run: BuildRun) throws(PagingError) {
    let writer = state.withLock { state -> WaitTicket? in
      state.ready.append(run)
      state.underWayCount += 1
      return state.writers.popLast()
    }
    if let writer { waits.wake(writer) }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  /// A run that no writer has taken yet; nil when every run that was submitted has come back.
  /// Waits for writers in between.
  func takeLeft() throws(PagingError) -> BuildRun? {
    while true {
      let ticket = waits.makeTicket()
      let (run, isDone, failure) = state.withLock { state -> (BuildRun?, Bool, PagingError?) in
        if !state.ready.isEmpty { return (state.ready.removeFirst(), false, nil) }
        if state.underWayCount > 0 { state.owner = ticket }
        return (nil, state.underWayCount == 0, state.failure)
      }
      if run != nil { return run }
      if isDone {
        if let failure { throw failure }
        return nil
      }
      _ = waits.park(ticket, until: nil)
    }
  }

  /// No more runs come: writers end when none is ready.
  func close(isAbandoned: Bool) {
    let writers = state.withLock { state in
      state.isClosed = true
      state.isAbandoned = isAbandoned
      defer { state.writers.removeAll() }
      return state.writers
    }
    for writer in writers { waits.wake(writer) }
  }

  // MARK: Writers

  /// Whether runs are of use to nobody any more.
  var isGivenUp: Bool { state.withLock { $0.failure != nil || $0.isAbandoned } }

  /// The next run to be written, in the order of submission; nil at the end.
  func takeReady() -> BuildRun? {
    while true {
      let ticket = waits.makeTicket()
      let (run, isOver) = state.withLock { state -> (BuildRun?, Bool) in
        if !state.ready.isEmpty { return (state.ready.removeFirst(), false) }
        if !state.isClosed { state.writers.append(ticket) }
        return (nil, state.isClosed)
      }
      if run != nil || isOver { return run }
      _ = waits.park(ticket, until: nil)
    }
  }

  func giveBack(_ run: BuildRun, _ failure: PagingError?) {
    let owner = state.withLock { state -> WaitTicket? in
      state.idle.append(run)
      state.underWayCount -= 1
      state.failure = state.failure ?? failure
      return state.owner.take()
    }
    if let owner { waits.wake(owner) }
  }
}
