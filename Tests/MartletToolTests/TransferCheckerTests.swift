import MartletCommands
import Testing

/// A checker that cannot fail proves nothing: each promise is broken once, in a forged history.
@Suite struct TransferCheckerTests {
  /// A bank of four accounts and two threads whose history can be forged.
  private struct Forger {
    var checker = TransferChecker(accountCount: 4, initialBalance: 100, threadCount: 2)
    var journal: [Transfer] = []
    var clock: UInt64 = 1000

    /// A transfer that took place; acknowledged unless told otherwise.
    mutating func transfer(
      _ thread: Int, _ sequence: Int, acknowledged: Bool = true, timestamp: UInt64? = nil
    ) {
      let transfer = Transfer(
        thread: thread, sequence: sequence, source: sequence % 4, target: (sequence + 1) % 4,
        amount: 7)
      journal.append(transfer)
      clock += 1
      if acknowledged {
        checker.note(Acknowledgement(transfer: transfer, timestamp: timestamp ?? clock))
      }
    }

    /// The honest state.
    var state: TransferState {
      var balances: [Int: Int] = [0: 100, 1: 100, 2: 100, 3: 100]
      for transfer in journal {
        balances[transfer.source]! -= transfer.amount
        balances[transfer.target]! += transfer.amount
      }
      return TransferState(balances: balances, journal: journal)
    }

    mutating func judge(_ change: (inout TransferState) -> Void = { _ in }) -> [String] {
      var state = state
      change(&state)
      return checker.judge(state)
    }
  }

  private func forger() -> Forger {
    var forger = Forger()
    for sequence in 1...3 {
      forger.transfer(0, sequence)
      forger.transfer(1, sequence)
    }
    return forger
  }

  @Test func `an honest history passes, crash after crash`() {
    var forger = forger()
    #expect(forger.judge() == [])
    forger.transfer(0, 4, acknowledged: false)
    #expect(forger.judge() == [])
    forger.transfer(0, 5)
    forger.transfer(1, 4)
    forger.transfer(1, 5, acknowledged: false)
    #expect(forger.judge() == [])
    #expect(forger.judge() == [])
  }

  @Test func `a lost acknowledged commit is found`() {
    var forger = forger()
    forger.journal.removeLast()
    #expect(forger.judge() == ["the acknowledged transfer 1/0000000003 is lost"])
  }

  @Test func `a commit that an earlier recovery showed and a later one lost is found`() {
    var forger = forger()
    forger.transfer(0, 4, acknowledged: false)
    #expect(forger.judge() == [])
    forger.journal.removeLast()
    #expect(forger.judge() == ["the acknowledged transfer 0/0000000004 is lost"])
  }

  @Test func `a hole in a thread's journal is found`() {
    var forger = forger()
    forger.journal.removeAll { $0.thread == 1 && $0.sequence == 2 }
    #expect(forger.judge().contains("the journal of thread 1 has 3 where 2 belongs"))
  }

  @Test func `a half transaction is found: the debit without the credit`() {
    var forger = forger()
    let violations = forger.judge { $0.balances[2]! -= 7 }
    #expect(violations.count == 2)
    #expect(violations.first?.hasPrefix("account 2 has") == true)
    #expect(violations.last == "the sum is 393, it was 400")
  }

  @Test func `a half transaction is found: the accounts without the journal`() {
    var forger = forger()
    let violations = forger.judge { state in
      state.balances[0]! -= 7
      state.balances[3]! += 7
    }
    #expect(violations.count == 2)
  }

  @Test func `a half transaction is found: the journal without the accounts`() {
    var forger = forger()
    forger.transfer(0, 4, acknowledged: false)
    let last = forger.journal[forger.journal.count - 1]
    let violations = forger.judge { state in
      state.balances[last.source]! += last.amount
      state.balances[last.target]! -= last.amount
    }
    #expect(violations.count == 2)
  }

  @Test func `a changed transfer is found`() {
    var forger = forger()
    forger.journal[0].amount = 8
    #expect(forger.judge() == ["transfer 0/0000000001 was \"1 2 7\", and is \"1 2 8\""])
  }

  @Test func `a commit that nobody made is found`() {
    var forger = forger()
    forger.transfer(0, 4, acknowledged: false)
    forger.transfer(0, 5, acknowledged: false)
    #expect(
      forger.judge() == ["thread 0 has 5 transfers, although only 3 were acknowledged"])
  }

  @Test func `a missing and an invented account are found`() {
    var forger = forger()
    let violations = forger.judge { state in
      state.balances[9] = state.balances.removeValue(forKey: 3)
    }
    #expect(violations.count == 2)
  }

  @Test func `a timestamp that does not rise is found, within a life and across lives`() {
    var forger = forger()
    forger.transfer(0, 4, timestamp: 1001)
    #expect(forger.judge().count == 1)
    forger.transfer(1, 4, timestamp: 1003)
    #expect(forger.judge().count == 1)
  }

  @Test func `an acknowledgement that skips a number is found`() {
    var forger = forger()
    forger.transfer(0, 5)
    #expect(!forger.judge().isEmpty)
  }
}

@Suite struct TransferTests {
  @Test func `an acknowledgement survives its line`() {
    let acknowledgement = Acknowledgement(
      transfer: Transfer(thread: 1, sequence: 42, source: 3, target: 0, amount: 9),
      timestamp: .max)
    #expect(Acknowledgement(line: acknowledgement.line) == acknowledgement)
  }

  @Test(arguments: ["", "ack", "ack 1 2 3 4 5", "ack 1 2 3 4 5 x", "sum 3", "ack 1 2 3 4 5 6 7"])
  func `a line that is none counts for nothing`(line: String) {
    #expect(Acknowledgement(line: line) == nil)
  }

  @Test func `a transfer survives the journal, whose order is that of numbers`() {
    let transfer = Transfer(thread: 0, sequence: 10, source: 1, target: 2, amount: 3)
    #expect(
      Transfer(journalKey: transfer.journalKey, value: transfer.journalValue) == transfer)
    var earlier = transfer
    earlier.sequence = 9
    #expect(earlier.journalKey < transfer.journalKey)
    #expect(Transfer(journalKey: "x", value: "1 2 3") == nil)
    #expect(Transfer(journalKey: "0/1", value: "1 2") == nil)
  }
}

@Suite struct CharacterDataTests {
  @Test func `the shipped data set is whole and in the order of its keys`() throws {
    let records = try CharacterData.load()
    #expect(records.count == 34_924)
    #expect(zip(records, records.dropFirst()).allSatisfy { $0.key < $1.key })
    #expect(Set(records.map(\.indexKey)).count == records.count)
    #expect(records.first { $0.key == "0003C0" }?.name == "GREEK SMALL LETTER PI")
  }

  @Test func `a line with another number of fields is no record`() {
    #expect(CharacterRecord(line: "0041;LATIN CAPITAL LETTER A;Lu") == nil)
    #expect(CharacterRecord(line: "") == nil)
  }
}
