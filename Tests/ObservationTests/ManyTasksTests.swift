import Foundation
import Martlet
import Testing

/// As many tasks as a careless program starts: `MARTLET_TASKS=100000` runs as many, in release mode.
@Suite(.timeLimit(.minutes(10)), .serialized) struct `Very many tasks at once` {
  static var taskCount: Int {
    ProcessInfo.processInfo.environment["MARTLET_TASKS"].flatMap { Int($0) } ?? 4000
  }

  /// Threads of the process and its resident memory in bytes, where the system tells; Linux only.
  static func usage() -> (threads: Int, bytes: Int)? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
      return nil
    }
    func number(_ name: String) -> Int? {
      status.split(separator: "\n").first { $0.hasPrefix(name) }
        .flatMap { Int($0.split(whereSeparator: { !$0.isNumber }).first ?? "") }
    }
    guard let threads = number("Threads:"), let kilobytes = number("VmRSS:") else { return nil }
    return (threads, kilobytes * 1024)
  }

  enum Outcome { case done, cancelled }

  @Test func `neither deadlock nor exhaust threads, and lose nothing`() async throws {
    let database = try Database.inMemory()
    let counters = try database.keyspace("counters")
    let before = Self.usage()
    let sums = Count()
    let count = Self.taskCount
    var most = before
    // No task group: taking a child out of one of n costs n (removeChildTask), which is not ours.
    var tasks: [Task<Outcome, any Error>] = []
    do {
      for number in 0..<count {
        let task = Task { () -> Outcome in
          do {
            switch number % 4 {
            case 0:
              _ = try await database.read { snapshot in
                try snapshot.value(for: "hot\(number % 3)", in: counters, as: Int.self)
              }
            case 1:
              // Two hot keys, in either order: deadlocks are found and tried again.
              let keys = number % 8 < 4 ? ["hot0", "hot1"] : ["hot1", "hot0"]
              try await database.write(isolation: .repeatableRead, retry: Self.patient) { tx in
                for key in keys {
                  let value = try tx.value(for: key, in: counters, as: Int.self) ?? 0
                  try tx.set(value + 1, for: key, in: counters)
                }
              }
              sums.add(2)
            case 2:
              try await database.write(isolation: .serializable, retry: Self.patient) { tx in
                let value = try tx.value(for: "hot2", in: counters, as: Int.self) ?? 0
                try tx.set(value + 1, for: "hot2", in: counters)
              }
              sums.add()
            default:
              try await database.write { tx in
                try tx.set(number, for: "cold\(number)", in: counters)
              }
            }
            return .done
          } catch let error as DatabaseError where error.code == .cancelled { return .cancelled }
        }
        tasks.append(task)
        if number % 10 == 9 { task.cancel() }
      }
      if let usage = Self.usage(), let seen = most {
        most = (max(usage.threads, seen.threads), max(usage.bytes, seen.bytes))
      }
    }
    var outcomes: [Outcome] = []
    do {
      for task in tasks {
        outcomes.append(try await task.value)
        if outcomes.count % 500 == 0, let usage = Self.usage(), let seen = most {
          most = (max(usage.threads, seen.threads), max(usage.bytes, seen.bytes))
        }
      }
    }
    #expect(outcomes.count == count)
    let total = try await database.read { snapshot in
      try ["hot0", "hot1", "hot2"].reduce(0) {
        try $0 + (snapshot.value(for: $1, in: counters, as: Int.self) ?? 0)
      }
    }
    #expect(total == sums.value)
    #expect(database.workerThreadCount <= 2 * Configuration().asynchronousTransactionLimit + 1)
    if let before, let most {
      print(
        "\(count) tasks, \(outcomes.count { $0 == .cancelled }) cancelled: "
          + "\(most.threads - before.threads) threads, "
          + "\((most.bytes - before.bytes) / count) bytes a task")
    }
    try database.close()
  }

  static let patient = RetryPolicy(attemptLimit: .max, timeLimit: .seconds(600))
}
