internal import Primitives

/// Catching up, by log and then by image, and cutting the log (rules S1, S2).
extension Replica {
  /// How far something is known to be chosen that is not known here.
  private var lackedThrough: Slot {
    let known = max(learner.noticeThrough, catchUp.known)
    return known > learner.chosen ? known : .zero
  }

  /// Asks for what is lacking: at once when nobody is going to send it, and a little later when it
  /// may just have been overtaken; again after a tick.
  mutating func considerFetch(now: BootTime, _ output: inout Output) {
    let known = lackedThrough
    guard known > .zero, !proposer.isProposing, let source = suspicion.leader ?? catchUp.source,
      source != id
    else {
      catchUp.stuckSince = nil
      catchUp.askedAt = nil
      return
    }
    if catchUp.stuckSince == nil || catchUp.stuckAt != learner.chosen {
      catchUp.stuckSince = now
      catchUp.stuckAt = learner.chosen
    }
    if let askedAt = catchUp.askedAt {
      guard now.elapsed(since: askedAt) >= settings.tick else { return }
    } else if let stuckSince = catchUp.stuckSince, mayStillArrive {
      guard now.elapsed(since: stuckSince) >= settings.noticeDelay else { return }
    }
    catchUp.askedAt = now
    // A candidate asks the one who said so.
    let asked = proposer.stage == .preparing ? catchUp.source ?? source : source
    output.actions.send.append(
      envelope(to: asked, .fetch(learner.chosen.next..<known.next)))
  }

  /// Whether the leader is likely to be sending what is lacking: it is near, and what is here is
  /// not of an older ballot, which the leader found chosen already.
  private var mayStillArrive: Bool {
    guard proposer.stage == .idle,
      learner.noticeThrough.distance(from: learner.chosen) <= settings.windowSlotCount
    else { return false }
    return acceptor.log[learner.chosen.next] == nil
  }

  /// When `considerFetch` has something to do.
  var fetchDeadline: BootTime? {
    guard lackedThrough > .zero, !proposer.isProposing else { return nil }
    if let askedAt = catchUp.askedAt { return askedAt.advanced(by: settings.tick) }
    return catchUp.stuckSince?.advanced(by: settings.noticeDelay)
  }

  /// Nobody leads, as far as it hears, and it may not: it asks every member for more of the log.
  mutating func askAround(_ output: inout Output) {
    let from = learner.chosen.next
    let former = learner.configurations.map(\.configuration)
    let members = Set(former.flatMap { $0.voters + $0.learners })
    for member in members.sorted() where member != id {
      output.actions.send.append(
        envelope(
          to: member, .fetch(from..<from.advanced(by: settings.windowSlotCount))))
    }
  }

  /// Serves chosen entries; when the log no longer has them, an image is to be offered.
  mutating func fetch(
    _ slots: Range<Slot>, asking replica: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    if let index = proposer.index(of: replica) {
      proposer.others[index].acknowledge(
        chosen: Slot(max(slots.lowerBound.rawValue, 1) - 1))
    }
    var entries: [Entry] = []
    if slots.lowerBound >= acceptor.log.start {
      var byteCount = 0
      var slot = slots.lowerBound
      while slot < slots.upperBound, slot <= learner.chosen, let entry = acceptor.log[slot],
        entries.isEmpty || byteCount + entry.byteCount <= settings.messageByteCount
      {
        entries.append(entry)
        byteCount += entry.byteCount + EntryLog.entryOverhead
        slot = slot.next
      }
    } else {
      offerImage(to: replica, now: now, &output)
    }
    output.actions.send.append(
      envelope(
        to: replica,
        .fetched(entries, chosenSlot: learner.chosen, logStart: acceptor.log.start)))
  }

  /// At most once in the time after which a silent leader is suspected: the driver may be at it.
  private mutating func offerImage(to replica: ReplicaID, now: BootTime, _ output: inout Output) {
    if let index = offers.firstIndex(where: { $0.replica == replica }) {
      guard now.elapsed(since: offers[index].at) >= settings.suspicion else { return }
      offers[index].at = now
    } else {
      offers.append(Offer(replica: replica, at: now))
    }
    output.actions.offerImageTo.append(replica)
  }

  mutating func fetched(
    _ entries: [Entry], chosenSlot: Slot, logStart: Slot, by replica: ReplicaID, now: BootTime,
    _ output: inout Output
  ) {
    if chosenSlot > catchUp.known {
      catchUp.known = chosenSlot
      catchUp.source = replica
    }
    // A leader knows everything that is chosen in its ballot or before.
    guard !proposer.isProposing else { return }
    let former = learner.chosen
    for entry in entries where entry.slot == learner.chosen.next {
      if acceptor.learn(entry) { output.entries.append(entry) }
      guard let held = acceptor.log[entry.slot] else {
        preconditionFailure("what was learned is not in the log")
      }
      learner.choose(held)
    }
    followChosen()
    if learner.chosen > former {
      catchUp.askedAt = nil
      catchUp.stuckSince = nil
      recover(now: now, &output)
    } else if logStart > learner.chosen.next, proposer.stage == .preparing {
      // What it lacks is in images only: somebody else has to lead (election rule 3).
      stepDown(now: now, &output)
    }
  }

  /// An image is durable here: of what was applied, or one that was received and installed.
  mutating func imageDurable(_ base: LogBase, now: BootTime, _ output: inout Output) {
    if learner.image(base) {
      stepDown(now: now, &output)
      acceptor.log.cut(through: base.slot)
      output.actions.truncateThrough = base.slot
      catchUp.askedAt = nil
      catchUp.stuckSince = nil
      followChosen()
    } else {
      considerTruncation(&output)
    }
  }

  /// Cuts off what an image holds and no member will ask for, and more when that would be too much
  /// to keep (rule S2).
  mutating func considerTruncation(_ output: inout Output) {
    let limit = min(learner.imageSlot, learner.chosen, learner.delivered)
    let start = acceptor.log.start
    while acceptor.log.start <= limit,
      acceptor.log.start < keepFrom || acceptor.log.byteCount > settings.retainedByteCount
    {
      acceptor.log.removeFirst()
    }
    guard acceptor.log.start > start else { return }
    let through = acceptor.log.start.advanced(by: -1)
    learner.forgetConfigurations(through: through)
    output.actions.truncateThrough = through
  }

  /// The first slot that a member may still fetch, as the leader knows.
  func wantedFrom(now: BootTime) -> Slot {
    var first = learner.chosen.next
    for other in proposer.others
    where now.elapsed(since: other.heardAt) < settings.retention && other.chosen.next < first {
      first = other.chosen.next
    }
    return first
  }
}
