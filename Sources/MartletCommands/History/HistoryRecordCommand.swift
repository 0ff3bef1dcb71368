package import ArgumentParser
package import Martlet
package import Verification

/// `martlet history record`: runs a workload and writes down what happened.
package struct HistoryRecordCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Run a workload from several threads and record its history.",
    discussion: """
      Workloads:
        list-append   appends to lists, reads and scans: judged most sharply
        register      writes of registers behind a read of the same, reads and scans
        bank          transfers between accounts, and reads of all of them
        long-fork     writes of single keys, and reads of two at once

      Each transaction is tried once; an abort is recorded with its code. The same seed draws the \
      same transactions for each thread; how they interleave is up to the machine.

      Examples:
        martlet history record list-append --transactions 100000 --output run.jsonl
        martlet history record bank --threads 8 --seconds 5 --keys 20
        martlet history record register --distribution zipfian --format edn
      """)

  @Argument(help: "list-append, register, bank or long-fork.")
  package var workload: HistoryWorkload.Kind

  @Option(name: .shortAndLong, help: "The file to write; standard output when not given.")
  package var output: String?

  @Option(help: "A database to run in; one in memory when not given. Its keyspace is emptied.")
  package var database: String?

  @Option(name: .shortAndLong, help: "The keyspace.")
  package var keyspace = "history"

  @Option(help: "Threads that work at the same time.")
  package var threads = 4

  @Option(help: "Transactions of all threads together (default 10000, or until --seconds).")
  package var transactions: Int?

  @Option(help: "Seconds after which no more transactions are begun.")
  package var seconds: Double?

  @Option(help: "The isolation level.")
  package var level: IsolationLevel = .snapshot

  @Option(
    name: .customLong("protocol"),
    help: "The protocol: twoPhaseLocking, optimistic or serializableSnapshot.")
  package var using: TransactionProtocol?

  @Option(
    help: ArgumentHelp(
      "Levels to draw from for each transaction, or level/protocol; all for every one of them.",
      valueName: "level,..."))
  package var mix: String?

  @Option(help: "Keys in use at a time; accounts of a bank.")
  package var keys = 10

  @Option(help: "How keys are chosen: uniform, zipfian or hot.")
  package var distribution: KeyDistribution = .uniform

  @Option(help: "Operations of a transaction at most.")
  package var operations = 4

  @Option(help: "The part of the operations that are scans, from 0 to 1.")
  package var scan = 0.1

  @Option(help: "Writes to a key, about, before a fresh one takes its place.")
  package var writesPerKey = 24

  @Flag(help: "Offer the processor after each step, so that short transactions meet.")
  package var interleave = false

  @Option(help: "The seed of the workload.")
  package var seed: UInt64 = 1

  @Option(help: "What commits survive: full, ordered or relaxed.")
  package var durability: Durability = .relaxed

  @Option(help: "json or edn.")
  package var format: HistoryFormat = .json

  package init() {}

  package func validate() throws {
    for (name, value) in [
      ("--threads", threads), ("--transactions", transactions ?? 1), ("--keys", keys),
      ("--operations", operations), ("--writes-per-key", writesPerKey),
    ] where value < 1 {
      throw ValidationError("\(name) is at least 1")
    }
    guard (0...1).contains(scan) else { throw ValidationError("--scan is from 0 to 1") }
    guard (seconds ?? 1) > 0 else { throw ValidationError("--seconds is more than 0") }
    _ = try choices()
  }

  package func run() throws {
    let history = try record()
    let output = try output.map { try Descriptor(creating: $0) } ?? .standardOutput
    try history.encode(as: format) { try output.write($0) }
  }

  private func record() throws -> History {
    let choices = try choices()
    let workload = HistoryWorkload(
      workload, seed: seed, keyCount: keys, distribution: distribution,
      operationLimit: operations, scanFraction: scan, writesPerKey: writesPerKey,
      choices: choices)
    let recorder = HistoryRecorder(
      workload, threadCount: threads, transactionLimit: transactions,
      timeLimit: seconds.map { .seconds($0) }, durability: durability, isInterleaved: interleave)
    let database =
      try database.map { try openDatabase(at: $0, Configuration(durability: durability)) }
      ?? Database.inMemory()
    var progress = ProgressReporter(noun: "transactions")
    let history = try recorder.record(on: database, keyspace: keyspace) { count in
      progress.update(
        count: count, fraction: transactions.map { Double(count) / Double($0) })
    }
    progress.finish()
    try database.close()
    return history
  }

  private func choices() throws -> [HistoryWorkload.Choice] {
    guard let mix else { return [HistoryWorkload.Choice(level, using: using)] }
    if mix == "all" { return HistoryWorkload.Choice.all }
    return try mix.split(separator: ",").map { part in
      let words = part.split(separator: "/", maxSplits: 1).map(String.init)
      guard let level = words.first.flatMap(IsolationLevel.init(rawValue:)) else {
        throw ValidationError(
          "\"\(part)\" in --mix names no isolation level; there are "
            + IsolationLevel.allCases.map(\.rawValue).joined(separator: ", "))
      }
      guard words.count > 1 else { return HistoryWorkload.Choice(level) }
      guard let using = TransactionProtocol(rawValue: words[1]) else {
        throw ValidationError(
          "\"\(part)\" in --mix names no protocol; there are "
            + TransactionProtocol.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return HistoryWorkload.Choice(level, using: using)
    }
  }
}
