import Consensus
import Primitives
import Seeds
import Testing

/// A course of events drawn at random: clients write and read, and everything that may go wrong does.
/// Then it stops going wrong, and the group has to get over it.
struct Campaign {
  let world: World
  private var nextReplica: UInt32
  private var chances = Chances()
  /// Replicas whose disk may be damaged: a minority, so that nothing chosen is ever beyond repair.
  private let damageable: [ReplicaID]
  private(set) var counts: [String: Int] = [:]

  private struct Chances {
    var crash: UInt64 = 0
    var cut: UInt64 = 0
    var stall: UInt64 = 0
    var pause: UInt64 = 0
    var transfer: UInt64 = 0
    var members: UInt64 = 0
    var damage: UInt64 = 0
    var checkpoint: UInt64 = 0
    var slow: UInt64 = 0
    var usurper: UInt64 = 0
    var stray: UInt64 = 0
  }

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed ^ 0x5EED)
    var settings = Settings()
    settings.usesLease = random.happens(700)
    settings.windowSlotCount = random.happens(300) ? 8 : 256
    settings.retainedByteCount = random.happens(500) ? 2_000 : 64 << 20
    let voters = [1, 2, 3, 3, 3, 4, 5, 5][Int(random.below(8))]
    world = World(seed: seed, voters: voters, learners: Int(random.below(2)), settings: settings)
    damageable = Array(world.ids[..<((voters - 1) / 2)])
    nextReplica = UInt32(world.ids.count + 1)
    for id in world.ids {
      world.nodes[id]!.clock.zero = random.below(1_000_000_000_000)
      world.nodes[id]!.clock.drift = Int64(random.below(19_000)) - 9_500
      world.crash(id)
      world.start(id)
    }
    func draw(_ most: UInt64) -> UInt64 { random.happens(500) ? random.below(most) : 0 }
    world.faults.loss = draw(200)
    world.faults.doubling = draw(200)
    if random.happens(500) { world.faults.delay = 50_000...random.within(300_000...80_000_000) }
    if random.happens(500) { world.faults.write = 50_000...random.within(300_000...30_000_000) }
    chances.crash = draw(80)
    chances.cut = draw(100)
    chances.stall = draw(40)
    chances.pause = draw(40)
    chances.transfer = draw(60)
    chances.members = draw(80)
    // The minority that may be damaged is one of the founders.
    chances.damage = draw(300)
    if chances.damage > 0 { chances.members = 0 }
    chances.checkpoint = draw(100)
    chances.slow = draw(40)
    chances.usurper = draw(40)
    chances.stray = draw(8)
  }

  mutating func run(for duration: UInt64) {
    let end = world.time + duration
    while world.time < end, world.oracle.violations.isEmpty {
      world.run(for: world.random.within(1_000_000...40_000_000))
      for _ in 0..<world.random.below(3) { ask() }
      trouble()
    }
  }

  private mutating func pick() -> ReplicaID {
    world.ids[Int(world.random.below(UInt64(world.ids.count)))]
  }

  private mutating func ask() {
    let id = world.random.happens(600) ? world.leader ?? pick() : pick()
    if world.random.happens(500) {
      world.propose(id, count: Int(world.random.within(1...(world.random.happens(30) ? 300 : 4))))
    } else {
      world.read(id)
    }
  }

  private mutating func count(_ name: String) { counts[name, default: 0] += 1 }

  private mutating func trouble() {
    let id = pick()
    let node = world.nodes[id]!
    if world.random.happens(chances.crash), node.replica != nil {
      count("crash")
      world.crash(id)
      if damageable.contains(id), world.random.happens(chances.damage) { damage(node) }
      let life = node.life
      world.at(world.random.below(4_000_000_000)) { world in
        if node.life == life, !node.isHalted { world.start(id) }
      }
    }
    if world.random.happens(chances.cut) { cutLinks(around: id) }
    if world.random.happens(chances.stall) {
      count("stall")
      node.isDiskStalled = true
      world.at(world.random.below(5_000_000_000)) { _ in node.isDiskStalled = false }
      if world.random.happens(500), node.replica != nil {
        world.step(id, .storeHealth(.stalled))
        world.at(5_000_000_000) { $0.step(id, .storeHealth(.good)) }
      }
    }
    if world.random.happens(chances.pause) {
      count("pause")
      node.pausedUntil = world.time + world.random.below(6_000_000_000)
    }
    if world.random.happens(chances.slow) {
      count("slow")
      node.slowness = node.slowness > 1 ? 1 : 100
    }
    if world.random.happens(chances.checkpoint) {
      count("image")
      world.checkpoint(id)
    }
    if world.random.happens(chances.transfer), let leader = world.leader, world.isAwake(leader) {
      count("transfer")
      world.step(leader, .transferLeadership(world.nextRequest(), to: id))
    }
    if world.random.happens(chances.usurper), let leader = world.leader {
      // A word from a transfer that is long over.
      count("usurper")
      world.usurp(id, from: leader)
      if world.random.happens(500) { world.isolate(leader) }
    }
    if world.random.happens(chances.stray), let replica = node.replica {
      // Somebody promised something to one who is no more.
      count("stray")
      let highest: UInt64 =
        switch replica.role {
        case .leader(let ballot), .candidate(let ballot): ballot.round
        case .follower, .amnesiac: 10
        }
      let ballot = Ballot(round: highest + world.random.below(3), replica: ReplicaID(99))
      world.deliver(.prepare(ballot, from: Slot(1)), from: ReplicaID(99), to: id)
    }
    if world.random.happens(chances.members) { changeMembers() }
  }

  private mutating func damage(_ node: Node) {
    if world.random.happens(100) {
      count("wipe")
      node.disk = Disk(founding: world.founding)
      node.disk.hardState = nil
      return
    }
    guard let last = node.disk.entries.keys.max() else { return }
    count("damage")
    let length = world.random.within(1...20)
    let lower = Slot(max(1, last.rawValue + 1 - min(length + world.random.below(5), last.rawValue)))
    node.disk.damage(lower..<lower.advanced(by: Int(length)))
  }

  private mutating func cutLinks(around id: ReplicaID) {
    count("cut")
    switch world.random.below(4) {
    case 0: world.isolate(id)
    case 1: world.cut.insert(World.Link(from: id, to: pick()))
    case 2: world.cut.insert(World.Link(from: pick(), to: id))
    default: world.heal()
    }
    if world.random.happens(700) {
      world.at(world.random.below(5_000_000_000)) { $0.heal() }
    }
  }

  private mutating func changeMembers() {
    guard let leader = world.leader, world.isAwake(leader),
      let replica = world.nodes[leader]!.replica
    else { return }
    let present = replica.configuration
    var voters = present.voters
    var learners = present.learners
    for _ in 0...world.random.below(2) {
      switch world.random.below(4) {
      case 0 where nextReplica < 12:
        let added = ReplicaID(nextReplica)
        nextReplica += 1
        world.add(added)
        learners.append(added)
      case 1: voters += learners.splice()
      case 2 where voters.count > 1:
        voters.remove(at: Int(world.random.below(UInt64(voters.count))))
      default:
        if voters.count > 1, world.random.happens(300) { learners.append(voters.removeLast()) }
      }
    }
    guard Set(voters + learners).count == voters.count + learners.count else { return }
    count("members")
    world.step(
      leader,
      .changeConfiguration(
        world.nextRequest(), Configuration(voters: voters, learners: learners),
        isForced: false))
  }

  /// Nothing goes wrong any more, but for what is lost for good.
  func recover() {
    world.faults = World.Faults()
    world.heal()
    for id in world.ids {
      let node = world.nodes[id]!
      node.isDiskStalled = false
      node.slowness = 1
      world.hurryDisk(of: node)
      node.pausedUntil = 0
      if node.replica == nil, !node.isHalted { world.start(id) }
      world.step(id, .storeHealth(.good))
    }
  }

  /// Whether a write is told, and everybody who belongs to the group has everything.
  func settles(within duration: UInt64) -> Bool {
    let writtenCount = world.oracle.writtenCount
    return world.run(atMost: duration) { world in
      guard let leader = world.leader else { return false }
      if world.oracle.writtenCount == writtenCount {
        if world.random.happens(50) { world.propose(leader) }
        return false
      }
      let replica = world.nodes[leader]!.replica!
      let members = replica.configuration.voters + replica.configuration.learners
      return members.allSatisfy {
        world.nodes[$0]?.replica?.chosenSlot == replica.chosenSlot
      }
    }
  }
}

