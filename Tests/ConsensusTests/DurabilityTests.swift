import Consensus
import Primitives
import Testing

@Suite struct `What is durable` {
  /// Rule G3, pitfall 15: nobody's vote counts before it is on the medium, the leader's own included.
  @Test(arguments: [true, false])
  func `counts, and nothing else does`(_ isLeadersDiskGood: Bool) {
    let world = World(seed: 1, voters: 3)
    let leader = world.establish()
    let others = world.others(than: leader)
    // One follower is gone; of the two that are left, one has a disk that does not answer.
    world.crash(others[1])
    world.nodes[isLeadersDiskGood ? others[0] : leader]!.isDiskStalled = true
    let request = world.propose(leader)[0]
    world.run(for: 900_000_000)
    #expect(world.oracle.result(of: request) == nil)
    world.nodes[isLeadersDiskGood ? others[0] : leader]!.isDiskStalled = false
    world.run(for: 5_000_000_000)
    #expect(world.oracle.violations == [])
  }

  /// A promise is not sent before it is durable: a crash would let the replica accept what it promised
  /// not to.
  @Test func `is promised before anybody hears of it`() {
    let world = World(seed: 2, voters: 3)
    let leader = world.establish()
    let follower = world.others(than: leader)[0]
    world.nodes[follower]!.isDiskStalled = true
    var promises = 0
    let candidate = ReplicaID(99)
    world.filter = { envelope in
      if case .promise = envelope.message, envelope.to == candidate { promises += 1 }
      return true
    }
    world.deliver(
      .prepare(Ballot(round: 50, replica: candidate), from: Slot(1)), from: candidate,
      to: follower)
    world.run(for: 100_000_000)
    #expect(promises == 0)
    world.nodes[follower]!.isDiskStalled = false
    world.run(for: 100_000_000)
    #expect(promises == 1)
  }

  @Test func `survives the loss of power everywhere`() {
    let world = World(seed: 3, voters: 3)
    var slots: [Slot] = []
    for _ in 0..<20 {
      let leader = world.establish()
      for _ in 0..<10 { slots.append(world.write(leader)!) }
      world.propose(leader, count: 20)
      world.run(for: world.random.below(1_000_000))
      for id in world.ids { world.crash(id) }
      for id in world.ids { world.start(id) }
    }
    _ = world.establish()
    #expect(Set(slots).count == 200)
    #expect(world.oracle.violations == [])
  }

  /// After a restart the hint lets a replica know what was chosen, without a leader.
  @Test func `is known to be chosen after a restart, through the hint`() {
    let world = World(seed: 4, voters: 3)
    let leader = world.establish()
    for _ in 0..<60 {
      world.propose(leader, count: 200)
      world.run(for: 10_000_000)
    }
    let chosen = world.nodes[leader]!.replica!.chosenSlot
    for id in world.ids { world.crash(id) }
    let hint = world.nodes[leader]!.disk.hardState!.chosenHint
    world.start(leader)
    #expect(hint > Slot.zero)
    #expect(hint.distance(from: chosen) > -8_500)
    #expect(world.nodes[leader]!.replica!.chosenSlot == hint)
    world.run(for: 10_000_000)
    #expect(world.nodes[leader]!.state.slot == hint)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 13: the entry of a write that was told is damaged at a minority of those who have it, and
  /// those who are there besides never had it.
  @Test func `in a damaged log is not taken for nothing`() {
    let world = World(seed: 5, voters: 3)
    let leader = world.establish()
    let others = world.others(than: leader)
    world.isolate(others[1])
    let slot = world.write(leader)!
    for id in [leader, others[0]] { world.crash(id) }
    world.nodes[others[0]]!.disk.damage(slot..<slot.next)
    world.heal()
    // One has lost it and knows, one never had it: they must not decide.
    world.start(others[0])
    world.run(for: 20_000_000_000)
    #expect(world.leader == nil)
    // Who has it comes back.
    world.start(leader)
    world.run(for: 20_000_000_000)
    #expect(world.leader != nil)
    #expect(world.write(world.leader!) != nil)
    #expect(world.oracle.violations == [])
    // And whoever lost it has it again, and knows.
    world.run(for: 1_000_000_000)
    #expect(world.nodes[others[0]]!.replica!.chosenSlot > slot)
  }

  /// Pitfall 13: an older entry than the one that was lost survived in its slot. It says nothing about
  /// what was chosen there.
  @Test func `and damaged leaves nothing that may be passed off for it`() {
    let world = World(seed: 8, voters: 3)
    let older = Ballot(round: 1, replica: ReplicaID(3))
    let newer = Ballot(round: 2, replica: ReplicaID(2))
    func entry(_ ballot: Ballot, _ content: Entry.Content) -> Entry {
      Entry(
        slot: Slot(1), ballot: ballot, content: content, leaderTime: BootTime(nanoseconds: 1))
    }
    for id in world.ids { world.crash(id) }
    // Chosen by 1 and 2; 1 lost it.
    for id: UInt32 in [1, 2] {
      world[id].disk.hardState = HardState(promised: newer)
      world[id].disk.entries[Slot(1)] = [entry(older, .tick), entry(newer, .noOperation)]
    }
    world[1].disk.damage(Slot(1)..<Slot(2))
    #expect(world[1].disk.entries[Slot(1)]!.count == 1)
    world.start(ReplicaID(1))
    world.start(ReplicaID(3))
    world.run(for: 20_000_000_000)
    #expect(world.leader == nil)
    world.start(ReplicaID(2))
    world.run(for: 20_000_000_000)
    #expect(world.leader != nil)
    #expect(world.oracle.contents[Slot(1)] == .noOperation)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 13 to the end: everybody who had it lost it. Nothing is decided, ever.
  @Test func `that is lost everywhere stops the group, and is not made up`() {
    let world = World(seed: 6, voters: 3)
    let leader = world.establish()
    let others = world.others(than: leader)
    world.isolate(others[1])
    let slot = world.write(leader)!
    for id in [leader, others[0]] {
      world.crash(id)
      world.nodes[id]!.disk.damage(slot..<slot.next)
    }
    world.heal()
    for id in [leader, others[0]] { world.start(id) }
    world.run(for: 60_000_000_000)
    #expect(world.leader == nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 16: a replica whose disk was replaced may have promised and accepted anything.
  @Test func `of a wiped replica is nothing, and it votes no more`() {
    let world = World(seed: 7, voters: 3)
    let leader = world.establish()
    let others = world.others(than: leader)
    world.isolate(others[1])
    let slot = world.write(leader)!
    for id in [leader, others[0]] { world.crash(id) }
    world.nodes[others[0]]!.disk = Disk(founding: world.founding)
    world.nodes[others[0]]!.disk.hardState = nil
    world.heal()
    world.start(others[0])
    #expect(world.nodes[others[0]]!.replica!.role == .amnesiac)
    world.run(for: 20_000_000_000)
    #expect(world.leader == nil)
    world.start(leader)
    world.run(for: 20_000_000_000)
    // The two others lead the group, and it learns.
    let next = world.leader!
    #expect(world.write(next) != nil)
    world.run(for: 1_000_000_000)
    #expect(world.nodes[others[0]]!.replica!.chosenSlot > slot)
    // It does not make up a quorum.
    world.crash(next == leader ? others[1] : leader)
    let request = world.propose(next)[0]
    world.run(for: 5_000_000_000)
    #expect((try? world.oracle.result(of: request)?.get()) == nil)
    #expect(world.oracle.violations == [])
  }
}
