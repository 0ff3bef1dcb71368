/// Money moves between accounts and is neither made nor lost: whoever reads all accounts at once
/// finds the same total.
///
/// Transactions of the function `bank` are judged by it, and not by inference: balances repeat.
enum BankInvariant {
  /// The function of its transactions.
  static let function = "bank"

  /// Checks every committed read of all accounts.
  ///
  /// - Parameter total: the money there is; nil for what the first committed transaction that wrote
  ///   all accounts wrote.
  static func run(
    _ transactions: [(number: Int, HistoryTransaction)], total: Int?, _ log: FindingLog
  ) {
    var accounts: Set<Int> = []
    for (_, transaction) in transactions {
      for operation in transaction.operations {
        switch operation {
        case .write(let key, _), .read(let key, _): accounts.insert(key)
        case .scan(_, _, let entries): for entry in entries ?? [] { accounts.insert(entry.key) }
        case .append: break
        }
      }
    }
    var expected = total
    for (_, transaction) in transactions where expected == nil && transaction.outcome == .ok {
      var written: [Int: Int] = [:]
      for case .write(let key, let value) in transaction.operations { written[key] = value }
      if written.count == accounts.count { expected = written.values.reduce(0, +) }
    }
    guard let expected, !accounts.isEmpty else { return }
    for (number, transaction) in transactions where transaction.outcome == .ok {
      let balances = balances(read: transaction)
      guard balances.count == accounts.count else { continue }
      let sum = balances.values.reduce(0, +)
      if sum != expected {
        log.add(
          .wrongTotal, wronged: [number],
          "T\(number) read \(sum) in \(accounts.count) accounts that hold \(expected)")
      }
    }
  }

  /// What a transaction read before it wrote. An account that is not there holds nothing.
  private static func balances(read transaction: HistoryTransaction) -> [Int: Int] {
    var balances: [Int: Int] = [:]
    for operation in transaction.operations {
      switch operation {
      case .read(let key, .register(let value)?): balances[key] = value
      case .read(let key, .absent?): balances[key] = 0
      case .scan(_, _, let entries?):
        for entry in entries {
          if case .register(let value) = entry.value { balances[entry.key] = value }
        }
      case .write, .append: return balances
      case .read, .scan: break
      }
    }
    return balances
  }
}
