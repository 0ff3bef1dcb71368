internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// Somebody who is told when what it has read has changed.
package protocol ObservingParty: AnyObject, Sendable {
  /// What it has read may have changed. Called on a thread of the engine.
  ///
  /// - Returns: what is to be done on such a thread: to read again; nil when nobody waits for it.
  func changed() -> (@Sendable () -> Void)?

  /// It is over. Called once at most.
  func finish(_ error: (any Error)?)
}

/// Takes what commits wrote to the observers that have read it: the ledger, its mutex, and the flags
/// that spare a commit which nobody observes all of it.
///
/// A commit pays one relaxed load when it is published, and a load when it is acknowledged. When
/// somebody observes, it copies the keys that it wrote, and wakes a thread of the engine, which
/// compares them and reads.
///
/// - Invariant OR1: the steps of commits and observers come in the order that `ObservationLedger`
///   needs; it says why.
/// - Invariant OR2: the ledger's mutex is taken with no other one but the commit section's held, and
///   under it none is taken and nobody is called.
// SENDABLE: all mutable state is atomic or in a Mutex.
final class ObservationRegistry: Sendable {
  private struct State {
    var ledger = ObservationLedger()
    var parties: [ObserverID: any ObservingParty] = [:]
    var isClosed = false
  }

  private let store: VersionStore
  private let workers: WorkerPool
  private let state = ShortMutex(State())
  /// Whether commits have to be noted. Set before the section is entered (O1, O2), so that a commit
  /// ordered afterwards sees it.
  private let observed = Atomic<Bool>(false)
  /// Whether `advance` has to follow an acknowledgement. Changed under the mutex.
  private let awaited = Atomic<Bool>(false)
  /// Whether a comparison is queued that has not yet looked at the watermark.
  private let isQueued = Atomic<Bool>(false)

  init(store: VersionStore, workers: WorkerPool) {
    self.store = store
    self.workers = workers
  }

  // MARK: Commits

  /// Whether a commit that is ordered and unpublished has to be noted.
  @inline(__always)
  var isObserved: Bool { observed.load(ordering: .relaxed) }

  /// Notes what a commit wrote, between its order and its publication (C2).
  @inline(never)
  func note(_ batch: WriteBatch, at timestamp: Timestamp, dropping: KeyspaceID?) {
    change { state in
      guard state.ledger.isObserved else { return }
      state.ledger.note(batch, at: timestamp, dropping: dropping)
    }
  }

  /// Notes that a whole keyspace has changed.
  func noteWhole(_ keyspace: KeyspaceID, at timestamp: Timestamp) {
    change { state in
      guard state.ledger.isObserved else { return }
      state.ledger.noteWhole(keyspace, at: timestamp)
    }
  }

  /// Whether somebody waits for the watermark. Asked after it was raised (C5).
  @inline(__always)
  var isAwaited: Bool { awaited.load(ordering: .sequentiallyConsistent) }

  /// The watermark has moved: compares, on a thread of the engine.
  func acknowledged() {
    // Whoever has queued a comparison that has not begun looks at the watermark after this.
    if isQueued.exchange(true, ordering: .sequentiallyConsistent) { return }
    workers.submit { [self] in compare() }
  }

  private func compare() {
    isQueued.store(false, ordering: .sequentiallyConsistent)
    let acknowledged = store.acknowledgedTimestamp
    let parties = change { state in
      state.ledger.advance(through: acknowledged).compactMap { state.parties[$0] }
    }
    // The last reads on this thread: to wake another would take longer than most reads.
    var last: (@Sendable () -> Void)?
    for party in parties {
      guard let read = party.changed() else { continue }
      if let waiting = last { workers.submit(waiting) }
      last = read
    }
    last?()
  }

  // MARK: Observers

  /// Steps O1 to O3: what is committed from now on is noted. Nil when the database is closed.
  func admit(_ party: any ObservingParty, lastOrdered: () -> Timestamp) -> ObserverID? {
    let (id, isKnown) = change { state -> (ObserverID?, Bool) in
      if state.isClosed { return (nil, true) }
      let id = state.ledger.admit()
      state.parties[id] = party
      observed.store(true, ordering: .sequentiallyConsistent)
      return (id, state.ledger.unseen != nil)
    }
    guard let id, !isKnown else { return id }
    let floor = lastOrdered()
    change { $0.ledger.setUnseen(through: floor, for: id) }
    lookAgain()
    return id
  }

  /// Step O4, before the snapshot.
  func begin(_ id: ObserverID) { change { $0.ledger.begin(id) } }

  /// Gives a read up.
  func abandon(_ id: ObserverID) { change { $0.ledger.abandon(id) } }

  /// Step O6. False when what was read has changed already.
  func finish(_ id: ObserverID, _ interest: Interest, at moment: Timestamp) -> Bool {
    let isCurrent = change { $0.ledger.finish(id, interest, at: moment) }
    lookAgain()
    return isCurrent
  }

  /// Forgets an observer.
  func remove(_ id: ObserverID) {
    // Let go of outside the mutex: its end may run code.
    _ = change { state -> (any ObservingParty)? in
      state.ledger.remove(id)
      if !state.ledger.isObserved { observed.store(false, ordering: .sequentiallyConsistent) }
      return state.parties.removeValue(forKey: id)
    }
  }

  /// Ends every observation: the database is closed.
  func close() {
    let parties = change { state in
      state.isClosed = true
      return state.parties.sorted { $0.key < $1.key }.map(\.value)
    }
    let error = DatabaseError(.closed, "the database was closed")
    for party in parties { party.finish(error) }
  }

  /// Observers admitted now.
  var count: Int { state.withLock { $0.parties.count } }

  /// A note that has become awaited may have been acknowledged before.
  private func lookAgain() {
    guard isAwaited else { return }
    let compared = state.withLock { $0.ledger.comparedThrough }
    if store.acknowledgedTimestamp > compared { acknowledged() }
  }

  @discardableResult
  private func change<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      defer { awaited.store(state.ledger.isAwaiting, ordering: .sequentiallyConsistent) }
      return body(&state)
    }
  }
}
