import Foundation
import Martlet

struct ExpenseBook: Sendable {
  let database: Database

  init(at directory: String) throws {
    database = try Database(at: directory)
    try database.open(Schema(Expense.all))
  }

  func add(_ expense: Expense) throws {
    try database.insert(expense, into: Expense.all)
  }

  func total(of category: String, since date: Date) throws -> Int {
    let query = Expense.all.where(Expense.byCategory.starts(with: category, then: date...))
    return try database.fetch(query).map(\.cents).reduce(0, +)
  }

  func rename(_ category: String, to name: String) throws {
    try database.write { tx in
      for expense in try tx.fetch(Expense.all.where(Expense.byCategory.starts(with: category))) {
        try tx.update(expense.id, in: Expense.all) { $0.category = name }
      }
    }
  }

  func totals(of category: String) -> LiveValues<Int> {
    database.observe { snapshot in
      let query = Expense.all.where(Expense.byCategory.starts(with: category))
      return try snapshot.fetch(query).map(\.cents).reduce(0, +)
    }
  }
}
