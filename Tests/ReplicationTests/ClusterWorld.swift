import Consensus
import Environment
import Primitives
import RawBytes
import RedoLog
import Replication
import Simulation
import Synchronization
import VersionStore

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Hands frames to whoever receives at once, and loses those of nodes that are cut off.
final class Loopback: Transport {
  typealias Receiver = @Sendable (NodeID, [UInt8]) -> Void

  private struct State {
    var receivers: [NodeID: Receiver] = [:]
    var isolated: Set<NodeID> = []
    var frameCount = 0
  }

  private let state = Mutex(State())

  /// The transport as one node has it.
  func port(of node: NodeID) -> any Transport { Port(network: self, node: node) }

  var frameCount: Int { state.withLock { $0.frameCount } }

  func isolate(_ node: NodeID, _ isIsolated: Bool) {
    state.withLock { state in
      if isIsolated { state.isolated.insert(node) } else { state.isolated.remove(node) }
    }
  }

  func send(_ frame: [UInt8], to node: NodeID) {}

  func receive(as node: NodeID, _ receive: Receiver?) {
    state.withLock { $0.receivers[node] = receive }
  }

  fileprivate func send(_ frame: [UInt8], from sender: NodeID, to node: NodeID) {
    let receiver = state.withLock { state -> Receiver? in
      state.frameCount += 1
      if state.isolated.contains(node) || state.isolated.contains(sender) { return nil }
      return state.receivers[node]
    }
    receiver?(sender, frame)
  }

  private struct Port: Transport {
    let network: Loopback
    let node: NodeID

    func send(_ frame: [UInt8], to other: NodeID) {
      network.send(frame, from: node, to: other)
    }

    func receive(as node: NodeID, _ receive: Receiver?) {
      network.receive(as: node, receive)
    }
  }
}

/// Some nodes with one group on all of them, or more.
final class ClusterWorld {
  static let cluster = DatabaseID(high: 1, low: 2)
  static let group = GroupID(7)

  let effects: Effects
  let network = Loopback()
  let count: Int
  var groups: [GroupID]
  var configuration = ClusterWorld.small
  var settings = Settings()
  private(set) var identities: [NodeIdentity] = []
  private(set) var nodes: [ReplicationNode?] = []

  static var small: NodeConfiguration {
    var configuration = NodeConfiguration()
    configuration.log = LogConfiguration(
      firstSegmentByteCount: 1 << 16, largestSegmentByteCount: 1 << 18,
      spareByteCount: 1 << 19, unflushedByteLimit: 1 << 20)
    configuration.store = StoreConfiguration(pageSize: 4096, cacheByteCount: 1 << 20)
    configuration.hashInterval = 16
    return configuration
  }

  init(_ effects: Effects, count: Int = 3, groups: [GroupID] = [ClusterWorld.group]) {
    self.effects = effects
    self.count = count
    self.groups = groups
  }

  static func directory(_ index: Int) -> String { "/node-\(index)" }

  var founding: Configuration {
    Configuration(voters: (0..<count).map { ReplicaID(UInt32($0 + 1)) })
  }

  var addresses: [ReplicaID: NodeID] {
    Dictionary(
      uniqueKeysWithValues: identities.enumerated().map {
        (ReplicaID(UInt32($0.offset + 1)), $0.element.node)
      })
  }

  func format() throws {
    for index in 0..<count {
      identities.append(
        try ReplicationNode.format(
          at: Self.directory(index), cluster: Self.cluster, configuration: configuration,
          effects: effects))
    }
    nodes = Array(repeating: nil, count: count)
  }

  /// Takes up the nodes that are there, after a restart of the world.
  func find() throws {
    for index in 0..<count {
      guard
        let identity = try ReplicationNode.identity(at: Self.directory(index), effects: effects)
      else { throw NodeError.notFormatted(path: Self.directory(index)) }
      identities.append(identity)
    }
    nodes = Array(repeating: nil, count: count)
  }

  func describe(_ index: Int) -> [GroupDescription] {
    groups.map { group in
      GroupDescription(
        group: group, replica: ReplicaID(UInt32(index + 1)), founding: founding,
        addresses: addresses, settings: settings)
    }
  }

  @discardableResult
  func open(_ index: Int, _ effects: Effects? = nil) throws -> ReplicationNode {
    let node = try ReplicationNode.open(
      at: Self.directory(index), groups: describe(index), configuration: configuration,
      transport: network.port(of: identities[index].node), effects: effects ?? self.effects)
    nodes[index] = node
    return node
  }

  func openAll() throws { for index in 0..<count { try open(index) } }

