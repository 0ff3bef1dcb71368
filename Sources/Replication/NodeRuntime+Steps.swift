internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

// Events go to replicas, and what they say is done.
extension NodeRuntime {
  /// Gives a replica an event and gathers what is to be done.
  func step(_ index: Int, _ event: Consensus.Event) {
    guard !members[index].isHalted else { return }
    members[index].isTouched = true
    carryOut(members[index].replica.step(event, now: now), index)
  }

  private func carryOut(_ actions: Actions, _ index: Int) {
    for envelope in actions.send { post(envelope, index) }
    if let write = actions.write {
      writes.append(
        GroupWrite(
          member: index, group: members[index].group, replica: members[index].id, write: write))
    }
    if !actions.deliver.isEmpty { members[index].deliveries += actions.deliver }
    for outcome in actions.outcomes { take(outcome, index) }
    for replica in actions.offerImageTo {
      carryOut(members[index].sender.wanted(by: replica, now: now), index)
    }
    if let slot = actions.truncateThrough {
      log.truncate(members[index].group, through: min(slot, members[index].durableSlot))
    }
    if actions.halt != nil { halt(index, "it is no member of its group any more") }
  }

  func halt(_ index: Int, _ reason: String) {
    members[index].isHalted = true
    members[index].isTouched = true
    report(
      .warning, "\(members[index].id) of group \(members[index].group.rawValue) stops: \(reason)")
    let group = members[index].group
    for id in pending.keys.sorted() where pending[id]?.request.group == group {
      fail(id, .refused(.notLeader(hint: nil), leader: nil))
    }
  }

  // MARK: The log

  /// Writes are durable: what waited for them goes out.
  func landed(_ flush: FlushedWrites) {
    unflushedCount -= flush.writes.count
    flushingSince = unflushedCount == 0 ? nil : now
    var newest: [(member: Int, token: WriteToken)] = []
    for write in flush.writes {
      for envelope in write.write.thenSend { post(envelope, write.member) }
      if let last = newest.last, last.member == write.member {
        newest[newest.count - 1].token = write.write.token
      } else {
        newest.append((write.member, write.write.token))
      }
    }
    for (member, token) in newest { step(member, .durable(token)) }
    if let overdue = flush.overdue, let index = indices[overdue] { checkpoint(index) }
  }

  // MARK: The end of a turn

  /// Sends and hands to the log what has gathered, applies what is chosen, and goes on until nothing
  /// more comes of it.
  func settle() {
    repeat {
      handOver()
      let parcels = localParcels
      localParcels = []
      for parcel in parcels { take(parcel) }
      for index in members.indices where !members[index].deliveries.isEmpty { apply(index) }
    } while failure == nil
      && !(writes.isEmpty && localParcels.isEmpty && outboxes.allSatisfy(\.isEmpty))
  }

  private func handOver() {
    if !writes.isEmpty {
      if flushingSince == nil { flushingSince = now }
      unflushedCount += writes.count
      log.write(writes)
      writes = []
    }
    for outbox in outboxes where !outbox.isEmpty {
      shared.transport.send(outbox.writer.finish(), to: outbox.node)
    }
  }

  private func apply(_ index: Int) {
    guard !members[index].isInstalling, !members[index].isHalted else { return }
    let entries = members[index].deliveries
    members[index].deliveries = []
    let (group, replica) = (members[index].group, members[index].id)
    let configuration = shared.configuration
    var compared: (Slot, StateHash)?
    do throws(NodeError) {
      try members[index].machine.apply(entries) { applied in
        if let result = applied.result {
          self.applied(RequestID(applied.origin), result)
        }
        configuration.onApplied?(group, replica, applied.entry, applied.hash)
        if applied.entry.slot.rawValue % configuration.hashInterval == 0 {
          compared = (applied.entry.slot, applied.hash)
          members[index].hashes.add(
            applied.entry.slot, applied.hash, interval: configuration.hashInterval)
        }
      }
    } catch .corrupt(let finding) {
      halt(index, "it cannot go on: \(finding)")
      return
    } catch {
      failure = error
      return
    }
    step(index, .applied(through: members[index].appliedSlot))
    if let (slot, hash) = compared { tellHash(index, slot, hash) }
    answerReads(index)
    if let slot = members[index].unsureThrough, members[index].appliedSlot.next >= slot {
      checkpoint(index)
    }
    if members[index].machine.store.dirtyByteCount > configuration.store.cacheByteCount / 2 {
      checkpoint(index)
    }
  }

  /// Once the durable state has got past the slots that damage made unsure, the promises need not
  /// tell of them any more.
  func noteHealing(_ index: Int) {
    guard let slot = members[index].unsureThrough, members[index].durableSlot.next >= slot else {
      return
    }
    members[index].unsureThrough = nil
    log.heal(members[index].group)
  }

  // MARK: Comparing states

  /// A leader tells the others what its state came to.
  private func tellHash(_ index: Int, _ slot: Slot, _ hash: StateHash) {
    guard case .leader = members[index].replica.role else { return }
    let member = members[index]
    let configuration = member.replica.configuration
    for other in configuration.voters + configuration.learners where other != member.id {
      post(
        Parcel(
          group: member.group, from: member.id, to: other, content: .stateHash(slot, hash)),
        index)
    }
  }

  func compare(_ index: Int, _ slot: Slot, _ hash: StateHash) {
    let known = members[index].hashes[slot, shared.configuration.hashInterval]
    guard let known, known != hash else { return }
    report(.failure, "states of group \(members[index].group.rawValue) differ at \(slot)")
    failure = .diverged(members[index].group, slot)
  }
}
