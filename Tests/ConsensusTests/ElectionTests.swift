import Consensus
import Primitives
import Testing

@Suite struct `Elections` {
  @Test func `give a group a leader that writes and reads`() {
    let world = World(seed: 1, voters: 3)
    let leader = world.establish()
    let slot = world.write(leader)
    let read = world.read(leader)!
    world.run(for: 100_000_000)
    #expect(slot != nil)
    #expect(world.oracle.result(of: read) == slot.map { .success($0) })
    #expect(world.oracle.violations == [])
  }

  @Test func `need nobody else in a group of one`() {
    let world = World(seed: 1, voters: 1)
    let leader = world.establish()
    #expect(world.write(leader) != nil)
    world.crash(leader)
    world.start(leader)
    #expect(world.write(world.establish()) != nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 1: a leader crashes when a quorum has accepted a write and only it knows. Whoever comes
  /// next has the write, and does not know that it is chosen before its own first entry is.
  @Test func `let nobody read before the new leader's own entry is chosen`() throws {
    var settings = Settings()
    settings.usesLease = false
    let world = World(seed: 2, voters: 3, settings: settings)
    let former = world.establish()
    let chosen = world.nodes[former]!.replica!.chosenSlot
    world.filter = { envelope in
      if case .chosen = envelope.message { false } else { true }
    }
    let slot = world.write(former)!
    world.crash(former)
    var isHeld = true
    world.filter = { envelope in
      if case .accepted = envelope.message { !isHeld } else { true }
    }
    let heirs = world.others(than: former)
    var reads: [RequestID] = []
    for _ in 0..<400 {
      world.run(for: 10_000_000)
      for heir in heirs { reads.append(world.read(heir)!) }
    }
    for heir in heirs { #expect(world.nodes[heir]!.replica!.chosenSlot <= chosen) }
    #expect(reads.allSatisfy { (try? world.oracle.result(of: $0)?.get()) == nil })
    isHeld = false
    #expect(world.run(atMost: 10_000_000_000) { $0.leader != nil })
    let read = world.read(world.leader!)!
    world.run(for: 100_000_000)
    #expect(try world.oracle.result(of: read)!.get() >= slot)
    #expect(world.oracle.violations == [])
  }

  /// Phase 1: of what was accepted in a slot, the content of the highest ballot may have been chosen.
  @Test func `choose again what the highest ballot proposed`() {
    let world = World(seed: 9, voters: 3)
    for id in world.ids { world.crash(id) }
    for (id, content) in [(1, .tick), (2, .noOperation)] as [(UInt32, Entry.Content)] {
      let ballot = Ballot(round: UInt64(id), replica: ReplicaID(3))
      world[id].disk.hardState = HardState(promised: ballot)
      world[id].disk.entries[Slot(1)] = [
        Entry(
          slot: Slot(1), ballot: ballot, content: content,
          leaderTime: BootTime(nanoseconds: 1))
      ]
    }
    world.start(ReplicaID(1))
    world.start(ReplicaID(2))
    world.run(for: 10_000_000_000)
    #expect(world.leader != nil)
    #expect(world.oracle.contents[Slot(1)] == .noOperation)
  }

  /// Pitfall 30: links that carry one way only, for ever, whichever they are: somebody leads, and goes on
  /// leading.
  @Test(arguments: 0..<6)
  func `come to rest when a link carries one way`(_ number: Int) {
    let world = World(seed: UInt64(number), voters: 3)
    _ = world.establish()
    let from = ReplicaID(UInt32(number / 2 + 1))
    let to = world.others(than: from)[number % 2]
    world.cut.insert(World.Link(from: from, to: to))
    world.run(for: 10_000_000_000)
    let leader = world.leader
    let role = leader.flatMap { world.nodes[$0]!.replica?.role }
    for _ in 0..<20 {
      #expect(leader.map { world.write($0) ?? nil } != nil)
      world.run(for: 500_000_000)
    }
    #expect(leader.flatMap { world.nodes[$0]!.replica?.role } == role)
    #expect(world.oracle.violations == [])
  }

  /// A replica that hears nobody cannot make the others follow it.
  @Test func `are not won by one who is deaf`() {
    let world = World(seed: 3, voters: 3)
    let leader = world.establish()
    let deaf = world.others(than: leader)[0]
    for other in world.others(than: deaf) {
      world.cut.insert(World.Link(from: other, to: deaf))
    }
    let role = world.nodes[leader]!.replica!.role
    world.run(for: 10_000_000_000)
    #expect(world.nodes[leader]!.replica!.role == role)
  }

  /// Election rule 8.
  @Test func `end for a leader that no quorum answers`() {
    let world = World(seed: 4, voters: 3)
    let leader = world.establish()
    for other in world.others(than: leader) {
      world.cut.insert(World.Link(from: other, to: leader))
    }
    let request = world.propose(leader)[0]
    world.run(for: 1_300_000_000)
    #expect(world.nodes[leader]!.replica!.role != .leader(Ballot(round: 1, replica: leader)))
    #expect(world.oracle.result(of: request) == .failure(.unknownOutcome))
  }

  /// Election rule 7: a member that has promised more than anybody is brought back by a higher ballot
  /// of the leader that there is.
  @Test(arguments: [true, false])
  func `are not needed when one member has promised more`(_ usesLease: Bool) {
    var settings = Settings()
    settings.usesLease = usesLease
    let world = World(seed: 5, voters: 3, settings: settings)
    let leader = world.establish()
    let strayed = world.others(than: leader)[0]
    world.isolate(strayed)
    world.run(for: 300_000_000)
    let usurped = Ballot(round: 90, replica: ReplicaID(99))
    world.deliver(.prepare(usurped, from: Slot(1)), from: ReplicaID(99), to: strayed)
    world.run(for: 100_000_000)
    world.heal()
    let request = world.propose(leader)[0]
    world.run(for: 400_000_000)
    #expect(world.leader == leader)
    guard case .leader(let ballot)? = world.nodes[leader]!.replica?.role else { return }
    #expect(ballot.round > 90)
    #expect((try? world.oracle.result(of: request)?.get()) != nil)
    // It waits for no lease: there was no other leader.
    let read = world.read(leader)!
    world.run(for: 20_000_000)
    #expect((try? world.oracle.result(of: read)?.get()) != nil)
    world.run(for: 200_000_000)
    #expect(
      world.nodes[strayed]!.replica!.chosenSlot == world.nodes[leader]!.replica!.chosenSlot)
    #expect(world.oracle.violations == [])
  }

  @Test func `pass a leader whose store is stalled by`() {
    let world = World(seed: 6, voters: 3)
    let former = world.establish()
    world.nodes[former]!.isDiskStalled = true
    world.step(former, .storeHealth(.stalled))
    world.run(for: 500_000_000)
    let leader = world.leader
    #expect(leader != nil && leader != former)
    #expect(world.write(leader!) != nil)
    #expect(world.oracle.violations == [])
  }
}
