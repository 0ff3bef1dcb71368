import Foundation

let book = try ExpenseBook(at: "expenses.martlet")
let beginning = try book.database.changeToken()
try book.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
try book.add(Expense(category: "food", text: "tea", cents: 3_80, date: .now))
try book.rename("food", to: "groceries")

for try await committed in try book.changes(from: beginning) {
  let expenses = try book.expenses(in: committed)
  print(expenses.map { "\($0.text) is \($0.category)" }.joined(separator: ", "))
  if expenses.contains(where: { $0.category == "groceries" }) { break }
}

let copy = "expenses-\(Int(Date.now.timeIntervalSince1970)).backup"
try book.backUp(to: copy)
print("a copy is in \(copy)")
try book.database.close()
