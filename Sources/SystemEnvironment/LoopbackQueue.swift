internal import Primitives
internal import RawBytes

/// Frames on their way to one node of a `LoopbackNetwork`, and the thread that delivers them.
final class LoopbackQueue: Sendable {
  private struct State {
    var frames: [(from: NodeID, bytes: [UInt8])] = []
    var byteCount = 0
    var isClosed = false
    /// Nil until it runs, and when somebody joins it.
    var thread: NativeThread?
    /// Tells the thread from whoever else closes the queue.
    var threadIdentity: UInt?
  }

  private let state = ShortMutex(State())
  /// 1 when there may be something to do, 0 when the thread has seen all and sleeps.
  private let bell = WaitWord(0)

  init(receive: @escaping @Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void) {
    let thread = NativeThread(name: "network") { [self] in deliver(receive) }
    state.withLock { $0.thread = thread }
  }

  /// Takes a frame; drops it when the queue is full or closed.
  func put(_ frame: (from: NodeID, bytes: [UInt8])) {
    let isTaken = state.withLock { state in
      guard !state.isClosed, state.frames.count < LoopbackNetwork.frameLimit,
        state.byteCount + frame.bytes.count <= LoopbackNetwork.byteLimit
      else { return false }
      state.frames.append(frame)
      state.byteCount += frame.bytes.count
      return true
    }
    if isTaken { ring() }
  }

  /// Drops what is there and ends the thread; waits for that, unless the thread itself calls.
  func close() {
    let (thread, identity) = state.withLock { state in
      state.isClosed = true
      state.frames = []
      defer { state.thread = nil }
      return (state.thread, state.threadIdentity)
    }
    ring()
    if identity != NativeThread.currentIdentity { thread?.join() }
  }

  private func ring() { if bell.exchange(1) == 0 { bell.wake() } }

  private func deliver(_ receive: (_ from: NodeID, _ frame: [UInt8]) -> Void) {
    state.withLock { $0.threadIdentity = NativeThread.currentIdentity }
    while true {
      let (frames, isClosed) = state.withLock { state in
        defer {
          state.frames = []
          state.byteCount = 0
        }
        return (state.frames, state.isClosed)
      }
      if isClosed { return }
      for frame in frames {
        if state.withLock({ $0.isClosed }) { return }
        receive(frame.from, frame.bytes)
      }
      // What was put since was followed by a ring, which this exchange sees or the wait does.
      if frames.isEmpty, bell.exchange(0) == 0 { bell.wait(while: 0, nanoseconds: nil) }
    }
  }
}
