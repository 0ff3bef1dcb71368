/// What must be in a tortured database, from what its processes said before they were killed.
///
/// The records of a life come in through `note`; whatever the next life finds comes in through
/// `judge`, which says what is wrong with it and goes on from what is there.
///
/// - Invariant RM1: an acknowledged step survives if it was durable, or older than one that was, or
///   if the database was closed behind it.
/// - Invariant RM2: each other step is there wholly or not at all, and what is there is a prefix:
///   of each thread's steps, of the order of timestamps, and of the order in which steps of all
///   threads came to an end before others began.
/// - Invariant RM3: nothing else is there.
/// - Invariant RM4: timestamps follow the order of events, in a life and from life to life, those
///   of lost commits included (rule R6).
/// - Invariant RM5: what is lost was acknowledged in the last `longestLoss` before the kill, times in
///   which the process did not run left aside.
package struct RealModel: Sendable {
  /// A step whose fate the next opening decides.
  struct Pending: Sendable {
    let number: UInt64
    let life: UInt64
    let step: RealStep
    /// Its place among all records.
    let attemptedAt: Int
    var acknowledgedAt: Int?
    /// Of an acknowledged transaction; nil for changes of the catalog.
    var timestamp: UInt64?
    /// When the process had the acknowledgement, by its own monotonic clock.
    var acknowledgedTime: UInt64 = 0
    var isDurable = false
    /// It certainly did not happen.
    var isRefused = false
    /// The newest acknowledgement before the attempt.
    let timestampFloor: UInt64
  }

  /// What a judgement found.
  package struct Verdict: Sendable {
    package var violations: [String] = []
    /// Acknowledged steps that the lives since the last judgement reported.
    package var acknowledged = 0
    /// Steps that are there although their acknowledgement did not arrive.
    package var unacknowledged = 0
    /// Acknowledged steps that are gone, as they may.
    package var lost = 0
    /// From the first lost acknowledgement to the last of all.
    package var lostNanoseconds: UInt64 = 0
  }

  package let workload: RealWorkload
  var pending: [[Pending]]
  /// The last step of each thread that is known to be in the database.
  package private(set) var positions: [UInt64]
  var state = RealState()
  private var recordCount = 0
  private var newestTimestamp: UInt64 = 0
  private var violations: [String] = []
  private var hasMainKeyspaces = false

  package init(workload: RealWorkload) {
    self.workload = workload
    pending = Array(repeating: [], count: workload.threadCount)
    positions = Array(repeating: 0, count: workload.threadCount)
  }

  /// Steps acknowledged since the last judgement.
  package var pendingAcknowledgements: Int {
    pending.reduce(0) { $0 + $1.count { $0.acknowledgedAt != nil } }
  }

  /// What was wrong in what was said.
  package var complaints: [String] { violations }

  // MARK: What was said

  /// Takes a record of a life in the order of arrival.
  package mutating func note(_ record: RealRecord, life: UInt64) {
    recordCount += 1
    switch record.kind {
    case .attempt: attempt(record, life)
    case .acknowledged: acknowledge(record)
    case .refused:
      guard let last = last(record), last.acknowledgedAt == nil else { return }
      pending[record.thread][pending[record.thread].count - 1].isRefused = true
    case .complaint: violations.append("the process complained: \(record.text)")
    case .closed:
      for thread in pending.indices {
        for index in pending[thread].indices where pending[thread][index].acknowledgedAt != nil {
          pending[thread][index].isDurable = true
        }
      }
    case .ready, .opened, .notOpened, .dump, .point, .effort: break
    }
  }

  private mutating func attempt(_ record: RealRecord, _ life: UInt64) {
    guard record.thread < pending.count else {
      return violations.append("a thread \(record.thread) that is none made an attempt")
    }
    var expected = (pending[record.thread].last?.number ?? positions[record.thread]) + 1
    if let last = pending[record.thread].last, last.isRefused {
      expected = last.number
      pending[record.thread].removeLast()
    }
    if record.number != expected {
      violations.append(
        "thread \(record.thread) attempts step \(record.number) where \(expected) follows")
    }
    pending[record.thread].append(
      Pending(
        number: record.number, life: life,
        step: workload.step(thread: record.thread, number: record.number, life: life),
        attemptedAt: recordCount, timestampFloor: newestTimestamp))
  }

  private func last(_ record: RealRecord) -> Pending? {
    guard record.thread < pending.count, let last = pending[record.thread].last,
      last.number == record.number
    else { return nil }
    return last
  }

  private mutating func acknowledge(_ record: RealRecord) {
    guard var last = last(record), last.acknowledgedAt == nil, !last.isRefused else {
      return violations.append(
        "thread \(record.thread) has step \(record.number) acknowledged and did not attempt it")
    }
    last.acknowledgedAt = recordCount
    last.acknowledgedTime = record.figure
    last.isDurable = record.isDurable
    if case .commit = last.step {
      last.timestamp = record.timestamp
      if record.timestamp <= last.timestampFloor {
        violations.append(
          "the clock went back: thread \(record.thread) committed step \(record.number) at "
            + "\(record.timestamp), after \(last.timestampFloor) was acknowledged")
      }
      newestTimestamp = max(newestTimestamp, record.timestamp)
    }
    pending[record.thread][pending[record.thread].count - 1] = last
  }

  // MARK: What is there

  /// Judges what an opening found, and goes on from it.
  package mutating func judge(_ dump: RealDump) -> Verdict {
    var verdict = Verdict(violations: violations, acknowledged: pendingAcknowledgements)
    violations = []
    var found: [UInt64] = []
    for thread in pending.indices {
      found.append(position(of: thread, in: dump, &verdict))
    }
    judgeOrder(found, &verdict)
    var survivors: [RealState.Survivor] = []
    for thread in pending.indices {
      for step in pending[thread] where step.number <= found[thread] {
        if step.isRefused {
          verdict.violations.append(
            "step \(step.number) of thread \(thread) was refused, and is there")
        }
        if step.acknowledgedAt == nil { verdict.unacknowledged += 1 }
        survivors.append(RealState.Survivor(step: step.step, timestamp: step.timestamp))
      }
    }
    if !survivors.isEmpty { hasMainKeyspaces = true }
    state.apply(survivors)
    verdict.violations += state.compare(dump, requiresKeyspaces: hasMainKeyspaces)
    state.settle(dump)
    positions = found
    for thread in pending.indices { pending[thread].removeAll(keepingCapacity: true) }
    return verdict
  }

  /// How many steps of a thread are there, by its progress key and, for a change of the catalog
  /// behind it, by the keyspace.
  private func position(
    of thread: Int, in dump: RealDump, _ verdict: inout Verdict
  ) -> UInt64 {
    let value = dump.keyspaces[RealWorkload.progressKeyspace]?[RealWorkload.progressKey(thread)]
    var position = value?.number(at: 0) ?? 0
    let known = positions[thread]
    if position < known {
      // The last known step may be one of the catalog, which leaves no number.
      if isCatalogStep(thread, known), position == known - 1 {
        position = known
      } else {
        verdict.violations.append(
          "thread \(thread) is back at step \(position), an earlier opening found \(known)")
        return position
      }
    }
    let last = pending[thread].last?.number ?? known
    if position > last {
      verdict.violations.append(
        "thread \(thread) is at step \(position), and attempted only \(last)")
      return position
    }
    if let next = pending[thread].first(where: { $0.number == position + 1 }) {
      switch next.step {
      case .create(let name) where dump.keyspaces[name] != nil: position += 1
      case .drop(let name) where dump.keyspaces[name] == nil: position += 1
      case .create, .drop, .commit: break
      }
    }
    return position
  }

  private func isCatalogStep(_ thread: Int, _ number: UInt64) -> Bool {
    if case .commit = workload.step(thread: thread, number: number, life: 0) { return false }
    return true
  }

  private func judgeOrder(_ found: [UInt64], _ verdict: inout Verdict) {
    var newestDurable: UInt64 = 0
    var newestSurvivor: UInt64 = 0
    var newestAttempt = 0
    var newestTime: UInt64 = 0
    for thread in pending.indices {
      for step in pending[thread] {
        newestTime = max(newestTime, step.acknowledgedTime)
        if let timestamp = step.timestamp, step.isDurable {
          newestDurable = max(newestDurable, timestamp)
        }
        if step.number <= found[thread] {
          newestAttempt = max(newestAttempt, step.attemptedAt)
          if let timestamp = step.timestamp { newestSurvivor = max(newestSurvivor, timestamp) }
        }
      }
    }
    var oldestLostTime = UInt64.max
    for thread in pending.indices {
      for step in pending[thread] where step.number > found[thread] {
        guard let acknowledgedAt = step.acknowledgedAt else { continue }
        let name = "step \(step.number) of thread \(thread)"
        verdict.lost += 1
        if step.isDurable || (step.timestamp ?? .max) <= newestDurable {
          verdict.violations.append("\(name) was acknowledged durably, and is lost")
        } else if let timestamp = step.timestamp, timestamp < newestSurvivor {
          verdict.violations.append(
            "a hole: \(name), at \(timestamp), is lost, and one at \(newestSurvivor) is there")
        } else if acknowledgedAt < newestAttempt {
          verdict.violations.append(
            "a hole: \(name) is lost, and one that began after its acknowledgement is there")
        }
        oldestLostTime = min(oldestLostTime, step.acknowledgedTime)
      }
    }
    if oldestLostTime < newestTime { verdict.lostNanoseconds = newestTime - oldestLostTime }
    judgeDelay(since: oldestLostTime, &verdict)
  }
}
