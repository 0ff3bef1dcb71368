/// Judges what is left after each crash.
///
/// It knows what the parent process received: the acknowledged transfers of all lives so far. A
/// recovered state passes when
///
/// 1. each acknowledged transfer is in the journal, as it was acknowledged (durability);
/// 2. each thread's journal is 1, 2, 3, … without a gap, and ends at most one transfer after the
///    last acknowledged one: a thread waits for each commit before the next (no invention);
/// 3. what an earlier recovery showed is still there (recovery is final);
/// 4. the balances are the initial ones plus exactly the journal (no half transaction);
/// 5. the sum of the balances is the initial sum (conservation);
/// 6. timestamps rise in each thread, and over the lives (no timestamp is used twice).
package struct TransferChecker {
  package let accountCount: Int
  package let initialBalance: Int
  package let threadCount: Int

  /// Each thread's transfers that must be in the journal, by their numbers from 1.
  private var required: [[Transfer]]
  /// Each thread's acknowledgements of the present life.
  private var acknowledged: [[Acknowledgement]]
  private var newestTimestamp: UInt64 = 0
  private var violations: [String] = []

  package init(accountCount: Int, initialBalance: Int, threadCount: Int) {
    self.accountCount = accountCount
    self.initialBalance = initialBalance
    self.threadCount = threadCount
    required = Array(repeating: [], count: threadCount)
    acknowledged = Array(repeating: [], count: threadCount)
  }

  /// Takes the news that a commit was acknowledged.
  package mutating func note(_ acknowledgement: Acknowledgement) {
    let transfer = acknowledgement.transfer
    guard (0..<threadCount).contains(transfer.thread) else {
      violations.append("an acknowledgement of thread \(transfer.thread), which does not exist")
      return
    }
    acknowledged[transfer.thread].append(acknowledgement)
  }

  /// Judges the state after a crash, and returns what is wrong with it: nothing, or sentences.
  package mutating func judge(_ state: TransferState) -> [String] {
    adoptAcknowledgements()
    var journal = [[Transfer]](repeating: [], count: threadCount)
    for transfer in state.journal {
      if (0..<threadCount).contains(transfer.thread) {
        journal[transfer.thread].append(transfer)
      } else {
        violations.append("the journal has a transfer of thread \(transfer.thread)")
      }
    }
    for thread in 0..<threadCount {
      journal[thread].sort { $0.sequence < $1.sequence }
      judge(journal[thread], of: thread)
    }
    judgeBalances(of: state)
    required = journal
    defer { violations = [] }
    return violations
  }

  private mutating func adoptAcknowledgements() {
    var newest = newestTimestamp
    for thread in 0..<threadCount {
      var last = newestTimestamp
      for acknowledgement in acknowledged[thread] {
        let transfer = acknowledgement.transfer
        if transfer.sequence != required[thread].count + 1 {
          violations.append(
            "thread \(thread) acknowledged transfer \(transfer.sequence) "
              + "after \(required[thread].count)")
        }
        if acknowledgement.timestamp <= last {
          violations.append(
            "the timestamp of \(transfer.journalKey), \(acknowledgement.timestamp), "
              + "is not above \(last), which was given before")
        }
        last = max(last, acknowledgement.timestamp)
        required[thread].append(transfer)
      }
      newest = max(newest, last)
      acknowledged[thread] = []
    }
    newestTimestamp = newest
  }

  private mutating func judge(_ journal: [Transfer], of thread: Int) {
    for (index, transfer) in journal.enumerated() where transfer.sequence != index + 1 {
      violations.append(
        "the journal of thread \(thread) has \(transfer.sequence) where \(index + 1) belongs")
      return
    }
    for transfer in required[thread].dropFirst(journal.count) {
      violations.append("the acknowledged transfer \(transfer.journalKey) is lost")
    }
    for (found, expected) in zip(journal, required[thread]) where found != expected {
      violations.append(
        "transfer \(expected.journalKey) was \"\(expected.journalValue)\", "
          + "and is \"\(found.journalValue)\"")
    }
    if journal.count > required[thread].count + 1 {
      violations.append(
        "thread \(thread) has \(journal.count) transfers, "
          + "although only \(required[thread].count) were acknowledged")
    }
  }

  private mutating func judgeBalances(of state: TransferState) {
    var expected: [Int: Int] = [:]
    for account in 0..<accountCount { expected[account] = initialBalance }
    for transfer in state.journal {
      expected[transfer.source, default: 0] -= transfer.amount
      expected[transfer.target, default: 0] += transfer.amount
    }
    for account in Set(expected.keys).union(state.balances.keys).sorted() {
      let found = state.balances[account]
      if found != expected[account] {
        violations.append(
          "account \(account) has \(found.map(String.init) ?? "no balance"), "
            + "the journal makes it \(expected[account].map(String.init) ?? "none")")
      }
    }
    let sum = state.balances.values.reduce(0, +)
    if sum != accountCount * initialBalance {
      violations.append("the sum is \(sum), it was \(accountCount * initialBalance)")
    }
  }
}
