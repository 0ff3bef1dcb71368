import Foundation

let book = try ExpenseBook(at: "expenses.martlet")
try book.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
try book.add(Expense(category: "food", text: "tea", cents: 3_80, date: .now))
try book.add(Expense(category: "travel", text: "tram", cents: 2_40, date: .now))

let month = Date.now.addingTimeInterval(-30 * 24 * 60 * 60)
print("food: \(try book.total(of: "food", since: month)) cents")
