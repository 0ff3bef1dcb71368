import Martlet

/// The transfers of a ledger, as they become durable.
///
/// The change feed tells of whole transactions, so the two postings of a transfer come together.
struct TransferFeed: AsyncSequence {
  /// A transfer, as its postings tell it.
  struct Element: Sendable {
    let payer: String
    let payee: String
    let amount: Int
    let text: String

    var summary: String { "\(payer) pays \(payee) \(amount.asMoney.drop { $0 == " " }) (\(text))" }
  }

  let database: Database
  let changes: ChangeFeed

  func makeAsyncIterator() -> Iterator {
    Iterator(database: database, changes: changes.makeAsyncIterator())
  }

  struct Iterator: AsyncIteratorProtocol {
    let database: Database
    var changes: ChangeFeed.Iterator

    mutating func next() async throws -> Element? {
      while let committed = try await changes.next() {
        let postings = try committed.records(of: Posting.all, in: database).compactMap(\.newRecord)
        guard let payer = postings.first(where: { $0.amount < 0 }),
          let payee = postings.first(where: { $0.amount > 0 })
        else { continue }
        return Element(
          payer: payer.account, payee: payee.account, amount: payee.amount, text: payee.text)
      }
      return nil
    }
  }
}

extension Ledger {
  /// The transfers from now on.
  func changes() throws -> TransferFeed {
    TransferFeed(database: database, changes: try database.changes(of: Posting.all))
  }
}
