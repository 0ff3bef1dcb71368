internal import RawBytes
internal import Synchronization

/// How many keys were looked up, counted where it costs nothing: every reading context has a lane of
/// its own, which only the thread that uses the context writes.
///
/// - Invariant LC1: a lane counts from its making to its retirement, and then goes on counting
///   in the sum of those that are gone.
// SENDABLE: the lanes are atomics; their list is in a Mutex.
final class LookupCounters: Sendable {
  /// A counter on a line of memory of its own. One thread at a time counts.
  // SAFETY: the memory is allocated as long as the lane. SENDABLE: it is an atomic.
  @safe
  final class Lane: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
      let line = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      unsafe memory = line.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
      unsafe memory.initialize(to: Atomic(0))
    }

    deinit { unsafe UnsafeMutableRawPointer(memory).deallocate() }

    /// Not a read-modify-write: nobody else writes.
    @inline(__always)
    func count() {
      let before = unsafe memory.pointee.load(ordering: .relaxed)
      unsafe memory.pointee.store(before &+ 1, ordering: .relaxed)
    }

    var value: UInt64 { unsafe memory.pointee.load(ordering: .relaxed) }
  }

  private struct State {
    var lanes: [ObjectIdentifier: Lane] = [:]
    var retired: UInt64 = 0
  }

  private let state = Mutex(State())

  func makeLane() -> Lane {
    let lane = Lane()
    state.withLock { $0.lanes[ObjectIdentifier(lane)] = lane }
    return lane
  }

  func retire(_ lane: Lane) {
    state.withLock { state in
      if state.lanes.removeValue(forKey: ObjectIdentifier(lane)) != nil {
        state.retired += lane.value
      }
    }
  }

  /// Of all lanes that ever were.
  var total: UInt64 {
    state.withLock { state in state.lanes.values.reduce(state.retired) { $0 &+ $1.value } }
  }
}
