import Environment
import Primitives
import RawBytes
import Synchronization
import VersionStore

/// A commit pipeline for many threads: orders, applies outside the section, publishes contiguously.
final class ConcurrentPipeline: Sendable {
  struct LoggedBatch {
    let timestamp: Timestamp
    let bytes: [UInt8]
  }

  private struct State {
    var clock: UInt64
    var inFlight: [(timestamp: Timestamp, isApplied: Bool)] = []
    var log: [LoggedBatch] = []
  }

  let store: VersionStore
  private let waits: any Waits
  private let state: Mutex<State>

  init(store: VersionStore, effects: Effects) {
    self.store = store
    waits = effects.waits
    state = Mutex(State(clock: store.publishedTimestamp.rawValue))
  }

  var log: [LoggedBatch] { state.withLock { $0.log } }

  func commit(_ batch: WriteBatch, isRelaxed: Bool, own: StoreSnapshot?) throws {
    let announcement = store.announce(batch, isAcknowledgedAtPublication: isRelaxed, own: own)
    let bytes = batch.bytes.array
    let timestamp = state.withLock { state in
      state.clock += 1
      let timestamp = Timestamp(state.clock)
      state.inFlight.append((timestamp, false))
      state.log.append(LoggedBatch(timestamp: timestamp, bytes: bytes))
      return timestamp
    }
    try store.apply(batch, at: timestamp, announcement: announcement)
    state.withLock { state in
      state.inFlight[state.inFlight.firstIndex { $0.timestamp == timestamp }!].isApplied = true
      while let first = state.inFlight.first, first.isApplied {
        store.publish(through: first.timestamp)
        state.inFlight.removeFirst()
      }
    }
    var attempt = 0
    while store.publishedTimestamp < timestamp {
      waits.yield(attempt: attempt)
      attempt += 1
    }
    if !isRelaxed { waits.yield(attempt: 20) }
    store.acknowledge(through: timestamp)
    store.retract(announcement)
  }

  /// Captures a checkpoint at a moment without commits in flight, and begins a snapshot of it.
  func capture() -> Captured {
    var attempt = 0
    while true {
      let captured = state.withLock { state -> Captured? in
        guard state.inFlight.isEmpty else { return nil }
        return Captured(
          checkpoint: store.captureCheckpoint(
            ownerState: [], timestamp: store.publishedTimestamp),
          snapshot: store.beginSnapshot(.published))
      }
      if let captured { return captured }
      waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  struct Captured: ~Copyable {
    let checkpoint: CapturedStoreCheckpoint
    let snapshot: StoreSnapshot
  }
}
