import Consensus
import Environment
import Primitives
import Replication
import Seeds
import Simulation
import Testing

/// One node fails in some way while the others go on.
@Suite struct `A node that fails` {
  @Test func `comes back with what it promised, wherever it was killed`() throws {
    let seed = Seed.take(for: #function)
    // How many changes a life of the node has, and then a life that ends at some of them.
    var changes = 400
    for round in 0..<8 {
      try Simulator(seed: seed &+ UInt64(round)).run { effects in
        let world = ClusterWorld(effects)
        world.configuration.checkpointLogByteCount = 1 << 16
        try world.format()
        let files = KillableFiles(effects.files)
        if round > 0 { files.kill(atChange: changes * round / 8) }
        defer { world.closeAll() }
        for index in 1..<world.count { try world.open(index) }
        _ = try? world.open(0, effects.with(files))
        for index in 0..<150 {
          try world.putSurely("key \(index)", String(repeating: "value \(index) ", count: 20))
        }
        if round == 0 { changes = files.changeCount }
        files.kill()
        world.close(0)
        try world.putSurely("while it is away", "yes")
        try world.open(0)
        try world.settle()
        for index in stride(from: 0, to: 150, by: 13) {
          let expected = String(repeating: "value \(index) ", count: 20)
          #expect(try world.get("key \(index)", at: 0) == expected)
        }
        #expect(try world.get("while it is away", at: 0) == "yes")
        #expect(world.nodes[0]?.failure == nil)
      }
    }
    #expect(changes > 100, "the life has few changes")
  }

  @Test(arguments: ["log-", "promises-"])
  func `by one failed sync opens again by itself, and by a second stops`(_ path: String) throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      for index in 0..<10 { try world.put("key \(index)", "value") }
      let leader = try #require(world.leader)
      let name = "node-\(leader)/\(path)"
      func fail() throws {
        simulator.disk.inject(
          Fault(.fails(Fault.inputOutput), on: [.sync, .write], .once(at: 1), path: name))
        // A promise is written when somebody else wants to lead.
        if path == "promises-", let node = world.nodes[leader],
          case .leader? = node.status(of: ClusterWorld.group)?.role
        {
          let other = ReplicaID(UInt32((leader + 1) % world.count + 1))
          _ =
            try? world.ask {
              node.transferLeadership(of: ClusterWorld.group, to: other, completion: $0)
            } as Ballot
        }
        for index in 0..<10 { try world.putSurely("more \(index)", "value") }
      }
      try fail()
      let events = simulator.events.map(\.message)
      #expect(events.contains { $0.contains("the node failed and opens again") })
      #expect(world.nodes[leader]?.failure == nil)
      try world.settle()
      #expect(try world.get("key 3", at: leader) == "value")
      #expect(try world.get("more 3", at: leader) == "value")
      if path == "log-" {
        simulator.disk.removeFaults()
        try fail()
        try world.wait("the node does not stop") { world.nodes[leader]?.hasStopped == true }
        #expect(world.nodes[leader]?.failure != nil)
        #expect(throws: RequestError.stopped) {
          try world.ask {
            world.nodes[leader]?.read([1], in: ClusterWorld.group, completion: $0)
          } as ReadAnswer
        }
        // From the disk as it is it comes back.
        world.close(leader)
        try world.open(leader)
        try world.settle()
      }
    }
  }

  @Test func `that lost its state says so`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      try world.put("key", "value")
      world.closeAll()
      try effects.files.remove("/node-1/group-00000007/state")
      #expect(throws: NodeError.lostState(ClusterWorld.group)) { try world.open(1) }
      #expect(throws: NodeError.notFormatted(path: "/nowhere")) {
        try ReplicationNode.open(
          at: "/nowhere", groups: [], transport: world.network, effects: effects)
      }
      #expect(throws: NodeError.alreadyFormatted(path: "/node-0")) {
        try ReplicationNode.format(
          at: "/node-0", cluster: ClusterWorld.cluster, effects: effects)
      }
      let open = try world.open(0)
      #expect(throws: NodeError.alreadyOpen(path: "/node-0")) { try world.open(0) }
      open.close()
    }
  }
}

extension ClusterWorld {
  /// A put that is tried again when nobody knows what became of it.
  func putSurely(_ key: String, _ value: String) throws {
    var last: RequestError?
    for _ in 0..<200 {
      do {
        return try put(key, value)
      } catch let error as RequestError {
        last = error
        sleep(milliseconds: 20)
      }
    }
    throw TimedOut(what: "a put ends in \(String(describing: last))")
  }
}
