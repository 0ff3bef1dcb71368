import Consensus
import Primitives
import Testing

@Suite struct `A lease` {
  /// Elections that take longer than a lease lasts, so that nothing but the lease protects reads.
  static var settings: Settings {
    var settings = Settings()
    settings.suspicion = 10_000_000_000
    return settings
  }

  static func holds(_ id: ReplicaID, in world: World) -> Bool {
    let node = world.nodes[id]!
    return node.replica!.holdsLease(at: world.bootTime(of: node))
  }

  static func establish(seed: UInt64) -> (World, ReplicaID) {
    let world = World(seed: seed, voters: 3, settings: settings)
    for id in world.ids {
      // Clocks far apart, as far as virtual machines have been seen to jump (pitfall 6).
      world.crash(id)
      world.nodes[id]!.clock.zero = world.random.below(577) * 1_000_000_000
      world.nodes[id]!.clock.drift = Int64(world.random.below(19_000)) - 9_500
      world.start(id)
    }
    world.run(atMost: 60_000_000_000) { $0.leader != nil }
    world.run(for: 3_000_000_000)
    return (world, world.leader!)
  }

  /// Pitfall 4: whatever order entries come to be known as chosen in, a lease that was seen is not
  /// taken back; and a released one never comes back.
  @Test func `never ends earlier than it was seen to end`() {
    var lease = Lease()
    lease.renew(proposedAt: BootTime(nanoseconds: 500), duration: 100)
    lease.renew(proposedAt: BootTime(nanoseconds: 300), duration: 100)
    #expect(lease.isHeld(at: BootTime(nanoseconds: 599)))
    #expect(!lease.isHeld(at: BootTime(nanoseconds: 600)))
    lease.release()
    lease.renew(proposedAt: BootTime(nanoseconds: 900), duration: 100)
    #expect(!lease.isHeld(at: BootTime(nanoseconds: 901)))
  }

  /// Pitfall 4 as it was met: a stalled disk, a transfer that fails for it, a raised ballot, a transfer.
  @Test func `is held by one at a time through stalls, raised ballots and transfers`() {
    let (world, first) = Self.establish(seed: 9)
    var expiry = BootTime(nanoseconds: 0)
    for round in 0..<6 {
      guard let leader = world.leader else { break }
      let strayed = world.others(than: leader)[round % 2]
      if round % 2 == 0 {
        let ballot = Ballot(round: UInt64(100 * (round + 1)), replica: ReplicaID(99))
        world.deliver(.prepare(ballot, from: Slot(1)), from: ReplicaID(99), to: strayed)
      } else {
        world.nodes[leader]!.isDiskStalled = true
        world.step(leader, .transferLeadership(world.nextRequest(), to: strayed))
      }
      for _ in 0..<40 {
        world.run(for: 20_000_000)
        for id in world.ids { world.read(id) }
        world.propose(leader)
        if leader == first, let held = world.nodes[first]?.replica?.leaseExpiry {
          #expect(held >= expiry, "the expiry fell")
          expiry = held
        }
      }
      world.nodes[leader]!.isDiskStalled = false
      world.run(for: 3_000_000_000)
    }
    #expect(world.oracle.violations == [])
  }

  @Test func `lets a leader read without a message`() {
    let (world, leader) = Self.establish(seed: 1)
    _ = world.write(leader)
    world.run(for: 20_000_000)
    let count = world.messageCount
    let read = world.read(leader)!
    #expect((try? world.oracle.result(of: read)?.get()) != nil)
    #expect(world.messageCount == count)
  }

  /// Rule L3: an idle group proposes nothing; reads that go on do.
  @Test func `lapses in an idle group and is kept by reads that go on`() {
    let (world, leader) = Self.establish(seed: 2)
    world.run(for: 3_000_000_000)
    let slot = world.nodes[leader]!.replica!.chosenSlot
    #expect(!Self.holds(leader, in: world))
    world.run(for: 10_000_000_000)
    #expect(world.nodes[leader]!.replica!.chosenSlot == slot)
    for _ in 0..<100 {
      world.run(for: 50_000_000)
      world.read(leader)
    }
    #expect(Self.holds(leader, in: world))
    let ticks = world.nodes[leader]!.replica!.chosenSlot.distance(from: slot)
    #expect(ticks >= 5 && ticks <= 9, "\(ticks) in five seconds")
    #expect(world.oracle.violations == [])
  }

