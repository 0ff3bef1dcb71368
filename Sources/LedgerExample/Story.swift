import Foundation
import Martlet

/// What the example shows, from the first account to the statement after a crash.
struct Story {
  let directory: String

  func tell() async throws {
    try await spend()
    try await crash()
    try recover()
  }

  /// Three people pay each other, all at once, while a feed prints what became durable.
  private func spend() async throws {
    let ledger = try Ledger(at: directory)
    defer { try? ledger.database.close() }

    print("1. Accounts, and some money from the bank")
    try ledger.open("bank", of: Ledger.bank)
    for (account, owner) in Self.accounts { try ledger.open(account, of: owner) }
    for (account, _) in Self.accounts {
      try await ledger.transfer(100_00, from: "bank", to: account, "a beginning")
    }

    print("\n2. Four tasks pay at the same time; a change feed prints the first transfers, as they")
    print("   become durable")
    let feed = try ledger.changes()
    let printing = Task { try await follow(feed, until: "end of day") }
    let refused = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 1...4 { group.addTask { try await spend(100, number, in: ledger) } }
      return try await group.reduce(0, +)
    }
    try await ledger.transfer(1, from: "bank", to: "ada", "end of day")
    print("   and so on: the feed told of \(try await printing.value) transfers")
    print("   \(refused) were refused, for want of money")
    print("   \(ledger.database.statistics.retries) attempts met others and were made again")
    try report(ledger.audit())
  }

  /// Pays so many times, and tells how many were refused.
  private func spend(_ count: Int, _ task: Int, in ledger: Ledger) async throws -> Int {
    var refused = 0
    for _ in 0..<count {
      let payer = Self.accounts.randomElement()?.account ?? "ada"
      let payee = Self.accounts.filter { $0.account != payer }.randomElement()?.account ?? "bo"
      do {
        try await ledger.transfer(.random(in: 1_00...90_00), from: payer, to: payee, "task \(task)")
      } catch Ledger.Refusal.overdrawn {
        refused += 1
      }
    }
    return refused
  }

  private func follow(_ feed: TransferFeed, until text: String) async throws -> Int {
    var count = 0
    for try await transfer in feed {
      count += 1
      if count <= 3 { print("   ·", transfer.summary) }
      if transfer.text == text { break }
    }
    return count
  }

  /// Another process pays until it is killed, in the middle of whatever it does.
  private func crash() async throws {
    print("\n3. Another process pays, and is killed")
    let child = Process()
    child.executableURL = Bundle.main.executableURL
    child.arguments = ["--pay-until-killed", directory]
    let output = Pipe()
    child.standardOutput = output
    try child.run()
    // It writes a line for each transfer that was acknowledged. A hundred are enough.
    var acknowledged = 0
    while acknowledged < 100 {
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { break }
      acknowledged += bytes.count { $0 == UInt8(ascii: "\n") }
    }
    kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    print("   killed after \(acknowledged) transfers that it knew to be durable")
  }

  /// What the process does that is killed.
  func payUntilKilled() async throws {
    let ledger = try Ledger(at: directory)
    var number = 0
    while true {
      number += 1
      try await ledger.transfer(1, from: "bank", to: "cleo", "from the other process")
      FileHandle.standardOutput.write(Data("\(number)\n".utf8))
    }
  }

  /// Opening recovers the ledger: each transfer is whole or not there.
  private func recover() throws {
    let ledger = try Ledger(at: directory)
    defer { try? ledger.database.close() }
    print("   opened again:")
    try report(ledger.audit())

    print("\n4. The statement of ada, by the index")
    for posting in try ledger.statement(of: "ada", last: 5) {
      print("   \(posting.amount.asMoney)  \(posting.text)")
    }
  }

  private func report(_ audit: Ledger.Audit) throws {
    guard audit.findings.isEmpty else { throw Broken(findings: audit.findings) }
    print("   audit: \(audit.transferCount) transfers; every balance is the sum of its postings,")
    print("   they add up to zero, and nobody owes anything")
  }

  struct Broken: Error { let findings: [String] }

  private static let accounts = [
    (account: "ada", owner: "ada"), (account: "ada's savings", owner: "ada"),
    (account: "bo", owner: "bo"), (account: "cleo", owner: "cleo"),
  ]
}

extension Int {
  /// An amount in cents, for people: `-3.50`, seven characters wide.
  var asMoney: String {
    let text =
      "\(self < 0 ? "-" : "")\(magnitude / 100).\(magnitude % 100 < 10 ? "0" : "")"
      + "\(magnitude % 100)"
    return String(repeating: " ", count: Swift.max(0, 7 - text.count)) + text
  }
}
