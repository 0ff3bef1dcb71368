import Foundation

let book = try ExpenseBook(at: "expenses.martlet")
try book.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
let goal = try book.total(of: "food", since: .distantPast) + 9_00

let spending = Task {
  for text in ["tea", "plums", "cheese"] {
    try await Task.sleep(for: .milliseconds(50))
    try book.add(Expense(category: "food", text: text, cents: 3_00, date: .now))
  }
}
for try await total in book.totals(of: "food") {
  print("food: \(total) cents")
  if total >= goal { break }
}
try await spending.value
