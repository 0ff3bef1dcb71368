import Testing

internal import Consensus
internal import Primitives

/// One replica, and a test that plays everybody else: for what others may say and seldom do.
private struct Puppet {
  var replica: Replica
  var now = BootTime(nanoseconds: 1_000_000_000)
  private(set) var sent: [Message] = []
  private(set) var outcomes: [Outcome] = []
  /// Writes that are not on the medium yet, oldest first.
  private(set) var writes: [Write] = []
  /// Whether writes take no time.
  var writesAtOnce = true

  static let voters = Configuration(voters: [ReplicaID(1), ReplicaID(2), ReplicaID(3)])

  init(_ number: UInt32, usesLease: Bool = true) {
    var settings = Settings()
    settings.usesLease = usesLease
    replica = Replica(
      id: ReplicaID(number), group: GroupID(1), settings: settings,
      recovered: RecoveredState(
        hardState: HardState(), base: LogBase(founding: Self.voters), appliedSlot: .zero),
      seed: 1, now: now)
  }

  mutating func step(_ event: Consensus.Event) {
    let actions = replica.step(event, now: now)
    sent += actions.send.map(\.message)
    outcomes += actions.outcomes
    if let write = actions.write { writes.append(write) }
    if let last = actions.deliver.last { step(.applied(through: last.slot)) }
    while writesAtOnce, !writes.isEmpty { finishWrite() }
  }

  mutating func finishWrite() {
    let write = writes.removeFirst()
    sent += write.thenSend.map(\.message)
    step(.durable(write.token))
  }

  mutating func hear(_ message: Message, from number: UInt32) {
    step(.message(Envelope(from: ReplicaID(number), to: replica.id, message: message)))
  }

  mutating func wait(milliseconds: UInt64) {
    now = now.advanced(by: milliseconds * 1_000_000)
    step(.tick)
  }

  /// The ballot of the last phase 1 that it began.
  var prepared: Ballot? {
    for case .prepare(let ballot, _) in sent.reversed() { return ballot }
    return nil
  }

  /// The last entry that it proposed in a slot.
  func proposed(_ slot: Slot) -> Entry? {
    for case .accept(_, let entries, _) in sent.reversed() {
      if let entry = entries.first(where: { $0.slot == slot }) { return entry }
    }
    return nil
  }

  mutating func promise(
    _ ballot: Ballot, from number: UInt32, chosen: UInt64 = 0, accepted: [Entry] = [],
    unknown: Range<Slot>? = nil
  ) {
    hear(
      .promise(
        Promise(
          ballot: ballot, chosenSlot: Slot(chosen), logStart: Slot(1), accepted: accepted,
          unknown: unknown)), from: number)
  }

  /// Makes it the leader of its first ballot, with the entry that opens it chosen in slot 1.
  mutating func lead() throws -> Ballot {
    hear(.takeOver(.zero), from: 2)
    let ballot = try #require(prepared)
    promise(ballot, from: 2)
    hear(.accepted(ballot, through: Slot(1), beyond: []), from: 2)
    #expect(replica.role == .leader(ballot))
    return ballot
  }
}

private func entry(_ slot: UInt64, _ round: UInt64, of number: UInt32, _ command: UInt8) -> Entry {
  Entry(
    slot: Slot(slot), ballot: Ballot(round: round, replica: ReplicaID(number)),
    content: .command([command]), leaderTime: BootTime(nanoseconds: 5))
}

@Suite struct `A replica among others of any behaviour` {
  /// Paxos as it is in the books; a leader that took what it met first would replace what was chosen.
  @Test(arguments: [false, true])
  func `proposes again what was accepted in the highest ballot`(isHighestFirst: Bool) throws {
    var puppet = Puppet(3)
    // Its own log holds one of them, and the promise of another replica the other.
    let own = entry(1, isHighestFirst ? 2 : 1, of: isHighestFirst ? 2 : 1, 7)
    let other = entry(1, isHighestFirst ? 1 : 2, of: isHighestFirst ? 1 : 2, 8)
    puppet.hear(
      .accept(own.ballot, entries: [own], chosenSlot: .zero), from: own.ballot.replica.rawValue)
    puppet.hear(.takeOver(Ballot(round: 3, replica: ReplicaID(1))), from: 1)
    let ballot = try #require(puppet.prepared)
    puppet.promise(ballot, from: 1, accepted: [other])
    let again = try #require(puppet.proposed(Slot(1)))
    #expect(again.content == (isHighestFirst ? own : other).content)
    #expect(again.ballot == ballot)
  }

