internal import Primitives

/// Plays the commits of one life again, in the order of their moments, and holds every view
/// against the contents at its own moment (O3, O4), and the recovered contents against those of
/// the prefix that survived.
///
/// What expires stays in the contents: whether a view sees it is decided by the moment that the view
/// judges by. When the sweeper took it nobody is told, and nobody who may look can tell, but in two
/// cases, which are doubts here: a merge that judges by a moment before the expiry is applied after
/// it, to what is left; and a restart believes a clock that was set back.
struct TortureReplay {
  let history: TortureHistory
  let commits: [TortureCommit]
  private(set) var state: TortureState
  private(set) var viewCount = 0
  /// What else a key may hold, of keys of which that is not certain.
  private(set) var doubts: TortureDoubts
  /// When each key was last changed, removals included.
  private var lastChanges: [String: [Int: Timestamp]] = [:]

  /// Keys that commits of unknown moment wrote: a read-write transaction may have seen those
  /// published and not yet acknowledged, so its sights of these keys prove nothing.
  let uncertain: [String: Set<Int>]

  init(
    history: TortureHistory, commits: [TortureCommit], state: TortureState, doubts: TortureDoubts
  ) {
    self.history = history
    self.commits = commits
    self.state = state
    self.doubts = doubts
    let known = Set(commits.map(\.attempt))
    var uncertain: [String: Set<Int>] = [:]
    for (index, attempt) in history.attempts.enumerated()
    where attempt.outcome == .unknown && !known.contains(index) {
      for write in attempt.writes { uncertain[write.keyspace, default: []].insert(write.key) }
    }
    self.uncertain = uncertain
  }

  /// Plays everything; returns the contents that the recovered ones were held against, which are
  /// the next life's first.
  mutating func run(
    settlingAt prefix: Int, _ recovered: TortureRecovery
  ) throws(TortureViolation) -> (state: TortureState, doubts: TortureDoubts) {
    var views: [(moment: Timestamp, view: View)] = []
    for (index, attempt) in history.attempts.enumerated() {
      if let snapshot = attempt.snapshot { views.append((snapshot, .attempt(index))) }
    }
    for (index, observation) in history.observations.enumerated() {
      views.append((observation.snapshot, .observation(index)))
    }
    views.sort { $0.moment < $1.moment }
    var next = 0
    var settled: (TortureState, TortureDoubts)?
    if prefix == 0 { settled = try settle(recovered) }
    for (index, commit) in commits.enumerated() {
      while next < views.count, views[next].moment < commit.timestamp {
        try look(views[next].view)
        next += 1
      }
      try apply(commit)
      if index + 1 == prefix { settled = try settle(recovered) }
    }
    while next < views.count {
      try look(views[next].view)
      next += 1
    }
    viewCount = views.count
    guard let settled else { preconditionFailure("the prefix is one of the commits") }
    return settled
  }

  // MARK: Commits

  private mutating func apply(_ commit: TortureCommit) throws(TortureViolation) {
    let attempt = history.attempts[commit.attempt]
    for write in attempt.writes {
      let before = state[write.keyspace]?[write.key]
      let after = before.after(
        write.change.effects, at: commit.timestamp, judgedBy: attempt.moment)
      // The removal of an absent key changes nothing.
      let isDoubtful = !doubts[write.keyspace, write.key].isEmpty
      doubt(write, attempt, before, commit.timestamp)
      if after != nil || before.seen(at: attempt.moment) != nil && !isDoubtful {
        let change = lastChanges[write.keyspace]?[write.key]
        if let change, !write.change.isBlind, let snapshot = attempt.snapshot, change > snapshot {
          throw TortureViolation(
            .lostUpdate,
            "\(attempt.name), with a snapshot at \(snapshot), was committed at \(commit.timestamp) "
              + "over key \(write.key) of \(write.keyspace), which was changed at \(change)")
        }
        lastChanges[write.keyspace, default: [:]][write.key] = commit.timestamp
      }
      state[write.keyspace, default: [:]][write.key] = after
    }
  }

  /// What a commit leaves in doubt: a blind merge meets what expired since its begin, or nothing,
  /// where the sweeper was first.
  private mutating func doubt(
    _ write: TortureHistory.Write, _ attempt: TortureHistory.Attempt, _ before: TortureEntry?,
    _ timestamp: Timestamp
  ) {
    var others = doubts[write.keyspace, write.key]
    if write.change.isIndependent {
      if !others.isEmpty { doubts[write.keyspace, write.key] = [] }
      return
    }
    if write.change.isBlind {
      for entry in [before] + others {
        if let entry = entry.seen(at: attempt.moment), entry.expiry != 0,
          entry.expiry <= attempt.latestMoment, !others.contains(nil)
        {
          others.append(nil)
        }
      }
    }
    if others.isEmpty { return }
    doubts[write.keyspace, write.key] = others.map {
      $0.after(write.change.effects, at: timestamp, judgedBy: attempt.moment)
    }
  }

  // MARK: The restart

  /// Holds the recovered contents against the state now; returns it without keyspaces that were
  /// dropped.
  private func settle(
    _ recovered: TortureRecovery
  ) throws(TortureViolation) -> (TortureState, TortureDoubts) {
    // What is empty or dropped has no entries to carry over; keyspaces are what is there.
    var settled = TortureState()
    var doubts = TortureDoubts()
    for (name, entries) in recovered.state {
      let expected = state[name] ?? [:]
      settled[name] = expected
      if entries == expected, !self.doubts.concern(name),
        expected.values.allSatisfy({ $0.isAlive(at: recovered.moment) })
      {
        continue
      }
      for key in Set(entries.keys).union(expected.keys).sorted() {
        let found = entries[key]
        let candidates = ([expected[key]] + self.doubts[name, key]).filter { entry in
          let seen = entry.seen(at: recovered.moment)
          if seen == found { return true }
          if let seen, let found, seen.timestamp == .zero {
            // Built, and the moment is told now.
            return seen.hash == found.hash && seen.expiry == found.expiry
          }
          // Swept.
          return found == nil && entry?.isAlive(at: recovered.sweptUpTo) == false
        }
        guard var first = candidates.first else {
          throw TortureViolation(
            .wrongContent,
            "key \(key) of \(name) is \(describe(found)) and should be "
              + "\(describe(expected[key])); what expired by \(recovered.moment) is absent, by "
              + "\(recovered.sweptUpTo) it may be")
        }
        if let found { first?.timestamp = found.timestamp }
        var others = Array(candidates.dropFirst())
        if found == nil, let entry = first {
          // What is alive and was not found is gone for good; what has expired was swept, or comes
          // again when a clock is behind.
          if entry.isAlive(at: recovered.moment) { first = nil } else { others.append(nil) }
        }
        settled[name]?[key] = first
        doubts[name, key] = others
      }
    }
    return (settled, doubts)
  }

  func describe(_ entry: TortureEntry?) -> String {
    guard let entry else { return "absent" }
    let writer = commits.first { $0.timestamp == entry.timestamp }
    let by = writer.map { " by \(history.attempts[$0.attempt].name)" } ?? ""
    let end = entry.expiry == 0 ? "" : ", expiring at \(entry.expiry)"
    return "of \(entry.timestamp)\(by), hash \(String(entry.hash, radix: 16))\(end)"
  }
}
