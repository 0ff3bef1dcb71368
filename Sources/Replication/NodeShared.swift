internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// What the threads of a node share, and whoever uses it.
// SENDABLE: mutable state is in Mutexes and atomics.
final class NodeShared: @unchecked Sendable {
  let identity: NodeIdentity
  let configuration: NodeConfiguration
  let effects: Effects
  let transport: any Transport
  let inbox: NodeInbox
  private let board = Mutex(Board())
  private let outstanding = Atomic<Int>(0)
  private let nextRequest: Atomic<UInt64>

  private struct Board {
    var statuses: [GroupID: GroupStatus] = [:]
    var failure: NodeError?
    var hasStopped = false
  }

  init(
    identity: NodeIdentity, configuration: NodeConfiguration, effects: Effects,
    transport: any Transport
  ) {
    self.identity = identity
    self.configuration = configuration
    self.effects = effects
    self.transport = transport
    inbox = NodeInbox(
      effects: effects, frameLimit: configuration.frameLimit,
      frameByteLimit: configuration.frameByteLimit)
    // Random, so that no other node, and no earlier life of this one, has the same: commands bear
    // the number of their request in the log.
    nextRequest = Atomic(effects.entropy.next())
  }

  // MARK: Requests

  /// Counts a request in. Nil: too many are under way.
  func makeRequest() -> RequestID? {
    let count = outstanding.add(1, ordering: .relaxed).newValue
    if count > configuration.requestLimit {
      outstanding.subtract(1, ordering: .relaxed)
      return nil
    }
    return RequestID(nextRequest.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  /// A request was answered.
  func finished() { outstanding.subtract(1, ordering: .relaxed) }

  func finish(_ request: NodeRequest, _ error: RequestError) {
    request.fail(error)
    finished()
  }

  // MARK: News

  func publish(_ statuses: [GroupStatus]) {
    board.withLock { board in
      for status in statuses { board.statuses[status.group] = status }
    }
  }

  func status(of group: GroupID) -> GroupStatus? { board.withLock { $0.statuses[group] } }

  /// No replica runs any more, or not yet again.
  func clearStatuses() { board.withLock { $0.statuses = [:] } }

  /// The node has stopped, for good.
  func stop(_ failure: NodeError?) {
    board.withLock { board in
      board.failure = failure
      board.hasStopped = true
    }
  }

  var failure: NodeError? { board.withLock { $0.failure } }

  var hasStopped: Bool { board.withLock { $0.hasStopped } }
}
