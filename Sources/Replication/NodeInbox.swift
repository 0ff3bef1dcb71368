internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// What has happened since the loop of a node last looked, and how it is woken.
///
/// - Invariant NI1: frames are bounded by count and bytes; what comes beyond is dropped, as a network
///   would (rule A1). Requests are bounded by whoever posts them.
// SENDABLE: mutable state is in a Mutex.
final class NodeInbox: @unchecked Sendable {
  struct Content {
    var frames: [(from: NodeID, bytes: [UInt8])] = []
    var requests: [NodeRequest] = []
    var flushes: [FlushedWrites] = []
    /// What the node's other threads have finished.
    var results: [@Sendable (NodeRuntime) -> Void] = []
    var failure: NodeError?
    var isClosing = false
  }

  private struct State {
    var content = Content()
    var frameByteCount = 0
    var isEmpty = true
    var sleeper: WaitTicket?
  }

  private let effects: Effects
  private let frameLimit: Int
  private let frameByteLimit: Int
  private let state = Mutex(State())

  init(effects: Effects, frameLimit: Int, frameByteLimit: Int) {
    self.effects = effects
    self.frameLimit = frameLimit
    self.frameByteLimit = frameByteLimit
  }

  func post(frame: [UInt8], from node: NodeID) {
    post { state in
      guard state.content.frames.count < frameLimit,
        state.frameByteCount + frame.count <= frameByteLimit
      else { return }
      state.content.frames.append((node, frame))
      state.frameByteCount += frame.count
    }
  }

  func post(_ request: NodeRequest) { post { $0.content.requests.append(request) } }

  func post(_ flush: FlushedWrites) { post { $0.content.flushes.append(flush) } }

  /// Has the loop do something: take up what another thread has finished.
  func perform(_ result: @escaping @Sendable (NodeRuntime) -> Void) {
    post { $0.content.results.append(result) }
  }

  /// Something failed after which nothing can be trusted before the node is opened again.
  func post(failure: NodeError) {
    post { $0.content.failure = $0.content.failure ?? failure }
  }

  func close() { post { $0.content.isClosing = true } }

  private func post(_ body: (inout State) -> Void) {
    let sleeper = state.withLock { state in
      body(&state)
      state.isEmpty = false
      return state.sleeper.take()
    }
    if let sleeper { effects.waits.wake(sleeper) }
  }

  /// Everything there is. That the node closes stays.
  func take() -> Content {
    state.withLock { state in
      let content = state.content
      state.content = Content()
      state.content.isClosing = content.isClosing
      state.frameByteCount = 0
      state.isEmpty = true
      return content
    }
  }

  /// Returns when there is something, or when the monotonic clock reaches a deadline.
  func wait(until deadline: UInt64?) {
    let ticket = effects.waits.makeTicket()
    let mustWait = state.withLock { state in
      if state.isEmpty { state.sleeper = ticket }
      return state.isEmpty
    }
    guard mustWait else { return }
    _ = effects.waits.park(ticket, until: deadline)
    state.withLock { $0.sleeper = nil }
  }
}

/// Writes that are durable now.
struct FlushedWrites: Sendable {
  let writes: [GroupWrite]
  /// A group that should write a checkpoint, because the log has grown long and it is the one that
  /// holds it back.
  let overdue: GroupID?
}
