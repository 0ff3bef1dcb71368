import Consensus
import Primitives
import Testing

@Suite struct `A read that asks a quorum` {
  static func world(seed: UInt64, voters: Int = 3) -> World {
    var settings = Settings()
    settings.usesLease = false
    return World(seed: seed, voters: voters, settings: settings)
  }

  /// Pitfall 2: the answers to a round that began before the read say nothing about it, however often
  /// the round was repeated meanwhile.
  @Test func `is not answered by an earlier round`() {
    let world = Self.world(seed: 1)
    let leader = world.establish()
    var held: [Envelope] = []
    var notices: [UInt64] = []
    world.filter = { envelope in
      switch envelope.message {
      case .acknowledge: held.append(envelope); return false
      case .chosen(let notice): notices.append(notice.readRound); return true
      default: return true
      }
    }
    let first = world.read(leader)!
    world.run(for: 250_000_000)
    let early = held
    let used = notices.max()!
    let second = world.read(leader)!
    // The answers to the first round, at last, and again.
    for _ in 0..<3 {
      for answer in early { world.step(leader, .message(answer)) }
    }
    #expect((try? world.oracle.result(of: first)?.get()) != nil)
    #expect(world.oracle.result(of: second) == nil)
    #expect(notices.max()! > used)
    world.run(for: 50_000_000)
    #expect(world.oracle.result(of: second) == nil)
    world.filter = nil
    world.run(for: 200_000_000)
    #expect((try? world.oracle.result(of: second)?.get()) != nil)
  }

  @Test func `sees what was chosen when it began, not when it arrived at an earlier round`() throws
  {
    let world = Self.world(seed: 2)
    let leader = world.establish()
    let slot = world.write(leader)!
    let read = world.read(leader)!
    world.run(for: 10_000_000)
    #expect(try world.oracle.result(of: read)!.get() >= slot)
  }

  @Test func `shares its round with all that wait`() {
    let world = Self.world(seed: 3)
    let leader = world.establish()
    let before = world.messageCount
    for _ in 0..<100 { world.read(leader) }
    world.run(for: 20_000_000)
    #expect(world.oracle.readCount == 100)
    #expect(world.messageCount - before <= 16)
  }

  /// Rule R2.
  @Test func `may be made at a follower`() throws {
    let world = Self.world(seed: 4)
    let leader = world.establish()
    let follower = world.others(than: leader)[0]
    let slot = world.write(leader)!
    let read = world.read(follower)!
    world.run(for: 20_000_000)
    #expect(try world.oracle.result(of: read)!.get() >= slot)
    #expect(world.oracle.violations == [])
  }

  /// An answer to an earlier life of the follower carries a number that is not used again.
  @Test func `at a follower is not answered by what an earlier life asked`() {
    let world = Self.world(seed: 5)
    let leader = world.establish()
    let follower = world.others(than: leader)[0]
    var answers: [Envelope] = []
    world.filter = { envelope in
      if case .readIndexReply = envelope.message { answers.append(envelope); return false }
      return true
    }
    world.read(follower)
    world.run(for: 10_000_000)
    #expect(answers.count == 1)
    world.crash(follower)
    _ = world.write(leader)
    world.start(follower)
    world.run(for: 200_000_000)
    let read = world.read(follower)!
    for answer in answers { world.step(follower, .message(answer)) }
    #expect(world.oracle.result(of: read) == nil)
    world.filter = nil
    world.run(for: 2_000_000_000)
    #expect(world.oracle.result(of: read) != nil)
    #expect(world.oracle.violations == [])
  }

  /// Section 8, rule F4: no quorum, no waiting for ever.
  @Test func `is refused in time when there is no quorum`() {
    let world = Self.world(seed: 6)
    let leader = world.establish()
    for other in world.others(than: leader) { world.crash(other) }
    let read = world.read(leader)!
    world.run(for: 1_300_000_000)
    #expect(world.oracle.result(of: read) == .failure(.notLeader(hint: nil)))
  }

  @Test func `at a follower is refused in time when the leader is gone`() {
    let world = Self.world(seed: 7)
    let leader = world.establish()
    let follower = world.others(than: leader)[0]
    world.isolate(follower)
    let read = world.read(follower)!
    world.run(for: 2_100_000_000)
    #expect(world.oracle.result(of: read) == .failure(.unavailable))
  }
}
