internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import Replication
internal import Synchronization
internal import SystemEnvironment

/// How fast a replicated group takes puts: three nodes in this process with real files, each put
/// in three logs and synced in at least two of them before it is answered, and clients that each
/// have one put under way.
public struct ReplicatedPutsMeasurement: Sendable {
  /// Puts that were answered.
  public let count: Int
  /// How long all of them took.
  public let duration: Duration
  /// The longest that a client waited for an answer.
  public let greatestLatency: Duration

  /// Puts in a second.
  public var rate: Double { Double(count) / (duration / .seconds(1)) }

  /// Makes three nodes in an empty directory and lets the clients put for a while. What is in the
  /// directory afterwards is the caller's to remove.
  ///
  /// - Parameters:
  ///   - directory: where the nodes' directories are made.
  ///   - clients: how many threads put.
  ///   - valueByteCount: the size of a value.
  ///   - duration: for how long they go on.
  /// - Throws: what a node throws that cannot be made or opened, or that a put was refused with.
  public static func measure(
    in directory: String, clients: Int, valueByteCount: Int, for duration: Duration
  ) throws -> ReplicatedPutsMeasurement {
    let group = try ReplicatedGroup(in: directory)
    defer { group.close() }
    let leader = try group.leader()
    let clients = (0..<clients).map {
      PutClient(node: leader, number: $0, valueByteCount: valueByteCount, effects: group.effects)
    }
    let clock = ContinuousClock()
    let begin = clock.now
    let threads = clients.map { client in
      group.effects.background.start("client") { client.run(until: begin + duration) }
    }
    for thread in threads { thread.join() }
    let elapsed = clock.now - begin
    for client in clients { if let failure = client.failure { throw failure } }
    return ReplicatedPutsMeasurement(
      count: clients.reduce(0) { $0 + $1.count }, duration: elapsed,
      greatestLatency: clients.map(\.greatestLatency).max() ?? .zero)
  }
}

/// Three nodes of one group in this process.
private final class ReplicatedGroup {
  static let id = GroupID(1)
  let effects = Effects.system()
  private let nodes: [ReplicationNode]

  init(in directory: String) throws {
    let network = LoopbackNetwork()
    let cluster = DatabaseID(high: effects.entropy.next(), low: effects.entropy.next())
    let voters = (1...3).map { ReplicaID($0) }
    var paths: [String] = []
    var identities: [NodeID] = []
    for voter in voters {
      let path = FilePath.join(directory, "node-\(voter.rawValue)")
      try effects.files.createDirectory(path)
      paths.append(path)
      identities.append(
        try ReplicationNode.format(at: path, cluster: cluster, effects: effects).node)
    }
    let addresses = Dictionary(uniqueKeysWithValues: zip(voters, identities))
    var nodes: [ReplicationNode] = []
    for (index, voter) in voters.enumerated() {
      let description = GroupDescription(
        group: Self.id, replica: voter, founding: Consensus.Configuration(voters: voters),
        addresses: addresses)
      nodes.append(
        try ReplicationNode.open(
          at: paths[index], groups: [description],
          transport: network.transport(of: identities[index]), effects: effects))
    }
    self.nodes = nodes
  }

  /// Waits until one of them leads.
  func leader() throws -> ReplicationNode {
    while true {
      for node in nodes {
        if case .leader = node.status(of: Self.id)?.role { return node }
        if let failure = node.failure { throw failure }
      }
      let waits = effects.waits
      _ = waits.park(waits.makeTicket(), until: effects.time.monotonic() + 10_000_000)
    }
  }

  func close() { for node in nodes { node.close() } }
}

/// Puts one value after the other, under keys in random order.
// SENDABLE: used by its own thread, and by the measuring one when that has ended; what the node's
// thread touches is the answer, in a mutex.
private final class PutClient: @unchecked Sendable {
  private let node: ReplicationNode
  private let value: [UInt8]
  private let effects: Effects
  private let answer = Mutex<Result<CommandResult, RequestError>?>(nil)
  private(set) var count = 0
  private(set) var greatestLatency = Duration.zero
  private(set) var failure: RequestError?

  init(node: ReplicationNode, number: Int, valueByteCount: Int, effects: Effects) {
    self.node = node
    self.effects = effects
    value = (0..<valueByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
  }

  func run(until end: ContinuousClock.Instant) {
    let clock = ContinuousClock()
    var now = clock.now
    while now < end, failure == nil {
      let key = Array(String(effects.entropy.next() | 1 << 63, radix: 16).utf8)
      let ticket = effects.waits.makeTicket()
      node.submit(Command(.put(key: key, value: value)), to: ReplicatedGroup.id) { [self] result in
        answer.withLock { $0 = result }
        effects.waits.wake(ticket)
      }
      _ = effects.waits.park(ticket, until: nil)
      if case .failure(let error) = answer.withLock({ $0.take() }) { failure = error }
      let after = clock.now
      greatestLatency = max(greatestLatency, after - now)
      count += 1
      now = after
    }
  }
}