  /// tikv/pd#10671: a leader whose proposals take long to be chosen renewed its lease for ever.
  /// The nack rule in front of the last accepted slot: whoever lost a slot and holds a later one says
  /// nothing about the former.
  @Test func `leaves nothing empty of which no quorum can speak`() throws {
    var puppet = Puppet(3)
    puppet.hear(.takeOver(.zero), from: 2)
    let ballot = try #require(puppet.prepared)
    puppet.promise(ballot, from: 1, accepted: [entry(2, 1, of: 2, 7)], unknown: Slot(1)..<Slot(2))
    #expect(puppet.proposed(Slot(1)) == nil)
    puppet.promise(ballot, from: 2, accepted: [entry(1, 1, of: 2, 9)])
    #expect(puppet.proposed(Slot(1))?.content == .command([9]))
    #expect(puppet.proposed(Slot(2))?.content == .command([7]))
  }

  @Test func `counts its lease from when it proposed, not from when it was chosen`() throws {
    var puppet = Puppet(1)
    let ballot = try puppet.lead()
    let begin = puppet.now
    puppet.wait(milliseconds: 100)
    puppet.step(.propose([Proposal(id: RequestID(1), command: [1])]))
    for _ in 0..<17 {
      puppet.wait(milliseconds: 100)
      // A sign of life, so that it goes on leading.
      puppet.hear(.accepted(ballot, through: Slot(1), beyond: []), from: 2)
    }
    puppet.hear(.accepted(ballot, through: Slot(2), beyond: []), from: 2)
    #expect(puppet.replica.chosenSlot == Slot(2))
    let duration = puppet.replica.settings.leaseDuration
    #expect(puppet.replica.holdsLease(at: begin.advanced(by: duration)))
    #expect(!puppet.replica.holdsLease(at: begin.advanced(by: duration + 100_000_000)))
  }

  /// cockroach#133764: a leader that raised its own ballot took its lease along, past another
  /// leader's.
  @Test(arguments: [false, true])
  func `that raised its ballot waits for the lease of a leader in between`(
    isBetween: Bool
  ) throws {
    var puppet = Puppet(1)
    let first = try puppet.lead()
    let between = Ballot(round: first.round + 1, replica: ReplicaID(3))
    puppet.hear(.reject(asked: first, promised: between), from: 3)
    for _ in 0..<3 where puppet.prepared == first {
      puppet.wait(milliseconds: 101)
      puppet.hear(.accepted(first, through: Slot(1), beyond: []), from: 2)
    }
    let raised = try #require(puppet.prepared)
    #expect(raised > between)
    // Replica 3 led in between and had an entry accepted by itself: it may have been chosen with 2.
    let foreign = Entry(
      slot: Slot(2), ballot: between, content: .newLeader(usesLease: true),
      leaderTime: BootTime(nanoseconds: 5))
    puppet.promise(raised, from: 3, chosen: 1, accepted: isBetween ? [foreign] : [])
    let last = Slot(isBetween ? 3 : 2)
    puppet.hear(.accepted(raised, through: last, beyond: []), from: 3)
    #expect(puppet.replica.chosenSlot == last)
    #expect(puppet.replica.holdsLease(at: puppet.now) == !isBetween)
  }

  /// What the hint covers is never asked for again: it must not run ahead of the medium.
  @Test func `calls chosen in its hard state only what is on the medium`() {
    var puppet = Puppet(3)
    let ballot = Ballot(round: 1, replica: ReplicaID(1))
    puppet.writesAtOnce = false
    let opening = Entry(
      slot: Slot(1), ballot: ballot, content: .newLeader(usesLease: false),
      leaderTime: BootTime(nanoseconds: 5))
    puppet.hear(.accept(ballot, entries: [opening], chosenSlot: .zero), from: 1)
    puppet.hear(.accept(ballot, entries: [], chosenSlot: Slot(1)), from: 1)
    #expect(puppet.replica.chosenSlot == Slot(1))
    // Another candidate makes it write its hard state, while the entry is still on its way.
    puppet.hear(.prepare(Ballot(round: 2, replica: ReplicaID(2)), from: Slot(1)), from: 2)
    let hints = puppet.writes.compactMap { $0.hardState?.chosenHint }
    #expect(!hints.isEmpty)
    #expect(hints.allSatisfy { $0 == .zero })
  }
}
