import Consensus
import Environment
import Primitives
import Replication
import Seeds
import Simulation
import Synchronization
import Testing

/// The power fails for all nodes at once, at any change of their disk: whatever was acknowledged is
/// there when any two of them come back, and they come to one state (rules G3, G4).
@Suite struct `A power cut of all nodes` {
  /// What a disk held at a change, and how many commands were acknowledged by then.
  struct Cut {
    let change: Int
    let image: DiskImage
    let acknowledged: Int
  }

  /// Every how many changes the power is cut: more often where it is fast.
  static let stride: Int = {
    #if DEBUG
      return 11
    #else
      return 3
    #endif
  }()

  private func record(
    seed: UInt64, model: LossModel, _ script: (ClusterWorld, (Int) -> Void) throws -> Void
  ) throws -> [Cut] {
    let simulator = Simulator(seed: seed)
    let cuts = Mutex<[Cut]>([])
    let acknowledged = Mutex(0)
    try simulator.run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      simulator.disk.observeChanges { change in
        guard change % Self.stride == 0 else { return }
        let image = simulator.disk.afterPowerCut(model, seed: seed &+ UInt64(change))
        let count = acknowledged.withLock { $0 }
        cuts.withLock { $0.append(Cut(change: change, image: image, acknowledged: count)) }
      }
      try world.openAll()
      defer { world.closeAll() }
      try script(world) { count in acknowledged.withLock { $0 = count } }
    }
    simulator.disk.observeChanges(nil)
    return cuts.withLock { $0 }
  }

  @Test(arguments: LossModel.allCases)
  func `loses nothing that was acknowledged`(_ model: LossModel) throws {
    let seed = Seed.take(for: #function)
    let cuts = try record(seed: seed, model: model) { world, acknowledge in
      for index in 0..<60 {
        try world.put("key \(index)", "value \(index)")
        acknowledge(index + 1)
      }
    }
    #expect(cuts.count > 3)
    for cut in cuts {
      try Simulator(seed: seed &+ 1, disk: cut.image).run { effects in
        let world = ClusterWorld(effects)
        try world.find()
        // A quorum is enough, whichever it is.
        let absent = cut.change / Self.stride % world.count
        for index in 0..<world.count where index != absent { try world.open(index) }
        defer { world.closeAll() }
        for index in 0..<cut.acknowledged {
          let found = try world.get("key \(index)")
          #expect(found == "value \(index)", "cut at change \(cut.change), \(model)")
        }
        try world.put("afterwards", "works")
        try world.settle()
        for index in 0..<world.count where index != absent {
          #expect(world.nodes[index]?.failure == nil, "cut at change \(cut.change)")
        }
      }
    }
  }
}
