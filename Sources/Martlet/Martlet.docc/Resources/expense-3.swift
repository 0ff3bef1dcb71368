import Foundation
import Martlet

struct Expense: Codable, Identifiable, Sendable, Equatable {
  var id = UUID()
  var category: String
  var text: String
  var cents: Int
  var date: Date

  static let byCategory = RecordIndex("category", on: \Expense.category, \Expense.date)
  static let all = RecordCollection("expenses", of: Expense.self, indexes: byCategory)
}
