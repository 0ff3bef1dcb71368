import Foundation
import Martlet
import Testing

// The code files of the tutorial, as each step has them. Steps that change the same type keep apart in
// enumerations; those that follow build on the last of them.

private enum FirstExpense {
  // sample: expense-1.swift
  struct Expense: Codable, Identifiable, Sendable, Equatable {
    var id = UUID()
    var category: String
    var text: String
    var cents: Int
    var date: Date
  }
  // end sample
}

private enum SecondExpense {
  // sample: expense-2.swift
  struct Expense: Codable, Identifiable, Sendable, Equatable {
    var id = UUID()
    var category: String
    var text: String
    var cents: Int
    var date: Date

    static let byCategory = RecordIndex("category", on: \Expense.category, \Expense.date)
  }
  // end sample
}

// sample: expense-3.swift
struct Expense: Codable, Identifiable, Sendable, Equatable {
  var id = UUID()
  var category: String
  var text: String
  var cents: Int
  var date: Date

  static let byCategory = RecordIndex("category", on: \Expense.category, \Expense.date)
  static let all = RecordCollection("expenses", of: Expense.self, indexes: byCategory)
}
// end sample

private enum FirstBook {
  // sample: book-1.swift
  struct ExpenseBook: Sendable {
    let database: Database

    init(at directory: String) throws {
      database = try Database(at: directory)
      try database.open(Schema(Expense.all))
    }
  }
  // end sample
}

private enum SecondBook {
  // sample: book-2.swift
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
  }
  // end sample
}

private enum ThirdBook {
  // sample: book-3.swift
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
  }
  // end sample
}

private enum FourthBook {
  // sample: book-4.swift
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
  // end sample
}

private enum FifthBook {
  // sample: book-5.swift
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

    func changes(from token: ChangeToken) throws -> ChangeFeed {
      try database.changes(of: Expense.all, from: token)
    }

    func expenses(in committed: CommittedChanges) throws -> [Expense] {
      try committed.records(of: Expense.all, in: database).compactMap(\.newRecord)
    }
  }
  // end sample
}

// sample: book-6.swift
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

  func changes(from token: ChangeToken) throws -> ChangeFeed {
    try database.changes(of: Expense.all, from: token)
  }

  func expenses(in committed: CommittedChanges) throws -> [Expense] {
    try committed.records(of: Expense.all, in: database).compactMap(\.newRecord)
  }

  func backUp(to directory: String) throws {
    try database.backup(to: directory)
  }
}
// end sample

@Suite(.ownFolder) struct TutorialSamples {
  @Test func `the first steps hold together`() throws {
    let expense = FirstExpense.Expense(category: "food", text: "bread", cents: 4_20, date: .now)
    #expect(expense.cents == 420)
    #expect(SecondExpense.Expense.byCategory.name == "category")
    #expect(try FirstBook.ExpenseBook(at: "first").database.keyspaceNames.contains("expenses"))

    let second = try SecondBook.ExpenseBook(at: "second")
    try second.add(Expense(category: "food", text: "bread", cents: 4_20, date: .distantPast))
    try second.add(Expense(category: "food", text: "tea", cents: 3_80, date: .now))
    let yesterday = Date.now.addingTimeInterval(-24 * 60 * 60)
    #expect(try second.total(of: "food", since: yesterday) == 380)

    let third = try ThirdBook.ExpenseBook(at: "third")
    try third.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
    try third.rename("food", to: "groceries")
    #expect(try third.total(of: "food", since: .distantPast) == 0)
    #expect(try third.total(of: "groceries", since: .distantPast) == 420)
  }

  @Test func `the fourth and fifth book follow their data`() async throws {
    let fourth = try FourthBook.ExpenseBook(at: "fourth")
    try fourth.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
    var totals = fourth.totals(of: "food").makeAsyncIterator()
    #expect(try await totals.next() == 420)

    let fifth = try FifthBook.ExpenseBook(at: "fifth")
    let beginning = try fifth.database.changeToken()
    let expense = Expense(category: "food", text: "bread", cents: 4_20, date: .distantPast)
    try fifth.add(expense)
    var changes = try fifth.changes(from: beginning).makeAsyncIterator()
    let first = try #require(try await changes.next())
    #expect(try fifth.expenses(in: first) == [expense])
  }

  @Test func `the program prints what was spent`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    // sample: main-1.swift
    let book = try ExpenseBook(at: "expenses.martlet")
    try book.add(Expense(category: "food", text: "bread", cents: 4_20, date: .now))
    try book.add(Expense(category: "food", text: "tea", cents: 3_80, date: .now))
    try book.add(Expense(category: "travel", text: "tram", cents: 2_40, date: .now))

    let month = Date.now.addingTimeInterval(-30 * 24 * 60 * 60)
    print("food: \(try book.total(of: "food", since: month)) cents")
    // end sample
    #expect(output == ["food: 800 cents"])
  }

  @Test func `the program follows a total`() async throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    // sample: main-2.swift
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
    // end sample
    #expect(output.first == "food: 420 cents")
    #expect(output.last == "food: 1320 cents")
  }

  @Test func `the program reads what happened, and keeps a copy`() async throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    // sample: main-3.swift
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
    // end sample
    #expect(output.prefix(2) == ["bread is food", "tea is food"])
    #expect(
      output.dropFirst(2).first?.split(separator: ", ").sorted()
        == ["bread is groceries", "tea is groceries"])
    let backup = try ExpenseBook(at: copy)
    #expect(try backup.total(of: "groceries", since: .distantPast) == 800)
  }
}
