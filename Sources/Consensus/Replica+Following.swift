internal import Primitives

/// Phase 2 as an acceptor, and learning what is chosen.
extension Replica {
  /// How far ahead of what it knows to be chosen a replica stores entries: gaps stay within a
  /// few windows, so that the log is a ring, and one further behind fetches first.
  package static var storedAhead: Int { 4096 }

  mutating func accept(
    _ entries: [Entry], in ballot: Ballot, chosenSlot: Slot, from leader: ReplicaID,
    now: BootTime, _ output: inout Output
  ) {
    guard heed(ballot, from: leader, now: now, &output) else { return }
    if ballot > acceptor.promised, !acceptor.isAmnesiac { output.writesHardState = true }
    store(entries, of: ballot, &output)
    learner.hear(ballot: ballot, through: chosenSlot)
    followChosen()
    catchUp.source = leader
    guard !acceptor.isAmnesiac else { return }
    let extent = acceptor.extent(of: ballot, behind: max(chosenSlot, learner.chosen))
    output.afterWrite.append(
      envelope(to: leader, .accepted(ballot, through: extent.through, beyond: extent.beyond)))
  }

  /// Accepts those that are new here and within reach.
  private mutating func store(_ entries: [Entry], of ballot: Ballot, _ output: inout Output) {
    let limit = learner.chosen.advanced(by: Self.storedAhead)
    // Usually it is all of them, and the write shares the message's array.
    var some: [Entry]?
    for (index, entry) in entries.enumerated() {
      if isNew(entry, of: ballot, through: limit) {
        acceptor.accept(entry)
        some?.append(entry)
      } else if some == nil {
        some = Array(entries[..<index])
      }
    }
    precondition(output.entries.isEmpty, "two sources of entries in one step")
    output.entries = some ?? entries
  }

  private func isNew(_ entry: Entry, of ballot: Ballot, through limit: Slot) -> Bool {
    guard entry.ballot == ballot, entry.slot > learner.chosen, entry.slot <= limit else {
      return false
    }
    guard let held = acceptor.log[entry.slot], held.ballot == ballot else { return true }
    precondition(held == entry, "EN1: one ballot proposed two entries for \(entry.slot)")
    return false
  }

  /// Takes for chosen what the leader calls chosen and what is here in its own ballot (`Learner`).
  mutating func followChosen() {
    let ballot = learner.noticeBallot
    while learner.chosen < learner.noticeThrough,
      let entry = acceptor.log[learner.chosen.next], entry.ballot == ballot
    {
      learner.choose(entry)
    }
  }

  mutating func hear(
    _ notice: ChosenNotice, from leader: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    guard heed(notice.ballot, from: leader, now: now, &output) else { return }
    learner.hear(ballot: notice.ballot, through: notice.through)
    followChosen()
    catchUp.source = leader
    keepFrom = max(keepFrom, notice.keepFrom)
    considerTruncation(&output)
    // Its answer would say that it promised nothing higher, which an amnesiac cannot know.
    guard !acceptor.isAmnesiac else { return }
    output.actions.send.append(
      envelope(
        to: leader,
        .acknowledge(
          Acknowledgement(
            ballot: notice.ballot, readRound: notice.readRound, chosenSlot: learner.chosen,
            durablyChosen: durablyChosen, echo: notice.sentAt, clock: now))))
  }
}
