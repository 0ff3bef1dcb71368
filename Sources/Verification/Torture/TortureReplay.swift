internal import Primitives

/// Plays the commits of one life again, in the order of their moments, and holds every view
/// against the contents at its own moment (O3, O4), and the recovered contents against those of
/// the prefix that survived.
struct TortureReplay {
  let history: TortureHistory
  let commits: [TortureCommit]
  private(set) var state: TortureState
  private(set) var viewCount = 0
  /// When each key was last changed, removals included.
  private var lastChanges: [String: [Int: Timestamp]] = [:]

  /// Keys that commits of unknown moment wrote: a read-write transaction may have seen those
  /// published and not yet acknowledged, so its sights of these keys prove nothing.
  private let uncertain: [String: Set<Int>]

  init(history: TortureHistory, commits: [TortureCommit], state: TortureState) {
    self.history = history
    self.commits = commits
    self.state = state
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
    settlingAt prefix: Int, _ recovered: TortureState
  ) throws(TortureViolation) -> TortureState {
    var views: [(moment: Timestamp, view: View)] = []
    for (index, attempt) in history.attempts.enumerated() {
      if let snapshot = attempt.snapshot { views.append((snapshot, .attempt(index))) }
    }
    for (index, observation) in history.observations.enumerated() {
      views.append((observation.snapshot, .observation(index)))
    }
    views.sort { $0.moment < $1.moment }
    var next = 0
    var settled: TortureState?
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

  private mutating func apply(_ commit: TortureCommit) throws(TortureViolation) {
    let attempt = history.attempts[commit.attempt]
    for write in attempt.writes {
      // The removal of an absent key changes nothing.
      if write.hash == nil, state[write.keyspace]?[write.key] == nil { continue }
      let change = lastChanges[write.keyspace]?[write.key]
      if let change, let snapshot = attempt.snapshot, change > snapshot {
        throw TortureViolation(
          .lostUpdate,
          "\(attempt.name), with a snapshot at \(snapshot), was committed at \(commit.timestamp) "
            + "over key \(write.key) of \(write.keyspace), which was changed at \(change)")
      }
      lastChanges[write.keyspace, default: [:]][write.key] = commit.timestamp
      state[write.keyspace, default: [:]][write.key] = write.hash.map {
        TortureEntry(hash: $0, timestamp: commit.timestamp)
      }
    }
  }

  /// Holds the recovered contents against the state now; returns it without keyspaces that were
  /// dropped.
  private func settle(_ recovered: TortureState) throws(TortureViolation) -> TortureState {
    for (name, entries) in recovered {
      let expected = state[name] ?? [:]
      if entries == expected { continue }
      let keys = Set(entries.keys).union(expected.keys).sorted()
      guard let key = keys.first(where: { entries[$0] != expected[$0] }) else { continue }
      throw TortureViolation(
        .wrongContent,
        "key \(key) of \(name) is \(describe(entries[key])) and should be "
          + "\(describe(expected[key]))")
    }
    // What is empty or dropped has no entries to carry over; keyspaces are what is there.
    var settled = TortureState()
    for name in recovered.keys { settled[name] = state[name] ?? [:] }
    return settled
  }

  private func describe(_ entry: TortureEntry?) -> String {
    guard let entry else { return "absent" }
    let writer = commits.first { $0.timestamp == entry.timestamp }
    let by = writer.map { " by \(history.attempts[$0.attempt].name)" } ?? ""
    return "of \(entry.timestamp)\(by), hash \(String(entry.hash, radix: 16))"
  }

  // MARK: Views

  private mutating func look(_ view: View) throws(TortureViolation) {
    viewCount += 1
    switch view {
    case .attempt(let index):
      let attempt = history.attempts[index]
      for sight in attempt.sights where !isUncertain(sight.keyspace, sight.key) {
        try check(sight, attempt.name, attempt.snapshot)
      }
      for scan in attempt.scans where uncertain[scan.keyspace] == nil {
        try check(scan, attempt.name, attempt.snapshot)
      }
    case .observation(let index):
      let observation = history.observations[index]
      for sight in observation.sights { try check(sight, "a view", observation.snapshot) }
      for scan in observation.scans { try check(scan, "a view", observation.snapshot) }
    }
  }

  private func isUncertain(_ keyspace: String, _ key: Int) -> Bool {
    uncertain[keyspace]?.contains(key) ?? false
  }

  private func check(
    _ sight: TortureHistory.Sight, _ who: String, _ moment: Timestamp?
  ) throws(TortureViolation) {
    let expected = state[sight.keyspace]?[sight.key]
    guard sight.hash != expected?.hash else { return }
    throw TortureViolation(
      .wrongRead,
      "\(who) at \(moment ?? .zero) read key \(sight.key) of \(sight.keyspace) as "
        + "\(sight.hash.map { String($0, radix: 16) } ?? "absent"); it was \(describe(expected))")
  }

  private func check(
    _ scan: TortureHistory.Scan, _ who: String, _ moment: Timestamp?
  ) throws(TortureViolation) {
    var contents = (state[scan.keyspace] ?? [:]).mapValues(\.hash)
    for (key, hash) in scan.ownWrites {
      if let hash { contents[key] = hash } else { contents[key] = nil }
    }
    var keys = contents.keys.filter { scan.bounds?.contains($0) ?? true }.sorted()
    if scan.isReverse { keys.reverse() }
    let expected = keys.prefix(scan.limit)
    if expected.elementsEqual(scan.rows, by: { $0 == $1.key && contents[$0] == $1.hash }) {
      return
    }
    let found = scan.rows.map { "\($0.key)" }.joined(separator: " ")
    throw TortureViolation(
      .wrongRead,
      "\(who) at \(moment ?? .zero) scanned \(scan.bounds.map { "\($0)" } ?? "all") of \(scan.keyspace)"
        + "\(scan.isReverse ? " backwards" : ""), limit \(scan.limit): "
        + "\(scan.rows.count) rows [\(found)] instead of \(expected.count), or with other values")
  }
}
