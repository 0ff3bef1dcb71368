import Consensus
import Environment
import Primitives
import Replication
import Seeds
import Simulation
import Synchronization
import Testing

/// What a node does for its groups together.
@Suite struct `Groups of a node` {
  static let groups = (1...8).map { GroupID(UInt32($0)) }

  @Test func `live beside each other over one log`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects, groups: Self.groups)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      for group in Self.groups { try world.put("key", "\(group.rawValue)", to: group) }
      world.closeAll()
      try world.openAll()
      for group in Self.groups {
        #expect(try world.get("key", in: group) == "\(group.rawValue)")
        try world.settle(group)
      }
      let node = try #require(world.nodes[0])
      #expect(node.status(of: GroupID(99)) == nil)
      #expect(throws: RequestError.unknownGroup) {
        try world.ask { node.read([1], in: GroupID(99), completion: $0) } as ReadAnswer
      }
      #expect(throws: RequestError.tooLarge) {
        try world.ask {
          node.submit(
            Command(.put(key: [1], value: [UInt8](repeating: 0, count: 2000))), to: GroupID(1),
            completion: $0)
        } as CommandResult
      }
    }
  }

  /// Rules P2 and G5: what gathers while a flush is under way goes with the next one.
  @Test func `share a flush`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects, groups: Self.groups)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      for group in Self.groups { try world.put("key", "value", to: group) }
      let before = try effects.batches(in: ClusterWorld.directory(0)).count
      let left = Mutex(8 * 20)
      let ticket = effects.waits.makeTicket()
      for group in Self.groups {
        let leader = try #require(world.leader(of: group).flatMap { world.nodes[$0] })
        for index in 0..<20 {
          leader.submit(Command(.put(key: [UInt8(index)], value: [1])), to: group) { _ in
            let isLast = left.withLock { left in
              left -= 1
              return left == 0
            }
            if isLast { effects.waits.wake(ticket) }
          }
        }
      }
      _ = effects.waits.park(ticket, until: nil)
      let count = try effects.batches(in: ClusterWorld.directory(0)).count - before
      #expect(count < 40, "160 commands took \(count) flushes of a node")
    }
  }

  @Test func `go to another leader when the medium of theirs stalls`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      try world.put("key", "value")
      let stalled = try #require(world.leader)
      simulator.disk.inject(
        Fault(
          .delays(nanoseconds: 30_000_000_000), on: [.write], .once(at: 1),
          path: "node-\(stalled)/log-"))
      let start = effects.time.monotonic()
      try world.putSurely("other", "value")
      try world.wait("the stalled node still leads") { world.leader != stalled }
      try world.putSurely("third", "value")
      #expect(effects.time.monotonic() - start < 20_000_000_000)
      #expect(world.nodes[stalled]?.failure == nil)
    }
  }
}