extension Array {
  /// All of them, taken out.
  fileprivate mutating func splice() -> [Element] {
    defer { removeAll() }
    return self
  }
}

@Suite struct `Random courses of events` {
  @Test func `break nothing, and the group gets over them`() {
    var total: [String: Int] = [:]
    var wordless = 0
    for seed in Seed.range(count: 30) {
      var campaign = Campaign(seed: seed)
      campaign.run(for: 20_000_000_000)
      let world = campaign.world
      let written = world.oracle.writtenCount
      if written < 20 { wordless += 1 }
      campaign.recover()
      let isSettled = campaign.settles(within: 20_000_000_000)
      #expect(world.oracle.violations == [], "seed \(seed)")
      #expect(isSettled, "seed \(seed) does not settle")
      if !isSettled || !world.oracle.violations.isEmpty {
        print("seed", seed, world.oracle.violations)
        for id in world.ids {
          let replica = world.nodes[id]!.replica
          print(
            "  ", id, replica.map { "\($0.role) \($0.chosenSlot) \($0.configuration)" } ?? "gone")
        }
        break
      }
      total.merge(campaign.counts) { $0 + $1 }
      total["written", default: 0] += written
      total["read", default: 0] += world.oracle.readCount
      total["lease reads", default: 0] += world.oracle.leaseReadCount
      total["images carried", default: 0] += world.imageCount
      total["refused", default: 0] += world.oracle.refusedCount
    }
    print(
      total.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
      "wordless", wordless)
  }
}
