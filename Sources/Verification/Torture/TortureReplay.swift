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
  private let uncertain: [String: Set<Int>]

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

  /// What is to be looked at, in the order of the moments.
  private enum View {
    case attempt(Int)
    case observation(Int)
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
      doubt(write, attempt, before, commit.timestamp)
      // The removal of an absent key changes nothing.
      if after != nil || before.seen(at: attempt.moment) != nil {
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
    guard write.change.isBlind else {
      if !others.isEmpty { doubts[write.keyspace, write.key] = [] }
      return
    }
    for entry in [before] + others {
      if let entry = entry.seen(at: attempt.moment), entry.expiry != 0,
        entry.expiry <= attempt.latestMoment, !others.contains(nil)
      {
        others.append(nil)
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
      if entries == expected, !self.doubts.concern(name) { continue }
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
        // What is alive and was not found is gone for good; what has expired may come again, when
        // the next clock is behind.
        if let found { first?.timestamp = found.timestamp }
        settled[name]?[key] = found == nil && first.seen(at: recovered.moment) != nil ? nil : first
        doubts[name, key] = Array(candidates.dropFirst())
      }
    }
    return (settled, doubts)
  }

  private func describe(_ entry: TortureEntry?) -> String {
    guard let entry else { return "absent" }
    let writer = commits.first { $0.timestamp == entry.timestamp }
    let by = writer.map { " by \(history.attempts[$0.attempt].name)" } ?? ""
    let end = entry.expiry == 0 ? "" : ", expiring at \(entry.expiry)"
    return "of \(entry.timestamp)\(by), hash \(String(entry.hash, radix: 16))\(end)"
  }

  // MARK: Views

  /// Who looks, and by which moments.
  private struct Viewer {
    let name: String
    let snapshot: Timestamp
    let moment: UInt64
    /// What expires up to here may be gone, although the moment is an earlier one.
    var sweptUpTo: UInt64 = 0

    var description: String {
      "\(name) at \(snapshot)" + (moment == 0 ? "" : ", judging by \(moment),")
    }
  }

  private mutating func look(_ view: View) throws(TortureViolation) {
    viewCount += 1
    switch view {
    case .attempt(let index):
      let attempt = history.attempts[index]
      let viewer = Viewer(
        name: attempt.name, snapshot: attempt.snapshot ?? .zero, moment: attempt.moment)
      for sight in attempt.sights where !isUncertain(sight.keyspace, sight.key) {
        try check(sight, viewer)
      }
      for scan in attempt.scans where uncertain[scan.keyspace] == nil { try check(scan, viewer) }
    case .observation(let index):
      let observation = history.observations[index]
      let viewer = Viewer(
        name: "a view", snapshot: observation.snapshot, moment: observation.moment,
        sweptUpTo: observation.sweptUpTo)
      for sight in observation.sights { try check(sight, viewer) }
      for scan in observation.scans { try check(scan, viewer) }
    }
  }

  private func isUncertain(_ keyspace: String, _ key: Int) -> Bool {
    uncertain[keyspace]?.contains(key) ?? false
  }

  /// What a viewer may see of a key that the transaction itself did something to; the first is what
  /// it sees when nothing is in doubt.
  private func views(
    of key: Int, in keyspace: String, _ own: [TortureEffect], _ viewer: Viewer
  ) -> [TortureEntry?] {
    let entry = state[keyspace]?[key]
    var entries = [entry]
    let others = doubts[keyspace, key]
    if !others.isEmpty { entries += others }
    if let entry, entry.expiry != 0, entry.expiry <= viewer.sweptUpTo { entries.append(nil) }
    return entries.map {
      (own.isEmpty ? $0 : $0.after(own, at: viewer.snapshot, judgedBy: viewer.moment))
        .seen(at: viewer.moment)
    }
  }

  private func check(
    _ sight: TortureHistory.Sight, _ viewer: Viewer
  ) throws(TortureViolation) {
    let views = views(of: sight.key, in: sight.keyspace, sight.own, viewer)
    let fits = views.contains { entry in
      guard sight.hash == entry?.hash else { return false }
      guard let expiry = sight.expiry, let entry else { return true }
      return entry.expiry == expiry
    }
    if fits { return }
    throw TortureViolation(
      .wrongRead,
      "\(viewer.description) read key \(sight.key) of \(sight.keyspace) as "
        + "\(sight.hash.map { String($0, radix: 16) } ?? "absent")"
        + (sight.expiry.map { ", expiring at \($0)" } ?? "") + "; it was \(describe(views[0]))")
  }

  private func check(
    _ scan: TortureHistory.Scan, _ viewer: Viewer
  ) throws(TortureViolation) {
    let contents = state[scan.keyspace] ?? [:]
    var keys = contents.keys.filter { scan.bounds?.contains($0) ?? true }
    for key in scan.ownWrites.keys where contents[key] == nil {
      if scan.bounds?.contains(key) ?? true { keys.append(key) }
    }
    if doubts.concern(scan.keyspace) {
      for key in doubts.keys(in: scan.keyspace)
      where contents[key] == nil && scan.ownWrites[key] == nil {
        if scan.bounds?.contains(key) ?? true { keys.append(key) }
      }
    }
    keys.sort()
    if scan.isReverse { keys.reverse() }
    var rows = scan.rows[...]
    var count = 0
    for key in keys {
      if count == scan.limit { break }
      let own = scan.ownWrites[key] ?? []
      if own.isEmpty {
        // What is as it is expected takes no further thought.
        let expected = contents[key].seen(at: viewer.moment)
        if let row = rows.first, row.key == key {
          if expected?.hash == row.hash {
            rows.removeFirst()
            count += 1
            continue
          }
        } else if expected == nil {
          continue
        }
      }
      let views = views(of: key, in: scan.keyspace, own, viewer)
      if let row = rows.first, row.key == key {
        guard views.contains(where: { $0?.hash == row.hash }) else {
          throw wrong(scan, viewer, "key \(key), which was \(describe(views[0])), has another value")
        }
        rows.removeFirst()
        count += 1
      } else if !views.contains(nil) {
        throw wrong(scan, viewer, "key \(key) is missing, which was \(describe(views[0]))")
      }
    }
    if let row = rows.first { throw wrong(scan, viewer, "key \(row.key) has no place there") }
  }

  private func wrong(
    _ scan: TortureHistory.Scan, _ viewer: Viewer, _ what: String
  ) -> TortureViolation {
    let found = scan.rows.map { "\($0.key)" }.joined(separator: " ")
    return TortureViolation(
      .wrongRead,
      "\(viewer.description) scanned \(scan.bounds.map { "\($0)" } ?? "all") of \(scan.keyspace)"
        + "\(scan.isReverse ? " backwards" : ""), limit \(scan.limit), to "
        + "\(scan.rows.count) rows [\(found)]: \(what)")
  }
}
