internal import Environment
internal import RawBytes
internal import Synchronization

/// What other threads tell the background thread.
final class BackgroundState: Sendable {
  enum Wish { case touch, evict }

  private struct State {
    var isSignalled = false
    var wantsFrames = false
    var isStopping = false
    var ticket: WaitTicket?
    var failure: PagingError?
    var thread: (any BackgroundThread)?
  }

  private let state = Mutex(State())

  /// Hold no mutex: it wakes a thread.
  func signal(_ wish: Wish, waits: any Waits) {
    let ticket = state.withLock { state -> WaitTicket? in
      state.isSignalled = true
      if wish == .evict { state.wantsFrames = true }
      defer { state.ticket = nil }
      return state.ticket
    }
    if let ticket { waits.wake(ticket) }
  }

  /// Why the last attempt to write victims failed; nil after one that did not.
  var failure: PagingError? {
    get { state.withLock { $0.failure } }
    set { state.withLock { $0.failure = newValue } }
  }

  func started(_ thread: any BackgroundThread) { state.withLock { $0.thread = thread } }

  /// Ends the thread's loop; returns the thread to be joined, once.
  func stop(waits: any Waits) -> (any BackgroundThread)? {
    let thread = state.withLock { state in
      state.isStopping = true
      defer { state.thread = nil }
      return state.thread
    }
    signal(.touch, waits: waits)
    return thread
  }

  func takeWishes() -> (isStopping: Bool, wantsFrames: Bool) {
    state.withLock { state in
      defer {
        state.isSignalled = false
        state.wantsFrames = false
      }
      return (state.isStopping, state.wantsFrames)
    }
  }

  /// Waits for a signal, or until a deadline.
  func wait(until deadline: UInt64?, waits: any Waits) {
    let ticket = waits.makeTicket()
    let mustWait = state.withLock { state in
      if !state.isSignalled { state.ticket = ticket }
      return !state.isSignalled
    }
    guard mustWait else { return }
    if waits.park(ticket, until: deadline) == .timedOut { state.withLock { $0.ticket = nil } }
  }
}

/// The background thread: it faults memory in ahead of use, and writes cold dirty pages so that
/// nobody who waits for a frame has to write.
extension Pager {
  private enum Round {
    case progress
    case nothing
    case failed(PagingError)
  }

  func startBackground() {
    background.started(
      effects.background.start("martlet pages") { [self] in runBackground() })
  }

  /// Stops the background thread. Makes no checkpoint.
  package func close() {
    background.stop(waits: effects.waits)?.join()
  }

  /// Waits for the run being written, and lets no page be written until `releaseWrites`.
  package func holdWrites() { writeTurn.take() }

  package func releaseWrites() { writeTurn.pass() }

  private func runBackground() {
    let run = RunBuffer(pageSize: pageSize, compression: configuration.compression)
    var fruitless = 0
    while true {
      let wishes = background.takeWishes()
      if wishes.isStopping { return }
      touchAhead()
      var deadline: UInt64?
      if wishes.wantsFrames || frames.hasWaiters {
        switch writeVictims(run) {
        case .progress:
          fruitless = 0
          background.failure = nil
          if frames.freeCount < highWater || frames.hasWaiters {
            background.signal(.evict, waits: effects.waits)
          }
        case .nothing:
          fruitless += 1
          if frames.hasWaiters { deadline = pause(1_000_000, fruitless) }
        case .failed(let error):
          fruitless += 1
          if background.failure != error {
            effects.events.report(
              Event(.warning, kind: .background, "writing pages back failed: \(error)"))
          }
          background.failure = error
          deadline = pause(10_000_000, fruitless)
        }
      }
      background.wait(until: deadline, waits: effects.waits)
    }
  }

  /// When to try again: longer each time, up to 64 times the first pause.
  private func pause(_ nanoseconds: UInt64, _ fruitless: Int) -> UInt64 {
    effects.time.monotonic() + nanoseconds << UInt64(min(fruitless - 1, 6))
  }

  /// Once awake, the writer goes on until so many frames are free.
  private var highWater: Int { max(16, frames.count / 16) }

  private static let touchStepByteCount = 2 << 20

  private func touchAhead() {
    let step = max(1, Self.touchStepByteCount / pageSize)
    while let untouched = frames.takeUntouched(step: step) {
      frames.giveBack(frames.touch(untouched), asLast: true, waits: effects.waits)
    }
  }

  /// Victims of one round: a run of about a megabyte at most.
  private static let victimsPerRound = 64

  private func writeVictims(_ run: RunBuffer) -> Round {
    writeTurn.take()
    defer { writeTurn.pass() }
    var chain = FrameChain()
    var examined = 0
    while examined < 2 * frames.count, chain.count < Self.victimsPerRound,
      run.images.count < Self.victimsPerRound, !run.isFull
    {
      for frame in nextFrames() where !run.isFull {
        examined += 1
        switch judge(frame) {
        case .evicted: frames.push(UInt32(frame), to: &chain)
        case .dirty:
          if !file.isPoisoned { copy(frame: frame, into: run, upTo: .max, mayWait: false) }
        case .busy, .warm: break
        }
      }
    }
    let evicted = chain.count
    if evicted > 0 { frames.giveBack(chain, waits: effects.waits) }
    if run.isEmpty { return evicted > 0 ? .progress : .nothing }
    return writeAndEvict(run)
  }

  private func writeAndEvict(_ run: RunBuffer) -> Round {
    let victims = run.images.map { Int($0.frame) }
    var failure: PagingError?
    do throws(PagingError) { try write(run) } catch { failure = error }
    settle(run)
    var chain = FrameChain()
    for frame in victims {
      if case .evicted = judge(frame) { frames.push(UInt32(frame), to: &chain) }
    }
    counters.dirtyEvictions.add(chain.count)
    if chain.count > 0 { frames.giveBack(chain, waits: effects.waits) }
    return failure.map { .failed($0) } ?? .progress
  }
}
