internal import Environment
internal import RawBytes
internal import Synchronization

/// Whether an engine is open, suspended or closed, and its hold of the directory.
///
/// ```text
///           suspend               resume
///   open ───────────► suspended ─────────► open
///    │                    │  somebody else was there
///    │ close              ├──────────────────────────► lost
///    ▼                    ▼ close                        │ close
///  closed ◄───────────────┴──────────────────────────────┘
/// ```
///
/// - Invariant EL1: the lock is held exactly while the engine is open; nothing is read from or written
///   to a file of the directory while it is not.
// SENDABLE: all mutable state is in a Mutex.
final class EngineLife: Sendable {
  enum Stage { case open, suspending, suspended, lost, closed }

  private struct State {
    var stage = Stage.open
    var lock: (any FileLock)?
    /// What the files were like when they were let go.
    var fingerprint: DirectoryFingerprint?
  }

  private let state: Mutex<State>

  init(lock: any FileLock) { state = Mutex(State(lock: lock)) }

  var stage: Stage { state.withLock { $0.stage } }

  /// Goes from one stage to another; false when it is not at the first.
  func move(from old: Stage, to new: Stage) -> Bool {
    state.withLock { state in
      guard state.stage == old else { return false }
      state.stage = new
      return true
    }
  }

  /// Goes to the last stage; the one before, nil when it was closed already or somebody is about to
  /// suspend it.
  func close() -> Stage? {
    state.withLock { state in
      guard state.stage != .closed, state.stage != .suspending else { return nil }
      defer { state.stage = .closed }
      return state.stage
    }
  }

  var fingerprint: DirectoryFingerprint? {
    get { state.withLock { $0.fingerprint } }
    set { state.withLock { $0.fingerprint = newValue } }
  }

  func hold(_ lock: any FileLock) { state.withLock { $0.lock = lock } }

  /// Lets the directory go, if it is held.
  func unlock() {
    let lock = state.withLock { $0.lock.take() }
    lock?.unlock()
  }

  /// Why nothing may begin.
  var refusal: DatabaseError {
    switch stage {
    case .open, .suspending, .suspended:
      DatabaseError(.suspended, "the database is suspended; call resume() first")
    case .lost: .changedWhileSuspended
    case .closed: DatabaseError(.closed, "the database was closed")
    }
  }
}

extension DatabaseError {
  static var changedWhileSuspended: DatabaseError {
    DatabaseError(
      .changedWhileSuspended,
      "somebody else opened the database while it was suspended; close this one and open it again")
  }
}
