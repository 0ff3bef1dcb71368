import Foundation
import Martlet

/// An account. Amounts are in cents.
struct Account: Codable, Identifiable, Sendable {
  let id: String
  let owner: String
  var balance: Int

  static let byOwner = RecordIndex("owner", on: \Account.owner)
  static let all = RecordCollection("accounts", of: Account.self, indexes: byOwner)
}

/// One side of a transfer. Each transfer has two, whose amounts add up to zero.
struct Posting: Codable, Identifiable, Sendable {
  let id: UUID
  let transfer: UUID
  let account: String
  let amount: Int
  let text: String
  let moment: Date

  /// The postings of an account lie side by side, in the order of time: a statement reads a part of
  /// them, whatever the size of the ledger.
  static let byAccount = RecordIndex("account", on: \Posting.account, \Posting.moment)
  static let all = RecordCollection("postings", of: Posting.self, indexes: byAccount)
}

/// A ledger with double entry.
///
/// - Invariant 1: the amounts of all postings add up to zero.
/// - Invariant 2: the balance of an account is the sum of its postings.
/// - Invariant 3: nobody but the bank owes anything: the balances of an owner's accounts, which may
///   be negative one by one, do not add up to less than zero.
///
/// The first two are kept because a transfer is one transaction. The third speaks about accounts that a
/// transfer reads and does not write. At snapshot isolation two transfers could each see the money in
/// the other's account, and both spend it; so transfers are serializable.
struct Ledger: Sendable {
  /// Whose accounts the money comes from.
  static let bank = "bank"

  let database: Database

  init(at directory: String) throws {
    database = try Database(at: directory)
    try database.open(Schema(Account.all, Posting.all))
  }

  func open(_ account: String, of owner: String) throws {
    try database.insert(Account(id: account, owner: owner, balance: 0), into: Account.all)
  }

  /// Why a transfer was refused. Nothing of it happened.
  enum Refusal: Error { case unknownAccount(String), overdrawn(owner: String) }

  /// Moves an amount. When this returns, the transfer survives a crash.
  func transfer(_ amount: Int, from payer: String, to payee: String, _ text: String) async throws {
    precondition(amount > 0 && payer != payee, "a transfer moves something somewhere")
    // The closure may run more than once: what shall be the same each time is made outside of it.
    let transfer = UUID()
    let moment = Date.now
    try await database.write(isolation: .serializable, label: "transfer") { tx in
      guard let source = try tx.get(payer, in: Account.all) else {
        throw Refusal.unknownAccount(payer)
      }
      if source.owner != Ledger.bank {
        let accounts = try tx.fetch(Account.all.where(Account.byOwner.equals(source.owner)))
        let wealth = accounts.map(\.balance).reduce(0, +)
        guard wealth >= amount else { throw Refusal.overdrawn(owner: source.owner) }
      }
      for (account, amount) in [(payer, -amount), (payee, amount)] {
        guard try tx.update(account, in: Account.all, { $0.balance += amount }) != nil else {
          throw Refusal.unknownAccount(account)
        }
        try tx.insert(
          Posting(
            id: UUID(), transfer: transfer, account: account, amount: amount, text: text,
            moment: moment),
          into: Posting.all)
      }
    }
  }

  /// The newest postings of an account, the newest first.
  func statement(of account: String, last count: Int) throws -> [Posting] {
    try database.fetch(
      Posting.all.where(Posting.byAccount.starts(with: account)).reversed().limit(count))
  }

  /// What an audit found, all of it at one moment.
  struct Audit {
    var transferCount = 0
    /// What is wrong; empty when the ledger is in order.
    var findings: [String] = []
  }

  /// Goes through the whole ledger in one snapshot, beside whatever is written meanwhile.
  func audit() throws -> Audit {
    try database.read { snapshot in
      var audit = Audit()
      var sums: [String: Int] = [:]
      var postingCount = 0
      try snapshot.forEach(Posting.all.all) { posting in
        sums[posting.account, default: 0] += posting.amount
        postingCount += 1
        return .continue
      }
      audit.transferCount = postingCount / 2
      let total = sums.values.reduce(0, +)
      if total != 0 { audit.findings.append("all postings add up to \(total)") }

      var wealth: [String: Int] = [:]
      try snapshot.forEach(Account.all.all) { account in
        wealth[account.owner, default: 0] += account.balance
        let sum = sums[account.id] ?? 0
        if account.balance != sum {
          audit.findings.append("\(account.id) has \(account.balance), its postings \(sum)")
        }
        return .continue
      }
      for (owner, sum) in wealth where owner != Ledger.bank && sum < 0 {
        audit.findings.append("\(owner) owes \(-sum)")
      }
      return audit
    }
  }
}
