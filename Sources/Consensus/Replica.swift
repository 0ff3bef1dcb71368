package import Primitives

/// One member of a Paxos group: acceptor, learner and, when it leads, proposer of a replicated
/// log. Pure: everything that happens is an `Event`, everything that is to be done an `Action`.
///
/// The group agrees on one content for each slot and applies them in order. A leader, the owner of a
/// ballot that a quorum promised (phase 1), proposes contents (phase 2); one is chosen when a quorum has
/// it durably in one ballot. Any two quorums share a replica, so a later leader meets whatever may
/// have been chosen and proposes it again: nothing chosen is ever lost or replaced.
///
/// The naive leader answers as soon as it leads, reads what it has, and takes its clock for the
/// others'. Each of these has lost data or shown old data in some system: what this replica does
/// about them stands at the type that does it.
///
/// - `Acceptor`: what was promised and accepted. `WriteLedger`: what of it is durable already.
/// - `Learner`: what is chosen, and which configuration governs the next slot.
/// - `Suspicion`: whether the leader is gone. `Recovery`: phase 1. `Proposer`: the own ballot.
/// - `Progress`: each other member, in the eyes of the leader. `Lease`, `ReadRounds`: reads.
///
/// - Invariant RP1: nothing that claims durability leaves before its write is durable (rule G3): it
///   stands in `Write.thenSend`, or no write is under way.
/// - Invariant RP2: a leader shows nothing, neither a write's outcome nor a read, before the entry that
///   opens its ballot is chosen and applied (election rule 5), nor while a lease of a leader before
///   it may live (rule L2).
/// - Invariant RP3: after a halt it does nothing.
///
/// Source: Lamport, The Part-Time Parliament, TOCS 1998; Chandra, Griesemer and Redstone, Paxos Made
/// Live, PODC 2007; leases after LeaseGuard (Davis and others, 2025); recovery of damaged logs after
/// Alagappan and others, Protocol-Aware Recovery, FAST 2018.
package struct Replica: Hashable, Sendable {
  package let id: ReplicaID
  package let group: GroupID
  package let settings: Settings
  var acceptor: Acceptor
  var learner: Learner
  var proposer = Proposer()
  var suspicion: Suspicion
  var catchUp = CatchUp()
  var relay = ReadRelay()
  var ledger: WriteLedger
  var chance: Chance
  /// The hint that the last hard state carried.
  var writtenHint: Slot
  /// Log from here on may still be wanted by a member, as the leader says.
  var keepFrom: Slot = .zero
  var isStoreGood = true
  /// A transfer whose leader stepped aside, and who waits for the news.
  var handOver: HandOver?
  /// To whom an image was offered, and when.
  var offers: [Offer] = []
  private(set) var isHalted = false
  private(set) var lastStep: BootTime

  struct HandOver: Hashable, Sendable {
    let request: RequestID
    let target: ReplicaID
    let deadline: BootTime
  }

  struct Offer: Hashable, Sendable {
    let replica: ReplicaID
    var at: BootTime
  }

  /// - Parameter seed: for what is left to chance, the length of a wait before an election; another
  ///   for each restart.
  package init(
    id: ReplicaID, group: GroupID, settings: Settings, recovered: RecoveredState, seed: UInt64,
    now: BootTime
  ) {
    self.id = id
    self.group = group
    self.settings = settings
    chance = Chance(seed: seed)
    acceptor = Acceptor(recovered)
    learner = Learner(base: recovered.base, applied: recovered.appliedSlot)
    ledger = WriteLedger(durableHint: recovered.hardState?.chosenHint ?? .zero)
    writtenHint = recovered.hardState?.chosenHint ?? .zero
    suspicion = Suspicion(patience: chance.duration(atLeast: settings.suspicion), now: now)
    suspicion.meet(acceptor.promised)
    lastStep = now
    trustHint(recovered.hardState?.chosenHint ?? .zero)
  }

  /// What the log holds through the hint is what was chosen there. The hint was taken from
  /// `hint(before:)`: when it was written, the entries through it were on the medium, and
  /// they were the chosen ones (`Learner`). Whatever replaced one of them since was accepted in a
  /// higher ballot than a chosen one's, hence of the same content. And an entry that came back older
  /// than what was written, because a later batch is damaged, lies in `unknown`: `Acceptor` holds none
  /// of those, so the prefix ends before them.
  private mutating func trustHint(_ hint: Slot) {
    while learner.chosen < hint, let entry = acceptor.log[learner.chosen.next] {
      learner.choose(entry)
    }
    acceptor.resolve(through: learner.chosen)
  }

  /// Takes one event and says what is to be done. `now` never goes back.
  package mutating func step(_ event: Event, now: BootTime) -> Actions {
    precondition(now >= lastStep, "the boot clock went back")
    lastStep = now
    guard !isHalted else { return Actions() }
    var output = Output()
    switch event {
    case .message(let envelope): receive(envelope, now: now, &output)
    case .tick: break
    case .durable(let token): finishWrites(token, now: now, &output)
    case .applied(let slot): learner.apply(through: slot)
    case .propose(let proposals): propose(proposals, now: now, &output)
    case .read(let request): read(request, now: now, &output)
    case .changeConfiguration(let request, let configuration, let isForced):
      change(to: configuration, isForced: isForced, request, now: now, &output)
    case .transferLeadership(let request, let target):
      transfer(to: target, request, now: now, &output)
    case .imageDurable(let base): imageDurable(base, now: now, &output)
    case .storeHealth(let health): storeHealth(health, now: now, &output)
    }
    passTime(now: now, &output)
    advance(now: now, &output)
    return finish(output)
  }

  /// What follows from everything else, whatever happened.
  private mutating func advance(now: BootTime, _ output: inout Output) {
    serveRelayed(&output)
    serve(now: now, &output)
    flush(now: now, &output)
    acceptor.resolve(through: learner.chosen)
    while let entry = learner.deliver(from: acceptor.log) { output.actions.deliver.append(entry) }
    checkInvariants()
  }

  /// Makes one write of what has to be durable.
  private mutating func finish(_ output: Output) -> Actions {
    var output = output
    if output.actions.halt != nil { isHalted = true }
    if isHintWanted(output) { output.writesHardState = true }
    guard
      output.writesHardState || !output.entries.isEmpty
        || !(output.afterWrite.isEmpty || ledger.isEmpty)
    else {
      output.actions.send += output.afterWrite
      return output.actions
    }
    var hardState: HardState?
    if output.writesHardState {
      precondition(!acceptor.isAmnesiac, "an amnesiac replica has no hard state to write")
      writtenHint = max(writtenHint, hint(before: output))
      hardState = HardState(promised: acceptor.promised, chosenHint: writtenHint)
    }
    let token = ledger.begin(output, ballot: proposer.ballot, hint: hardState?.chosenHint)
    output.actions.write = Write(
      token: token, hardState: hardState, entries: output.entries, thenSend: output.afterWrite)
    return output.actions
  }

  /// What may be called chosen in a hard state that is written now: the entries are on the medium.
  private func hint(before output: Output) -> Slot {
    let settled = ledger.settled(through: learner.chosen)
    return output.entries.first.map { min(settled, $0.slot.advanced(by: -1)) } ?? settled
  }

  /// A configuration that is chosen is remembered as such at once, since those who could tell are sent
  /// away when a quorum remembers it (rule M3); the rest seldom.
  private func isHintWanted(_ output: Output) -> Bool {
    guard !acceptor.isAmnesiac else { return false }
    let governing = learner.governing.slot
    if governing > max(writtenHint, learner.imageSlot), hint(before: output) >= governing {
      return true
    }
    guard !output.entries.isEmpty else { return false }
    return learner.chosen.distance(from: writtenHint) >= Self.hintSpacing
      && hint(before: output).distance(from: writtenHint) >= Self.hintSpacing / 2
  }

  /// How much of what it knows to be chosen it will know after a crash.
  var durablyChosen: Slot { min(max(ledger.durableHint, learner.imageSlot), learner.chosen) }

  /// How many slots the hint of the hard state may lag behind, so that it is seldom written: after a
  /// loss of power everywhere a leader proposes so many again, at most.
  private static var hintSpacing: Int { 4096 }

  /// When a tick is due, if nothing happens before.
  package var nextDeadline: BootTime? { isHalted ? nil : earliestDeadline }

  /// Whether it leads and may serve; and whom it follows.
  package var role: Role {
    if isServing { return .leader(proposer.ballot) }
    if acceptor.isAmnesiac { return .amnesiac }
    switch proposer.stage {
    case .idle, .leaving: return .follower(leader: suspicion.leader)
    case .preparing, .finishing, .leading: return .candidate(proposer.ballot)
    }
  }

  package enum Role: Hashable, Sendable {
    case leader(Ballot)
    case candidate(Ballot)
    case follower(leader: ReplicaID?)
    /// Damage took its promises: it learns and never votes.
    case amnesiac
  }

  /// Everything up to here is known to be chosen, and has been handed out to be applied.
  package var chosenSlot: Slot { learner.chosen }

  /// The newest configuration known to be chosen, and where it was.
  package var configuration: Configuration { learner.configuration }
  package var configurationSlot: Slot { learner.governing.slot }

  /// Whether it reads without asking anybody, at this moment: at most one replica of a group does.
  package func holdsLease(at now: BootTime) -> Bool { !isHalted && canReadByLease(now: now) }

  /// When the lease of a leader ends by its own clock, if it is not renewed before.
  package var leaseExpiry: BootTime? { proposer.isLeading ? proposer.lease.expiry : nil }

  func envelope(to replica: ReplicaID, _ message: Message) -> Envelope {
    Envelope(from: id, to: replica, message: message)
  }
}
