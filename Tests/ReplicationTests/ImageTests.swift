import Consensus
import Environment
import Primitives
import RawBytes
import Replication
import Seeds
import Simulation
import Testing

/// A replica that fell too far behind gets an image (rules S1, S2).
@Suite struct `An image` {
  /// A world whose groups keep little log, and whose third node missed most of it.
  private func fallBehind(_ effects: Effects) throws -> ClusterWorld {
    let world = ClusterWorld(effects)
    world.configuration.checkpointLogByteCount = 1 << 17
    world.settings.retainedByteCount = 1 << 12
    try world.format()
    try world.openAll()
    try world.put("first", "one")
    try world.settle()
    world.close(2)
    for index in 0..<150 {
      try world.putSurely("key \(index)", String(repeating: "value \(index) ", count: 60))
    }
    guard case .opened(let session) = try world.submit(Command(.openSession)) else {
      throw ClusterWorld.TimedOut(what: "no session")
    }
    _ = try world.submit(
      Command(session: session, sequence: 1, .delete(key: Array("first".utf8))))
    try world.wait("no checkpoint is written") {
      (world.nodes[0]?.status(of: ClusterWorld.group)?.durableSlot ?? .zero) > Slot(30)
        && (world.nodes[1]?.status(of: ClusterWorld.group)?.durableSlot ?? .zero) > Slot(30)
    }
    return world
  }

  private func expectWhole(_ world: ClusterWorld) throws {
    try world.settle()
    for index in stride(from: 0, to: 150, by: 17) {
      let expected = String(repeating: "value \(index) ", count: 60)
      #expect(try world.get("key \(index)", at: 2) == expected)
    }
    #expect(try world.get("first", at: 2) == nil)
    #expect(world.nodes.allSatisfy { $0?.failure == nil })
  }

  @Test func `brings a replica that fell behind to the state of the others`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = try fallBehind(effects)
      defer { world.closeAll() }
      try world.open(2)
      try expectWhole(world)
      #expect(world.nodes[2]?.status(of: ClusterWorld.group)?.installedImageCount == 1)
      // From there it goes on, also after a restart.
      for index in 0..<20 { try world.putSurely("later \(index)", "\(index)") }
      world.close(2)
      try world.open(2)
      try world.settle()
      #expect(try world.get("later 19", at: 2) == "19")
      // Nothing of it is left over.
      for node in 0..<3 {
        let names = try effects.files.list("/node-\(node)/group-00000007")
        #expect(names.filter { $0.hasPrefix("building") || $0.hasPrefix("image") }.count <= 1)
      }
    }
  }

  @Test func `is installed wholly or not at all, wherever its receiver is killed`() throws {
    let seed = Seed.take(for: #function)
    var changes = 60
    var change = 0
    while change < changes {
      try Simulator(seed: seed).run { effects in
        let world = try fallBehind(effects)
        defer { world.closeAll() }
        let files = KillableFiles(effects.files)
        if change > 0 { files.kill(atChange: change) }
        if (try? world.open(2, effects.with(files))) != nil {
          try world.wait("neither installed nor killed") {
            files.isKilled
              || world.nodes[2]?.status(of: ClusterWorld.group)?.installedImageCount == 1
          }
          if change == 0 { changes = files.changeCount }
          files.kill()
          world.close(2)
        }
        try world.open(2)
        try expectWhole(world)
      }
      #if DEBUG
        // Of the last changes, in which one state takes the place of the other, none is left out.
        change += change + 20 < changes ? 7 : 1
      #else
        change += 1
      #endif
    }
    #expect(changes > 30, "an installation has few changes: \(changes)")
  }

  @Test func `survives a sender that goes away`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = try fallBehind(effects)
      defer { world.closeAll() }
      try world.open(2)
      world.sleep(milliseconds: 30)
      if let leader = world.leader {
        world.close(leader)
        world.sleep(milliseconds: 3000)
        try world.open(leader)
      }
      try expectWhole(world)
    }
  }
}