  /// Rule L2, pitfalls 5 and 6: while the former leader is cut off or asleep and its lease may live, the
  /// new one shows nothing; when the former one wakes, it has none.
  @Test(arguments: [0, 500, 1_900, 2_100, 5_000, 60_000])
  func `outlives no sleep and is waited for`(_ milliseconds: UInt64) {
    let (world, former) = Self.establish(seed: 3 + milliseconds)
    _ = world.write(former)
    let heir = world.others(than: former)[0]
    world.isolate(former)
    world.usurp(heir, from: former)
    world.nodes[former]!.pausedUntil = world.time + milliseconds * 1_000_000
    world.run(for: 100_000_000)
    let request = world.propose(heir)[0]
    // The write is chosen soon, and not told before the lease has ended for sure.
    world.run(for: 200_000_000)
    #expect(world.oracle.result(of: request) == nil)
    let read = world.read(heir)!
    let end = world.time + max(milliseconds * 1_000_000, 3_000_000_000)
    while world.time < end {
      world.run(for: 50_000_000)
      world.read(former)
    }
    #expect((try? world.oracle.result(of: request)?.get()) != nil)
    #expect((try? world.oracle.result(of: read)?.get()) != nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 3 and rule R3: a leader that reads by its lease hands over.
  @Test func `ends with a transfer, and the new leader does not wait`() {
    let (world, former) = Self.establish(seed: 4)
    let heir = world.others(than: former)[0]
    _ = world.write(former)
    world.run(for: 200_000_000)
    #expect(Self.holds(former, in: world))
    let transfer = world.nextRequest()
    world.step(former, .transferLeadership(transfer, to: heir))
    let refused = world.read(former)!
    #expect(world.oracle.result(of: refused) == .failure(.busy))
    let refusedWrite = world.propose(former)[0]
    #expect(world.oracle.result(of: refusedWrite) == .failure(.busy))
    let isOver = world.run(atMost: 200_000_000) { $0.oracle.transfer(transfer) != nil }
    #expect(isOver)
    #expect((try? world.oracle.transfer(transfer)?.get())?.replica == heir)
    #expect(world.run(atMost: 100_000_000) { Self.holds(heir, in: $0) })
    #expect(world.write(heir, within: 100_000_000) != nil)
    world.read(former)
    world.run(for: 100_000_000)
    #expect(world.oracle.violations == [])
  }

  /// A transfer whose target never hears of it: the lease is gone all the same.
  @Test func `does not come back when a transfer fails`() {
    let (world, former) = Self.establish(seed: 5)
    _ = world.write(former)
    world.run(for: 200_000_000)
    world.filter = { envelope in
      if case .takeOver = envelope.message { false } else { true }
    }
    let transfer = world.nextRequest()
    world.step(former, .transferLeadership(transfer, to: world.others(than: former)[0]))
    world.run(for: 1_000_000_000)
    #expect(!Self.holds(former, in: world))
    world.run(for: 80_000_000_000)
    #expect(world.oracle.transfer(transfer) == .failure(.unavailable))
    #expect(world.leader != nil)
    #expect(world.oracle.violations == [])
  }

  /// Pitfall 7: reads go on, the followers answer, and the leader's own disk does not.
  @Test func `cannot be renewed by a leader whose disk is stalled`() {
    let (world, leader) = Self.establish(seed: 6)
    for _ in 0..<40 {
      world.run(for: 50_000_000)
      world.read(leader)
    }
    #expect(Self.holds(leader, in: world))
    world.nodes[leader]!.isDiskStalled = true
    for _ in 0..<100 {
      world.run(for: 50_000_000)
      world.read(leader)
    }
    #expect(!Self.holds(leader, in: world))
  }

  /// Rule L4: a clock that runs away ends reads by lease, on whichever side it is.
  @Test(arguments: [true, false])
  func `is not used while clocks disagree`(_ isLeaders: Bool) {
    let (world, leader) = Self.establish(seed: 7)
    let wrong = isLeaders ? leader : world.others(than: leader)[0]
    for id in world.ids { world.nodes[id]!.clock.retune(drift: 0, at: world.time) }
    world.nodes[wrong]!.clock.retune(drift: 150_000, at: world.time)
    for _ in 0..<100 {
      world.run(for: 50_000_000)
      world.read(leader)
    }
    #expect(!Self.holds(leader, in: world))
    #expect(world.oracle.violations == [])
  }

  /// Rule L5.
  @Test func `is not used when nobody vouches for the clocks`() {
    var settings = Settings()
    settings.clockRateBound = 0
    let world = World(seed: 8, voters: 3, settings: settings)
    let leader = world.establish()
    _ = world.write(leader)
    let read = world.read(leader)!
    #expect(world.oracle.result(of: read) == nil)
    world.run(for: 10_000_000)
    #expect((try? world.oracle.result(of: read)?.get()) != nil)
    #expect(world.oracle.leaseReadCount == 0)
  }
}
