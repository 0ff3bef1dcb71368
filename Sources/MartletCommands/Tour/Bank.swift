internal import Martlet

/// The accounts of the tour, and the journal that says how they came to be: one keyspace each.
struct Bank {
  static let accountCount = 64
  static let initialBalance = 1000
  static let threadCount = 2

  let database: Database
  let accounts: Keyspace
  let journal: Keyspace

  /// Opens the bank of a directory. Checkpoints come often, so that kills hit them as well.
  init(directory: String, durability: Durability) throws {
    var configuration = Configuration()
    configuration.cacheSize = 16 << 20
    configuration.durability = durability
    configuration.checkpointLogBytes = 256 << 10
    database = try Database(at: directory, configuration: configuration)
    accounts = try database.keyspace("accounts")
    journal = try database.keyspace("journal")
  }

  static func accountKey(_ account: Int) -> String {
    account < 10 ? "account 0\(account)" : "account \(account)"
  }

  /// Opens all accounts with the same balance.
  func fill() throws {
    try database.write { (transaction: borrowing Transaction) in
      for account in 0..<Self.accountCount {
        try transaction.set(Self.initialBalance, for: Self.accountKey(account), in: accounts)
      }
    }
  }

  /// Moves money and writes the journal's entry, in one transaction. Returns once the commit is
  /// acknowledged.
  func perform(_ transfer: Transfer) throws -> Acknowledgement {
    let committed = try database.transact { (transaction: borrowing Transaction) in
      let source = Self.accountKey(transfer.source)
      let target = Self.accountKey(transfer.target)
      let sourceBalance = try transaction.value(for: source, in: accounts, as: Int.self) ?? 0
      let targetBalance = try transaction.value(for: target, in: accounts, as: Int.self) ?? 0
      try transaction.set(sourceBalance - transfer.amount, for: source, in: accounts)
      try transaction.set(targetBalance + transfer.amount, for: target, in: accounts)
      try transaction.set(transfer.journalValue, for: transfer.journalKey, in: journal)
    }
    return Acknowledgement(transfer: transfer, timestamp: committed.timestamp?.rawValue ?? 0)
  }

  /// The number of a thread's last transfer.
  func lastSequence(ofThread thread: Int) throws -> Int {
    try database.read { (snapshot: borrowing Snapshot) in
      var last = 0
      try snapshot.forEach(in: journal, .prefix("\(thread)/"), reverse: true, limit: 1) { key, _ in
        last =
          String(valueBytes: key).flatMap { Transfer(journalKey: $0, value: "0 0 0") }?
          .sequence ?? 0
        return .stop
      }
      return last
    }
  }

  /// The sum of all balances, as one snapshot shows it.
  func sum() throws -> Int {
    try database.read { (snapshot: borrowing Snapshot) in
      var sum = 0
      try snapshot.forEach(in: accounts) { _, value in
        sum += Int(valueBytes: value) ?? 0
        return .continue
      }
      return sum
    }
  }

  /// Everything, as one snapshot shows it.
  func state() throws -> TransferState {
    try database.read { (snapshot: borrowing Snapshot) in
      var state = TransferState(balances: [:], journal: [])
      try snapshot.forEach(in: accounts) { key, value in
        guard let name = String(valueBytes: key), let balance = Int(valueBytes: value),
          let account = Int(name.dropFirst("account ".count))
        else { throw ToolError("an entry of the accounts that nobody wrote") }
        state.balances[account] = balance
        return .continue
      }
      try snapshot.forEach(in: journal) { key, value in
        guard let key = String(valueBytes: key), let value = String(valueBytes: value),
          let transfer = Transfer(journalKey: key, value: value)
        else { throw ToolError("an entry of the journal that nobody wrote") }
        state.journal.append(transfer)
        return .continue
      }
      return state
    }
  }
}
