import Consensus
import Environment
import Primitives
import Replication
import Seeds
import Simulation
import Testing

/// Three nodes in one simulated world.
@Suite struct `Three nodes` {
  @Test func `live the same life from the same seed`() throws {
    let seed = Seed.take(for: #function)
    let hashes = try (0..<2).map { _ in
      let simulator = Simulator(seed: seed)
      try simulator.run { effects in
        let world = ClusterWorld(effects, groups: [GroupID(1), GroupID(2)])
        try world.format()
        try world.openAll()
        for index in 0..<10 { try world.put("key \(index)", "value") }
        world.close(1)
        for index in 0..<10 { try world.put("key \(index)", "other", to: GroupID(2)) }
        try world.open(1)
        try world.settle()
        world.closeAll()
      }
      return simulator.traceHash
    }
    #expect(hashes[0] == hashes[1])
  }

  @Test func `carry out commands and show them everywhere`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      for index in 0..<20 { try world.put("key \(index)", "value \(index)") }
      for index in 0..<20 { #expect(try world.get("key \(index)") == "value \(index)") }
      #expect(try world.get("no key") == nil)
      for node in 0..<3 { #expect(try world.get("key 7", at: node) == "value 7") }
      let key = Array("counter".utf8)
      func swap(_ expected: String?, _ value: String) throws -> CommandResult {
        try world.submit(
          Command(
            .compareAndSet(
              key: key, expected: expected.map { Array($0.utf8) }, value: Array(value.utf8))))
      }
      #expect(try swap(nil, "1") == .swapped)
      #expect(try swap(nil, "2") == .mismatch)
      #expect(try swap("1", "2") == .swapped)
      #expect(try world.submit(Command(.delete(key: key))) == .done)
      #expect(try world.get("counter") == nil)
      #expect(try world.settle() >= Slot(24))
    }
  }
}
