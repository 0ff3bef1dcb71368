import Foundation
import Martlet

struct ExpenseBook: Sendable {
  let database: Database

  init(at directory: String) throws {
    database = try Database(at: directory)
    try database.open(Schema(Expense.all))
  }
}
