import Consensus
import Primitives
import Testing

@Suite struct `A group` {
  @Test func `elects a leader, writes and reads`() {
    let world = World(seed: 1, voters: 3)
    #expect(world.run(atMost: 5_000_000_000) { $0.leader != nil })
    let leader = world.leader!
    let requests = world.propose(leader, count: 1000)
    world.run(for: 3_000_000_000)
    let read = world.read(leader)!
    world.run(for: 100_000_000)
    #expect(world.oracle.violations == [])
    #expect(world.oracle.writtenCount == 256)
    _ = requests
    #expect(world.oracle.readCount == 1)
    print(
      world.oracle.result(of: read) as Any, world.oracle.writtenCount, world.oracle.leaseReadCount)
  }
}
