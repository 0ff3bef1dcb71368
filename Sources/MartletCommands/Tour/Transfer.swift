/// One transfer between two accounts, by one thread of the worker. Its thread and its number in
/// that thread name it.
package struct Transfer: Hashable, Sendable {
  package var thread: Int
  /// Counted from 1 in each thread, over all lives of the worker.
  package var sequence: Int
  package var source: Int
  package var target: Int
  package var amount: Int

  package init(thread: Int, sequence: Int, source: Int, target: Int, amount: Int) {
    self.thread = thread
    self.sequence = sequence
    self.source = source
    self.target = target
    self.amount = amount
  }
}

/// In the journal: the key names the transfer, in the order of thread and number; the value says
/// what it moved.
extension Transfer {
  package var journalKey: String {
    let digits = String(sequence)
    return "\(thread)/" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
  }

  package var journalValue: String { "\(source) \(target) \(amount)" }

  /// Nil when key and value are no entry of the journal.
  package init?(journalKey: String, value: String) {
    let name = journalKey.split(separator: "/", omittingEmptySubsequences: false)
    let moved = value.split(separator: " ", omittingEmptySubsequences: false).map { Int($0) }
    guard name.count == 2, let thread = Int(name[0]), let sequence = Int(name[1]),
      moved.count == 3, let source = moved[0], let target = moved[1], let amount = moved[2]
    else { return nil }
    self.init(thread: thread, sequence: sequence, source: source, target: target, amount: amount)
  }
}

/// The news that a transfer's commit was acknowledged: what the worker writes to its pipe, after
/// the engine said so.
package struct Acknowledgement: Hashable, Sendable {
  package var transfer: Transfer
  package var timestamp: UInt64

  package init(transfer: Transfer, timestamp: UInt64) {
    self.transfer = transfer
    self.timestamp = timestamp
  }

  /// The line, without its end: thread, number, from, to, amount, timestamp.
  package var line: String {
    "ack \(transfer.thread) \(transfer.sequence) \(transfer.journalValue) \(timestamp)"
  }

  /// Nil for a line that is none.
  package init?(line: some StringProtocol) {
    let fields = line.split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 7, fields[0] == "ack", let timestamp = UInt64(fields[6]) else {
      return nil
    }
    let numbers = fields[1..<6].compactMap { Int($0) }
    guard numbers.count == 5 else { return nil }
    self.init(
      transfer: Transfer(
        thread: numbers[0], sequence: numbers[1], source: numbers[2], target: numbers[3],
        amount: numbers[4]),
      timestamp: timestamp)
  }
}

/// What a recovered database holds: the balances by account, and the journal.
package struct TransferState: Equatable, Sendable {
  package var balances: [Int: Int]
  package var journal: [Transfer]

  package init(balances: [Int: Int], journal: [Transfer]) {
    self.balances = balances
    self.journal = journal
  }
}
