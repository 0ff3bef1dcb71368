internal import RawBytes

/// A real thread that runs only while it has the baton.
///
/// - Invariant Z1: everything here but `turn` is touched by the holder of the baton only.
final class SimulatedThread: @unchecked Sendable {
  // SENDABLE: see Z1; handing the baton over orders the accesses.

  /// What the thread waits for.
  enum State {
    /// Nothing: it has the baton or will get it.
    case ready
    /// A wake, on the ticket with this number.
    case parked(ticket: Int)
    case joining(SimulatedThread)
    /// The end of a call that takes long.
    case delayed
    /// Nothing, and yet it does not get the baton before its deadline.
    case stalled
    /// Nothing, and yet it does not get the baton before its machine goes on.
    case frozen
    /// The next frame from the network.
    case awaitingFrames
    /// The first thread, whose body has returned, waits for all others.
    case draining
    case finished
  }

  let number: Int
  let name: String
  var state = State.ready
  var deadline: UInt64?
  /// The machine that it is a thread of, in a world of several.
  var group: ThreadGroup?
  var outcome = WaitResult.woken
  var native: NativeThread?
  /// What it does each time it gets the baton, for one without a thread of the system: a short errand
  /// that waits for nothing. It returns when it wants to be woken next.
  var errand: (() -> UInt64?)?
  /// The system's name for the thread, once it has had the baton.
  var identity: UInt?

  private let turn = WaitWord(0)

  init(number: Int, name: String) {
    self.number = number
    self.name = name
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }

  var isDraining: Bool { if case .draining = state { true } else { false } }

  /// Gives the thread the baton.
  func giveTurn() {
    _ = turn.exchange(1)
    turn.wake()
  }

  /// Sleeps until somebody gives this thread the baton.
  func takeTurn() {
    while !turn.compareExchange(1, 0) { turn.wait(while: 0, nanoseconds: nil) }
  }
}

/// What the threads of one machine have in common.
final class ThreadGroup: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.

  /// None of them goes on before this moment.
  var frozenUntil: UInt64?
  /// Every call takes so many times its time.
  var slowness: UInt64 = 1
  /// How often a thread would have gone on and did not, because the group was frozen.
  var heldThreadCount = 0
  var slowedCallCount = 0
}

enum WaitResult { case woken, timedOut }
