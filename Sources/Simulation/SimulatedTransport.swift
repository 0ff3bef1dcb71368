internal import Environment
internal import Primitives

/// Somebody who listens for a node's frames.
final class FrameSubscription: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  let node: NodeID
  let receive: @Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void
  var isOver = false
  var courier: SimulatedThread?

  init(node: NodeID, receive: @escaping @Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void) {
    self.node = node
    self.receive = receive
  }
}

/// The network as one life of a machine has it. After the life nothing is sent, and nothing
/// received.
final class SimulatedTransport: Transport, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let network: SimulatedNetwork
  private let scheduler: Scheduler
  private let group: ThreadGroup
  private let machine: Int
  private let node: NodeID
  private(set) var isPluggedIn = true
  private var subscription: FrameSubscription?

  init(
    network: SimulatedNetwork, scheduler: Scheduler, group: ThreadGroup, machine: Int, node: NodeID
  ) {
    self.network = network
    self.scheduler = scheduler
    self.group = group
    self.machine = machine
    self.node = node
  }

  func send(_ frame: [UInt8], to target: NodeID) {
    guard isPluggedIn else { return }
    network.send(frame, from: node, on: machine, to: target)
  }

  func receive(
    as node: NodeID, _ receive: (@Sendable (_ from: NodeID, _ frame: [UInt8]) -> Void)?
  ) {
    precondition(node == self.node, "a transport of another node")
    end()
    guard let receive, isPluggedIn else { return }
    let next = FrameSubscription(node: node, receive: receive)
    subscription = next
    network.settle(node, on: machine)
    let courier = scheduler.makeCourier("who receives frames", in: group) { [network, machine] in
      network.deliver(next, on: machine)
    }
    next.courier = courier
    network.employ(courier, on: machine)
  }

  /// The machine stops: frames are lost on both ways.
  func unplug() {
    isPluggedIn = false
    end()
  }

  /// Nothing is received any more when this returns.
  private func end() {
    guard let subscription else { return }
    subscription.isOver = true
    if let courier = subscription.courier { scheduler.dismiss(courier) }
    self.subscription = nil
  }
}
