package import Environment
package import Primitives
internal import RawBytes

/// A network inside one process: for replicas that live side by side in it, in benchmarks and in
/// programs that want several copies of their data on several disks of one machine.
///
/// Each node that listens has a queue and a thread that empties it. A frame is lost only when its
/// node does not listen, or when the queue is full: a network that held senders back would let one
/// slow node stop them all.
///
/// - Invariant LN1: frames between two nodes arrive in the order in which they were sent.
/// - Invariant LN2: nothing is received any more when `receive(as:_:)` with nil has returned, unless
///   it was called by who receives.
package final class LoopbackNetwork: Sendable {
  /// A node's queue holds no more frames, nor more bytes.
  package static let frameLimit = 65_536
  package static let byteLimit = 256 << 20

  private let queues = ShortMutex<[NodeID: LoopbackQueue]>([:])

  package init() {}

  /// The network as a node sees it.
  package func transport(of node: NodeID) -> any Transport {
    LoopbackTransport(network: self, node: node)
  }

  fileprivate func carry(_ frame: [UInt8], from sender: NodeID, to node: NodeID) {
    let queue = queues.withLock { $0[node] }
    queue?.put((sender, frame))
  }

  fileprivate func setQueue(_ queue: LoopbackQueue?, of node: NodeID) {
    let before = queues.withLock { queues in
      let before = queues[node]
      queues[node] = queue
      return before
    }
    before?.close()
  }
}

private struct LoopbackTransport: Transport {
  let network: LoopbackNetwork
  let node: NodeID

  func send(_ frame: [UInt8], to target: NodeID) {
    network.carry(frame, from: node, to: target)
  }

  func receive(
    as node: NodeID, _ receive: (@Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void)?
  ) {
    precondition(node == self.node, "a transport of another node")
    network.setQueue(receive.map { LoopbackQueue(receive: $0) }, of: node)
  }
}
