import Consensus
import Primitives
import Testing

@Suite struct `A change of members` {
  static func change(
    _ world: World, at leader: ReplicaID, voters: [UInt32], learners: [UInt32] = [],
    isForced: Bool = false, within duration: UInt64 = 1_000_000_000
  ) -> Result<Slot, Refusal>? {
    let request = world.nextRequest()
    world.step(
      leader,
      .changeConfiguration(
        request,
        Configuration(
          voters: voters.map(ReplicaID.init), learners: learners.map(ReplicaID.init)),
        isForced: isForced))
    world.run(atMost: duration) { $0.oracle.result(of: request) != nil }
    return world.oracle.result(of: request)
  }

  /// A group of the first replicas, led by the first.
  static func world(seed: UInt64, voters: Int, learners: Int = 0) -> World {
    var settings = Settings()
    settings.usesLease = false
    let world = World(seed: seed, voters: voters, learners: learners, settings: settings)
    while world.leader != ReplicaID(1) {
      if let leader = world.leader { world.usurp(ReplicaID(1), from: leader) }
      world.run(for: 200_000_000)
    }
    return world
  }

  @Test func `goes by learning, catching up and voting`() {
    let world = Self.world(seed: 1, voters: 3)
    let leader = ReplicaID(1)
    for _ in 0..<50 { _ = world.write(leader) }
    #expect(
      Self.change(world, at: leader, voters: [1, 2, 3, 4]) == .failure(.unsafeConfiguration))
    world.add(ReplicaID(4))
    #expect(
      (try? Self.change(world, at: leader, voters: [1, 2, 3], learners: [4])?.get()) != nil)
    world.run(for: 500_000_000)
    #expect(world[4].replica!.chosenSlot == world[1].replica!.chosenSlot)
    #expect((try? Self.change(world, at: leader, voters: [1, 2, 3, 4])?.get()) != nil)
    #expect((try? Self.change(world, at: leader, voters: [1, 2, 4])?.get()) != nil)
    world.run(for: 500_000_000)
    #expect(world[3].isHalted)
    // Rule M6: its number is gone for good.
    #expect(
      Self.change(world, at: leader, voters: [1, 2, 3, 4], isForced: true)
        == .failure(.unsafeConfiguration))
    #expect(world.write(leader) != nil)
    #expect(world.oracle.violations == [])
  }

  /// Arbitrary sets follow each other in one step, the leader's own leaving included (rule M1).
  @Test func `may replace everybody at once`() {
    let world = Self.world(seed: 2, voters: 3, learners: 3)
    world.run(for: 500_000_000)
    let result = Self.change(world, at: ReplicaID(1), voters: [4, 5, 6])
    #expect((try? result?.get()) != nil)
    world.run(for: 3_000_000_000)
    for id: UInt32 in [1, 2, 3] { #expect(world[id].isHalted) }
    let leader = world.leader
    #expect(leader != nil)
    #expect(leader.flatMap { world.write($0) } != nil)
    #expect(world.oracle.violations == [])
  }

  /// Rule M3: a quorum of the new voters has to be alive.
  @Test func `is refused when it would leave no live quorum`() {
    let world = Self.world(seed: 3, voters: 5)
    world.crash(ReplicaID(4))
    world.crash(ReplicaID(5))
    world.run(for: 1_100_000_000)
    #expect(
      Self.change(world, at: ReplicaID(1), voters: [1, 4, 5]) == .failure(.unsafeConfiguration))
    #expect((try? Self.change(world, at: ReplicaID(1), voters: [1, 2, 3])?.get()) != nil)
    #expect(world.oracle.violations == [])
  }

  /// Two leaders each change the same parent, the founders 1 to 4, by one member.
  struct Siblings: CustomTestStringConvertible {
    let testDescription: String
    /// The first leader, 1, proposes this, and nobody but `first.side` hears of it.
    let first: (voters: [UInt32], side: [UInt32])
    /// The second leader, 2, proposes this, and nobody but `second.side` hears of it: a majority of
    /// the new members and not of the old ones.
    let second: (voters: [UInt32], side: [UInt32])
    /// Then these are together: a majority of what the first leader proposed.
    let revival: [UInt32]

    static let all = [
      Siblings(
        testDescription: "one is added, another removed", first: ([1, 2, 3, 4, 5], [1, 5]),
        second: ([2, 3, 4], [2, 3]), revival: [1, 4, 5]),
      Siblings(
        testDescription: "two are added", first: ([1, 2, 3, 4, 5], [1, 5]),
        second: ([1, 2, 3, 4, 6], [2, 3, 6]), revival: [1, 4, 5]),
      Siblings(
        testDescription: "two are removed", first: ([1, 3, 4], [1]), second: ([2, 3, 4], [2, 3]),
        revival: [1, 4]),
    ]
  }

  /// Pitfall 8: when a configuration counts as soon as it is proposed, the quorums of two siblings need
  /// not share a replica (D. Ongaro, 2015). Here it counts when the old members have chosen it.
  @Test(arguments: Siblings.all)
  func `by two leaders never has two quorums`(_ siblings: Siblings) {
    let world = Self.world(seed: 4, voters: 4, learners: 2)
    world.run(for: 500_000_000)
    func separate(_ side: [UInt32]) {
      world.heal()
      let near = side.map(ReplicaID.init)
      world.partition(near, world.ids.filter { !near.contains($0) })
    }
    separate(siblings.first.side)
    let first = Self.change(
      world, at: ReplicaID(1), voters: siblings.first.voters, isForced: true, within: 50_000_000)
    world.run(for: 5_000_000_000)
    while world.leader != ReplicaID(2) {
      if let leader = world.leader { world.usurp(ReplicaID(2), from: leader) }
      world.run(for: 500_000_000)
    }
    separate(siblings.second.side)
    let second = Self.change(
      world, at: ReplicaID(2), voters: siblings.second.voters, isForced: true,
      within: 500_000_000)
    world.propose(ReplicaID(2))
    world.run(for: 100_000_000)
    #expect((try? first?.get()) == nil)
    #expect((try? second?.get()) == nil)
    separate(siblings.revival)
    for _ in 0..<50 {
      world.run(for: 200_000_000)
      world.propose(ReplicaID(1))
    }
    #expect(world.oracle.violations == [])
    world.heal()
    world.run(for: 10_000_000_000)
    #expect(world.leader.flatMap { world.write($0) } != nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 9: the members of the next slot follow from what is chosen, not from what was applied:
  /// replicas that are slow to apply count the same votes.
  @Test func `counts from where it is chosen, however slow it is applied`() {
    let world = Self.world(seed: 5, voters: 3, learners: 2)
    world.run(for: 500_000_000)
    world.mayTellApplied = false
    _ = Self.change(world, at: ReplicaID(1), voters: [1, 4, 5], within: 300_000_000)
    #expect(world[1].replica!.configuration.voters == [1, 4, 5].map(ReplicaID.init))
    // The old quorum is with the leader, the new one is not.
    world.partition([1, 2, 3].map(ReplicaID.init), [4, 5].map(ReplicaID.init))
    let request = world.propose(ReplicaID(1)).first!
    world.run(for: 900_000_000)
    #expect((try? world.oracle.result(of: request)?.get()) == nil)
    world.mayTellApplied = true
    world.heal()
    world.run(for: 10_000_000_000)
    #expect(world.leader.flatMap { world.write($0) } != nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 10: a leader with learners only, and a voter who would be elected by learners.
  @Test func `lets learners receive, and not vote`() {
    let world = Self.world(seed: 6, voters: 3, learners: 3)
    let leader = ReplicaID(1)
    world.run(for: 500_000_000)
    world.partition([1, 4, 5, 6].map(ReplicaID.init), [2, 3].map(ReplicaID.init))
    let request = world.propose(leader)[0]
    world.run(for: 900_000_000)
    #expect(world.oracle.result(of: request) == nil)
    // By now it has stepped down, and nobody on its side leads, ever.
    for _ in 0..<50 {
      world.run(for: 200_000_000)
      for id: UInt32 in [1, 4, 5, 6] {
        if case .leader? = world[id].replica?.role { Issue.record("\(id) leads by learners") }
      }
    }
    #expect(world.leader.flatMap { world.write($0) } != nil)
    #expect(world.oracle.violations == [])
  }

  /// Rule M4: the one who knows that the members have changed is the only one; a candidate of the old
  /// members finishes the change, and goes on with the new ones.
  @Test func `is finished by whoever finds it`() {
    let world = Self.world(seed: 7, voters: 3, learners: 2)
    world.run(for: 500_000_000)
    world.filter = { envelope in
      if case .chosen = envelope.message { false } else { true }
    }
    _ = Self.change(world, at: ReplicaID(1), voters: [1, 4, 5], within: 30_000_000)
    #expect(world[1].replica!.configuration.voters.contains(ReplicaID(4)))
    #expect(world[2].replica!.configuration.voters.contains(ReplicaID(2)))
    world.crash(ReplicaID(1))
    world.filter = nil
    world.run(for: 20_000_000_000)
    let leader = world.leader
    #expect(leader == ReplicaID(4) || leader == ReplicaID(5))
    #expect(leader.flatMap { world.write($0) } != nil)
    #expect(world[2].isHalted && world[3].isHalted)
    #expect(world.oracle.violations == [])
  }
}
