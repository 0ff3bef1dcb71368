import Consensus
import Primitives
import Replication
import Seeds
import Simulation
import Testing

/// Commands of a session happen once (rules I1, I2).
@Suite struct `A session` {
  private func open(_ world: ClusterWorld) throws -> SessionID {
    guard case .opened(let session) = try world.submit(Command(.openSession)) else {
      throw ClusterWorld.TimedOut(what: "no session")
    }
    return session
  }

  @Test func `has each command carried out once, however often it is sent`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      let session = try open(world)
      let key = Array("key".utf8)
      func swap(_ sequence: UInt64, _ from: UInt8?, _ to: UInt8) -> Command {
        Command(
          session: session, sequence: sequence,
          .compareAndSet(key: key, expected: from.map { [$0] }, value: [to]))
      }
      #expect(try world.submit(swap(1, nil, 1)) == .swapped)
      #expect(try world.submit(swap(2, 1, 2)) == .swapped)
      // Sent again they would not find what they expect; their results are remembered.
      #expect(try world.submit(swap(1, nil, 1)) == .swapped)
      #expect(try world.submit(swap(2, 1, 2)) == .swapped)
      #expect(try world.get("key") == "\u{2}")
      #expect(try world.submit(swap(3, 1, 9)) == .mismatch)
      #expect(try world.submit(swap(3, 1, 9)) == .mismatch)
      // Also by another leader, and after everybody has begun again.
      world.closeAll()
      try world.openAll()
      #expect(try world.submit(swap(2, 1, 2)) == .swapped)
      #expect(try world.get("key") == "\u{2}")
      // What the client has acknowledged is forgotten, and not carried out again.
      let next = Command(
        session: session, sequence: 4, acknowledgedThrough: 3, .put(key: key, value: [4]))
      #expect(try world.submit(next) == .done)
      #expect(try world.submit(swap(2, 4, 2)) == .outcomeExpired)
      #expect(try world.get("key") == "\u{4}")
      let stranger = Command(
        session: SessionID(1 << 40), sequence: 1, .put(key: key, value: [5]))
      #expect(try world.submit(stranger) == .sessionExpired)
    }
  }

  @Test func `remembers so many results and no more`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let world = ClusterWorld(effects)
      try world.format()
      try world.openAll()
      defer { world.closeAll() }
      let session = try open(world)
      for sequence in 1...200 {
        let command = Command(
          session: session, sequence: UInt64(sequence), .put(key: [1], value: [UInt8(sequence)]))
        #expect(try world.submit(command) == .done)
      }
      func again(_ sequence: UInt64) throws -> CommandResult {
        try world.submit(
          Command(session: session, sequence: sequence, .put(key: [1], value: [0])))
      }
      #expect(try again(1) == .outcomeExpired)
      #expect(try again(136) == .outcomeExpired)
      #expect(try again(137) == .done)
      #expect(try again(200) == .done)
      #expect(try world.get("\u{1}").map { Array($0.utf8) }?.isEmpty == false)
      try world.settle()
    }
  }
}
