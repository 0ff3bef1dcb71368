package import Primitives

/// Holds what a restarted database shows against the history of the life before, and carries the
/// settled contents from one life to the next. Pure.
///
/// The naive oracle keeps one model and applies each acknowledged transaction to it. With several
/// sessions nobody knows the order until the timestamps come back, and those of a crash's last
/// transactions never do. So the order is rebuilt afterwards: acknowledgements tell most
/// timestamps, the ledger rows of recovered and observed states tell the rest.
///
/// - Invariant O1: every acknowledged durable commit, and everything that an answered durable read
///   showed, is in the recovered state.
/// - Invariant O2: what is in the recovered state is a prefix of the commits in timestamp order:
///   no hole, nothing that was rolled back, no part of a transaction.
/// - Invariant O3: every view, at every timestamp at which one was taken, shows exactly the commits
///   up to that timestamp.
/// - Invariant O4: of two transactions that wrote the same key, the later one began after the
///   earlier one (first updater wins: no lost update).
/// - Invariant O5: timestamps never repeat and never fall, over all lives, those of lost commits
///   included; and follow real time: what began after an acknowledgement is later.
/// - Invariant O6: a bulk build is in the recovered state with all its records or with none, with
///   all of them if it returned, and then so is every commit that was acknowledged before it began.
/// - Invariant O7: what expires is there for whoever judges by an earlier moment, and absent to all
///   others. Nothing is removed before it has expired by a clock that the database may have read.
/// - Invariant O8: a merge counts once, on the value that was the newest when it was committed; and a
///   transaction that reads nothing and only merges loses against nobody (asked when it is answered).
package struct TortureOracle: Sendable {
  /// The contents that the last restart settled.
  package private(set) var state: TortureState = [:]
  private var doubts = TortureDoubts()
  /// The newest moment ever seen.
  package private(set) var newest = Timestamp.zero
  /// The newest attempt of each session that is in the contents.
  package private(set) var settled: [Int: Int] = [:]
  /// Commits that were checked.
  package private(set) var commitCount = 0
  /// Relaxed commits that crashes took, as they may.
  package private(set) var lostRelaxedCount = 0
  /// Views that were checked.
  package private(set) var viewCount = 0

  package init() {}

  /// A commit whose moment is known.
  private struct Known {
    let timestamp: Timestamp
    let attempt: Int
  }

  /// Checks one life against what the restart after it shows, and settles it.
  package mutating func settle(
    _ history: TortureHistory, _ recovery: TortureRecovery
  ) throws(TortureViolation) {
    let recovered = recovery.state
    let rows = recovered[TortureHistory.ledger] ?? [:]
    let included = try positions(rows, history)
    let commits = try order(history, included, rows)
    let prefix = try requirePrefix(history, commits, included)
    try requireKeyspaces(history, recovered, included)
    begin(with: history.catalogChanges, recovered)
    var replay = TortureReplay(
      history: history, commits: commits, state: state, doubts: doubts)
    (state, doubts) = try replay.run(settlingAt: prefix, recovery)
    viewCount += replay.viewCount
    commitCount += prefix
    lostRelaxedCount += commits.count - prefix
    settled = included
    if let last = commits.last { newest = max(newest, last.timestamp) }
  }

  // MARK: Which commits are there

  /// The number of each session's newest attempt in the recovered state.
  private func positions(
    _ rows: [Int: TortureEntry], _ history: TortureHistory
  ) throws(TortureViolation) -> [Int: Int] {
    var positions = settled
    for (session, before) in settled where before > 0 && rows[session] == nil {
      throw TortureViolation(
        .acknowledgedCommitLost, "session \(session) stood at \(before) and has no row any more")
    }
    for (session, row) in rows {
      let before = settled[session] ?? 0
      if before > 0, row.hash == TortureValue.hash(ofCounter: before) { continue }
      guard
        let attempt = history.attempts.last(where: {
          $0.session == session && row.hash == TortureValue.hash(ofCounter: $0.number)
        })
      else {
        throw TortureViolation(
          .acknowledgedCommitLost,
          "session \(session) stands neither at \(before) nor at any attempt after it")
      }
      if attempt.outcome == .rolledBack {
        throw TortureViolation(
          .uncommittedPresent, "\(attempt.name) was rolled back, and is in the database")
      }
      positions[session] = attempt.number
    }
    return positions
  }

  /// All commits whose moment is known, in the order of their moments.
  private func order(
    _ history: TortureHistory, _ included: [Int: Int], _ rows: [Int: TortureEntry]
  ) throws(TortureViolation) -> [TortureCommit] {
    // What views and the recovered rows tell: by session and number.
    var told: [Int: [Int: Timestamp]] = [:]
    for observation in history.observations {
      for (session, row) in observation.ledger {
        told[session, default: [:]][row.number] = row.timestamp
      }
    }
    for (session, row) in rows {
      if let number = included[session] { told[session, default: [:]][number] = row.timestamp }
    }
    var commits: [TortureCommit] = []
    for (index, attempt) in history.attempts.enumerated() {
      let seen = told[attempt.session]?[attempt.number]
      switch attempt.outcome {
      case .committed(let timestamp, _):
        if let seen, seen != timestamp {
          throw TortureViolation(
            .wrongContent,
            "\(attempt.name) was committed at \(timestamp), and is shown at \(seen)")
        }
        commits.append(TortureCommit(timestamp: timestamp, attempt: index))
      case .unknown:
        if let seen { commits.append(TortureCommit(timestamp: seen, attempt: index)) }
      case .rolledBack:
        if seen != nil {
          throw TortureViolation(
            .uncommittedPresent, "\(attempt.name) was rolled back, and a view shows it")
        }
      case .readOnly: break
      }
    }
    commits.sort { $0.timestamp < $1.timestamp }
    try requireRisingMoments(history, commits)
    return commits
  }

  /// O5.
  private func requireRisingMoments(
    _ history: TortureHistory, _ commits: [TortureCommit]
  ) throws(TortureViolation) {
    var previous = newest
    // The latest beginning among the commits with lower timestamps.
    var latest: (invoked: Int, name: String) = (0, "")
    for commit in commits {
      let attempt = history.attempts[commit.attempt]
      guard commit.timestamp > previous else {
        throw TortureViolation(
          .timestampReused,
          "\(attempt.name) was committed at \(commit.timestamp); \(previous) was seen before")
      }
      previous = commit.timestamp
      if attempt.returned < latest.invoked {
        throw TortureViolation(
          .realTimeOrderBroken,
          "\(attempt.name) was acknowledged before \(latest.name) began, and is the later one")
      }
      if attempt.invoked > latest.invoked { latest = (attempt.invoked, attempt.name) }
    }
  }

  /// O1 and O2: how many of the commits are in the recovered state.
  private func requirePrefix(
    _ history: TortureHistory, _ commits: [TortureCommit], _ included: [Int: Int]
  ) throws(TortureViolation) -> Int {
    func isIncluded(_ commit: TortureCommit) -> Bool {
      let attempt = history.attempts[commit.attempt]
      return attempt.number <= included[attempt.session, default: 0]
    }
    for commit in commits {
      let attempt = history.attempts[commit.attempt]
      if case .committed(_, isDurable: true) = attempt.outcome, !isIncluded(commit) {
        throw TortureViolation(
          .acknowledgedCommitLost,
          "\(attempt.name), acknowledged at \(commit.timestamp), is gone; its session stands at "
            + "\(included[attempt.session, default: 0])")
      }
    }
    // The commit of a build is a checkpoint, of all that was published before it.
    let built = history.catalogChanges.last { $0.content != nil && $0.succeeded == true }
    for commit in commits {
      let attempt = history.attempts[commit.attempt]
      if let built, attempt.returned < built.invoked, !isIncluded(commit) {
        throw TortureViolation(
          .acknowledgedCommitLost,
          "\(attempt.name), acknowledged before the build of \(built.name), is gone")
      }
    }
    for observation in history.observations where observation.isDurable {
      for (session, row) in observation.ledger where row.number > included[session, default: 0] {
        throw TortureViolation(
          .answeredReadLost,
          "a view at \(observation.snapshot) showed attempt \(row.number) of session \(session), "
            + "which stands at \(included[session, default: 0])")
      }
    }
    let prefix = commits.lastIndex(where: isIncluded).map { $0 + 1 } ?? 0
    if let hole = commits[..<prefix].first(where: { !isIncluded($0) }) {
      throw TortureViolation(
        .holeInHistory,
        "\(history.attempts[hole.attempt].name) at \(hole.timestamp) is gone, and "
          + "\(history.attempts[commits[prefix - 1].attempt].name) after it is there")
    }
    return prefix
  }

  // MARK: Bulk builds

  /// Puts what was built into the contents that the replay begins with: nobody can have looked at
  /// it before it was there, since a keyspace refuses snapshots from before its build (O6). All its
  /// records have one moment, which no acknowledgement tells: that of the newest commit when the
  /// build began.
  private mutating func begin(
    with changes: [TortureHistory.CatalogChange], _ recovered: TortureState
  ) {
    for change in changes {
      guard let content = change.content, change.succeeded != false else { continue }
      let untouched = (recovered[change.name] ?? [:]).filter {
        $0.value.hash == content[$0.key]?.hash && $0.value.expiry == content[$0.key]?.expiry
      }
      let moment = untouched.values.map(\.timestamp).min()
      state[change.name] = content.mapValues {
        TortureEntry(hash: $0.hash, timestamp: moment ?? .zero, expiry: $0.expiry)
      }
    }
  }

  // MARK: Which keyspaces are there

  private func requireKeyspaces(
    _ history: TortureHistory, _ recovered: TortureState, _ included: [Int: Int]
  ) throws(TortureViolation) {
    var creations: [String: TortureHistory.CatalogChange] = [:]
    var drops: [String: TortureHistory.CatalogChange] = [:]
    for change in history.catalogChanges {
      if change.isCreation { creations[change.name] = change } else { drops[change.name] = change }
    }
    let there = history.attempts.filter {
      $0.outcome != .readOnly && $0.number <= included[$0.session, default: 0]
    }
    // A change that was certainly made, because it was durable or because something after it is.
    func isCertain(_ change: TortureHistory.CatalogChange) -> Bool {
      change.succeeded == true
        && (change.isDurable || there.contains { $0.invoked > change.returned })
    }
    for name in Set(recovered.keys).union(creations.keys).union(drops.keys).union(state.keys) {
      let isThere = recovered[name] != nil
      let wasThere = state[name] != nil
      let isWritten = there.contains { $0.writes.contains { $0.keyspace == name } }
      let creation = creations[name]
      let drop = drops[name].flatMap { $0.succeeded == false ? nil : $0 }
      let isCreated = wasThere || isWritten || creation.map(isCertain) ?? false
      if !isThere, isCreated, drop == nil {
        throw TortureViolation(.wrongKeyspaces, "keyspace \(name) is gone, and nobody dropped it")
      }
      if isThere, let drop, isCertain(drop) {
        throw TortureViolation(.wrongKeyspaces, "keyspace \(name) was dropped and is back")
      }
      if isThere, !wasThere, creation == nil || creation?.succeeded == false {
        throw TortureViolation(.wrongKeyspaces, "keyspace \(name) was never made, and is there")
      }
    }
  }
}

/// A commit whose moment is known.
struct TortureCommit {
  let timestamp: Timestamp
  /// Its index among the history's attempts.
  let attempt: Int
}

extension TortureHistory.Attempt {
  /// For people.
  package var name: String { "attempt \(number) of session \(session)" }
}
