package import Primitives

/// Carries frames of bytes between nodes. Promises nothing: a frame may be lost, late, doubled,
/// overtaken or changed on the way, and the protocols above stay correct.
package protocol Transport: Sendable {
  /// Takes a frame to be carried to a node, and returns at once.
  func send(_ frame: [UInt8], to node: NodeID)

  /// From now on frames for this node are given to `receive`, one at a time, on a thread of the
  /// transport: it hands them on and returns. Nil: frames are dropped again.
  func receive(as node: NodeID, _ receive: (@Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void)?)
}
