import Consensus
import Primitives
import Testing

@Suite struct `A leader` {
  @Test func `gathers what arrives while its disk is busy`() {
    let world = World(seed: 1, voters: 3)
    let leader = world.establish()
    world.faults.write = 20_000_000...20_000_000
    var sizes: [Int] = []
    world.filter = { envelope in
      if case .accept(_, let entries, _) = envelope.message { sizes.append(entries.count) }
      return true
    }
    for _ in 0..<100 {
      world.propose(leader)
      world.run(for: 100_000)
    }
    world.run(for: 200_000_000)
    #expect(world.oracle.writtenCount == 100)
    #expect(sizes.count <= 4, "\(sizes)")
  }

  @Test func `sends at once when its disk is idle`() {
    let world = World(seed: 2, voters: 3)
    let leader = world.establish()
    let before = world.messageCount
    world.propose(leader)
    #expect(world.messageCount == before + 2)
  }

  /// Rule P3.
  @Test func `tells what is chosen within five milliseconds when it is idle`() {
    let world = World(seed: 3, voters: 3)
    let leader = world.establish()
    let slot = world.write(leader)!
    world.run(for: 6_000_000)
    for id in world.ids { #expect(world.nodes[id]!.replica!.chosenSlot == slot) }
  }

  @Test func `keeps to its window and refuses what it cannot hold`() {
    var settings = Settings()
    settings.windowSlotCount = 10
    let world = World(seed: 4, voters: 3, settings: settings)
    let leader = world.establish()
    for other in world.others(than: leader) { world.nodes[other]!.isDiskStalled = true }
    var highest = Slot.zero
    world.filter = { envelope in
      if case .accept(_, let entries, _) = envelope.message, let last = entries.last {
        highest = max(highest, last.slot)
      }
      return true
    }
    let chosen = world.nodes[leader]!.replica!.chosenSlot
    let requests = (0..<30).flatMap { _ in
      world.run(for: 1_000_000)
      return world.propose(leader)
    }
    #expect(highest.distance(from: chosen) == 10)
    #expect(world.oracle.result(of: requests[29]) == .failure(.overloaded))
    #expect(world.oracle.result(of: requests[19]) == nil)
  }

  /// Rule P1, pitfall 31.
  @Test func `is not held up by a replica that is a hundred times slower`() {
    func punctual(slowness: UInt64) -> Int {
      let world = World(seed: 5, voters: 3)
      let leader = world.establish()
      world.nodes[world.others(than: leader)[0]]!.slowness = slowness
      var count = 0
      for _ in 0..<500 {
        let before = world.oracle.writtenCount
        world.propose(leader, count: 4)
        world.run(for: 4_000_000)
        count += world.oracle.writtenCount - before == 4 ? 1 : 0
      }
      #expect(world.oracle.violations == [])
      #expect(world.leader == leader)
      return count
    }
    let (alone, together) = (punctual(slowness: 1), punctual(slowness: 100))
    #expect(together * 100 >= alone * 99, "\(together) of \(alone)")
  }

  @Test func `sends again what was lost`() {
    let world = World(seed: 6, voters: 3)
    let leader = world.establish()
    world.faults.loss = 300
    var count = 0
    for _ in 0..<100 where world.write(leader, within: 2_000_000_000) != nil { count += 1 }
    #expect(count == 100)
    #expect(world.oracle.violations == [])
  }
}

@Suite struct `A replica that lags` {
  @Test func `catches up by the log`() {
    let world = World(seed: 1, voters: 3)
    let leader = world.establish()
    let late = world.others(than: leader)[0]
    world.crash(late)
    for _ in 0..<50 {
      world.propose(leader, count: 200)
      world.run(for: 5_000_000)
    }
    world.checkpoint(leader)
    world.run(for: 200_000_000)
    world.start(late)
    world.run(for: 1_000_000_000)
    #expect(world.imageCount == 0)
    #expect(world.nodes[late]!.state == world.nodes[leader]!.state)
    #expect(world.oracle.violations == [])
  }

  /// Rule S2: the log is kept for who is slow, up to a limit; then it takes an image.
  @Test func `catches up by an image when the log is gone`() {
    var settings = Settings()
    settings.retainedByteCount = 10_000
    let world = World(seed: 2, voters: 3, learners: 1, settings: settings)
    let leader = world.establish()
    let late = world.others(than: leader)[0]
    world.crash(late)
    for _ in 0..<50 {
      world.propose(leader, count: 200)
      world.run(for: 5_000_000)
    }
    world.checkpoint(leader)
    world.run(for: 200_000_000)
    world.start(late)
    world.run(for: 3_000_000_000)
    #expect(world.imageCount == 1)
    #expect(world.nodes[late]!.state == world.nodes[leader]!.state)
    #expect(world.oracle.violations == [])
  }

  @Test func `is not waited for when the log is cut, and nothing is cut that no image holds`() {
    let world = World(seed: 3, voters: 3)
    let leader = world.establish()
    for _ in 0..<20 { _ = world.write(leader) }
    world.run(for: 300_000_000)
    let before = world.nodes[leader]!.disk.base.slot
    #expect(before == .zero)
    world.checkpoint(leader)
    world.run(for: 300_000_000)
    #expect(world.nodes[leader]!.disk.base.slot > before)
  }
}