  func close(_ index: Int) {
    nodes[index]?.close()
    nodes[index] = nil
  }

  func closeAll() { for index in nodes.indices { close(index) } }

  // MARK: Waiting

  func sleep(milliseconds: UInt64) {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + milliseconds * 1_000_000)
  }

  struct TimedOut: Error { let what: String }

  func wait(
    _ what: String, seconds: UInt64 = 60, until condition: () throws -> Bool
  ) throws {
    let end = effects.time.monotonic() + seconds * 1_000_000_000
    while try !condition() {
      guard effects.time.monotonic() < end else {
        throw TimedOut(what: "\(what): \(describe())")
      }
      sleep(milliseconds: 10)
    }
  }

  /// Calls something that answers later, and waits for the answer.
  func ask<Answer: Sendable>(
    _ call: (@escaping @Sendable (Result<Answer, RequestError>) -> Void) -> Void
  ) throws(RequestError) -> Answer {
    let answer = Answered<Answer>()
    let ticket = effects.waits.makeTicket()
    let waits = effects.waits
    call { result in
      answer.set(result)
      waits.wake(ticket)
    }
    if answer.value == nil { _ = waits.park(ticket, until: nil) }
    guard let value = answer.value else { throw .stopped }
    return try value.get()
  }

  private func describe() -> String {
    nodes.indices.map { index in
      "node \(index): "
        + (nodes[index].map {
          $0.failure.map { "\($0)" }
            ?? $0.status(of: groups[0]).map {
              "\($0.role), \($0.chosenSlot), applied \($0.appliedSlot), durable \($0.durableSlot)"
            } ?? "no status"
        } ?? "closed")
    }.joined(separator: "; ")
  }

  // MARK: As a client

  var leader: Int? { leader(of: groups[0]) }

  func leader(of group: GroupID) -> Int? {
    nodes.indices.first { index in
      if case .leader? = nodes[index]?.status(of: group)?.role { true } else { false }
    }
  }

  /// Has a command carried out by whoever leads; tries again while nobody can.
  func submit(
    _ command: Command, to group: GroupID? = nil, seconds: UInt64 = 60
  ) throws -> CommandResult {
    let group = group ?? groups[0]
    let end = effects.time.monotonic() + seconds * 1_000_000_000
    while effects.time.monotonic() < end {
      for index in nodes.indices {
        guard let node = nodes[index], case .leader? = node.status(of: group)?.role else {
          continue
        }
        do {
          return try ask { node.submit(command, to: group, completion: $0) }
        } catch RequestError.refused(.notLeader, leader: _), RequestError.overloaded {
          continue
        } catch RequestError.refused(.overloaded, leader: _) {
          continue
        }
      }
      sleep(milliseconds: 20)
    }
    throw TimedOut(what: "nobody leads: \(describe())")
  }

  func put(_ key: String, _ value: String, to group: GroupID? = nil) throws {
    let result = try submit(
      Command(.put(key: Array(key.utf8), value: Array(value.utf8))), to: group)
    guard result == .done else { throw TimedOut(what: "a put came to \(result)") }
  }

  /// Reads at a node, or at whoever can.
  func get(_ key: String, at index: Int? = nil, in group: GroupID? = nil) throws -> String? {
    let group = group ?? groups[0]
    let end = effects.time.monotonic() + 60_000_000_000
    while effects.time.monotonic() < end {
      for candidate in index.map({ [$0] }) ?? Array(nodes.indices) {
        guard let node = nodes[candidate] else { continue }
        if let answer = try? ask({ node.read(Array(key.utf8), in: group, completion: $0) }) {
          return answer.value.map { String(decoding: $0, as: UTF8.self) }
        }
      }
      sleep(milliseconds: 20)
    }
    throw TimedOut(what: "nobody answers a read")
  }

  /// Waits until all nodes that run have applied the same, and hands back how far.
  @discardableResult
  func settle(_ group: GroupID? = nil) throws -> Slot {
    let group = group ?? groups[0]
    var slot = Slot.zero
    try wait("replicas do not come to the same state") {
      let statuses = nodes.compactMap { $0?.status(of: group) }
      slot = statuses.first?.appliedSlot ?? .zero
      return Set(statuses.map(\.stateHash)).count == 1
        && Set(statuses.map(\.appliedSlot)).count == 1
    }
    return slot
  }
}

/// An answer that comes from another thread.
final class Answered<Answer: Sendable>: Sendable {
  private let box = Mutex<Result<Answer, RequestError>?>(nil)

  var value: Result<Answer, RequestError>? { box.withLock { $0 } }

  func set(_ result: Result<Answer, RequestError>) { box.withLock { $0 = result } }
}
