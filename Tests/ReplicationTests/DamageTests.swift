import Consensus
import Environment
import Primitives
import Replication
import Seeds
import Simulation
import Testing

/// Bytes of one node go bad on the medium; the group goes on, and the node gets back what is lost
/// (Damage, in the article Consensus).
@Suite struct `Damage of one node` {
  /// Forty commands, then all nodes are closed.
  private func live(_ world: ClusterWorld) throws {
    try world.format()
    try world.openAll()
    for index in 0..<40 { try world.put("key \(index)", "value \(index)") }
    try world.settle()
    world.closeAll()
  }

  private func expectHealed(_ world: ClusterWorld, _ damaged: Int) throws {
    try world.openAll()
    for index in 0..<40 {
      #expect(try world.get("key \(index)", at: damaged) == "value \(index)")
    }
    for index in 0..<400 { try world.put("later \(index)", "\(index)") }
    try world.settle()
    #expect(world.nodes.allSatisfy { $0?.failure == nil })
  }

  @Test(arguments: [3, 12, 30])
  func `in a batch of the log is healed by the others`(_ batch: Int) throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      defer { world.closeAll() }
      try live(world)
      for node in 0..<1 {
        let batches = try effects.batches(in: ClusterWorld.directory(node))
        try #require(batches.count > batch + 1)
        try effects.damage(batches[batch].path, at: batches[batch].offset + 80)
      }
      try expectHealed(world, 0)
      let events = simulator.events.map(\.message)
      #expect(events.contains { $0.contains("the log is damaged") })
      // It is met once: the next opening finds a log without it.
      world.closeAll()
      let before = simulator.events.count
      try world.openAll()
      try world.put("last", "one")
      #expect(
        !simulator.events[before...].contains { $0.message.contains("the log is damaged") })
    }
  }

  /// What a majority has accepted lies on two media. One forgets it, and the other is away: then
  /// nobody may say that it was never there.
  @Test func `lets nobody go on without what only it and an absent one held`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      defer { world.closeAll() }
      try world.format()
      try world.openAll()
      try world.put("first", "for all")
      try world.settle()
      let leader = try #require(world.leader)
      let (damaged, late) = ((leader + 1) % 3, (leader + 2) % 3)
      world.network.isolate(world.identities[late].node, true)
      for index in 0..<20 { try world.put("held \(index)", "value \(index)") }
      world.closeAll()
      world.network.isolate(world.identities[late].node, false)
      let batches = try effects.batches(in: ClusterWorld.directory(damaged))
      let batch = batches[batches.count - 8]
      try effects.damage(batch.path, at: batch.offset + 80)

      try world.open(damaged)
      try world.open(late)
      #expect(throws: ClusterWorld.TimedOut.self) {
        _ = try world.submit(Command(.put(key: [1], value: [1])), seconds: 20)
      }
      try world.open(leader)
      for index in 0..<20 { #expect(try world.get("held \(index)") == "value \(index)") }
      try world.put("later", "with all")
    }
  }

  @Test func `in the header of a log segment is healed by the others`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      defer { world.closeAll() }
      try live(world)
      let batches = try effects.batches(in: ClusterWorld.directory(1))
      let last = try #require(batches.last)
      try #require(batches.first?.path != last.path, "the log has one segment only")
      try effects.damage(last.path, at: 20)
      try expectHealed(world, 1)
    }
  }

  @Test func `in one copy of the promises costs nothing`() throws {
    let seed = Seed.take(for: #function)
    for name in ["promises-a", "promises-b"] {
      try Simulator(seed: seed).run { effects in
        let world = ClusterWorld(effects)
        defer { world.closeAll() }
        try live(world)
        try effects.damage("\(ClusterWorld.directory(2))/\(name)", at: 70)
        try expectHealed(world, 2)
        if case .amnesiac? = world.nodes[2]?.status(of: ClusterWorld.group)?.role {
          Issue.record("a copy is lost, and with it the promises")
        }
      }
    }
  }

  /// PF1: else the copy that is left might be one from before the newest promise.
  @Test func `finds two equal copies of the promises`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      try live(world)
    }
    for node in 0..<3 {
      let copies = ["promises-a", "promises-b"].map {
        simulator.disk.snapshot.contents(of: "\(ClusterWorld.directory(node))/\($0)")
      }
      #expect(copies[0] != nil)
      let areEqual = copies[0] == copies[1]
      #expect(areEqual, "the copies of node \(node) differ")
    }
  }

  @Test func `in both copies of the promises leaves a replica that learns and never votes`() throws
  {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      defer { world.closeAll() }
      try live(world)
      for name in ["promises-a", "promises-b"] {
        try effects.damage("\(ClusterWorld.directory(2))/\(name)", at: 70)
      }
      try expectHealed(world, 2)
      #expect(world.nodes[2]?.status(of: ClusterWorld.group)?.role == .amnesiac)
      // And so it stays: what it promised is not to be had from anywhere.
      world.close(2)
      try world.open(2)
      #expect(world.nodes[2]?.status(of: ClusterWorld.group)?.role == .amnesiac)
      // Two of three still can; one of three cannot, although the amnesiac is there.
      try world.put("with two", "yes")
      world.close(1)
      #expect(throws: (any Error).self) {
        _ = try world.submit(
          Command(.put(key: [1], value: [1])), seconds: 5)
      }
    }
  }

  @Test func `in its identity refuses to open`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      try live(world)
      try effects.damage("\(ClusterWorld.directory(0))/identity", at: 20)
      do {
        try world.open(0)
        Issue.record("it opened")
      } catch NodeError.corrupt(let finding) {
        #expect(finding.location.contains("identity"))
      }
    }
  }

  @Test func `that wiped it makes it another node, which joins as a new member`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      defer { world.closeAll() }
      try live(world)
      let directory = ClusterWorld.directory(2)
      let former = world.identities[2]
      for name in try effects.files.list(directory) where name != "group-00000007" {
        try effects.files.remove("\(directory)/\(name)")
      }
      for name in try effects.files.list("\(directory)/group-00000007") {
        try effects.files.remove("\(directory)/group-00000007/\(name)")
      }
      #expect(throws: NodeError.notFormatted(path: directory)) { try world.open(2) }
      try world.open(0)
      try world.open(1)
      let identity = try ReplicationNode.format(
        at: directory, cluster: ClusterWorld.cluster, configuration: world.configuration,
        effects: effects)
      #expect(identity.node != former.node)
      // The newcomer is replica 4; everybody is told where it lives.
      var addresses = world.addresses
      addresses[ReplicaID(3)] = nil
      addresses[ReplicaID(4)] = identity.node
      for node in 0..<2 { world.nodes[node]?.setAddresses(addresses, of: ClusterWorld.group) }
      let newcomer = try ReplicationNode.open(
        at: directory,
        groups: [
          GroupDescription(
            group: ClusterWorld.group, replica: ReplicaID(4), founding: world.founding,
            addresses: addresses)
        ], configuration: world.configuration, transport: world.network.port(of: identity.node),
        effects: effects)
      defer { newcomer.close() }
      let learning = Configuration(
        voters: [ReplicaID(1), ReplicaID(2)], learners: [ReplicaID(4)], removed: [ReplicaID(3)])
      let voting = Configuration(
        voters: [ReplicaID(1), ReplicaID(2), ReplicaID(4)], removed: [ReplicaID(3)])
      for configuration in [learning, voting] {
        try world.wait("the configuration does not change") {
          guard let node = world.leader.flatMap({ world.nodes[$0] }) else { return false }
          do {
            _ =
              try world.ask {
                node.changeConfiguration(configuration, of: ClusterWorld.group, completion: $0)
              } as Slot
            return true
          } catch {
            world.sleep(milliseconds: 100)
            return false
          }
        }
      }
      try world.put("for all", "yes")
      try world.wait("the newcomer does not catch up") {
        newcomer.status(of: ClusterWorld.group)?.stateHash
          == world.nodes[0]?.status(of: ClusterWorld.group)?.stateHash
      }
      // It counts now: with it and one other, the group goes on.
      let other = try #require(world.leader) == 0 ? 1 : 0
      world.close(other)
      let answer = try world.submit(Command(.put(key: [9], value: [9])))
      #expect(answer == .done)
    }
  }
}
