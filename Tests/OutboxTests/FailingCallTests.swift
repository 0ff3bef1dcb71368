import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Each call of the file system fails, with each number, once and from then on, while messages are sent,
/// worked on, given up and answered.
@Suite(.serialized) struct `A message queue on a failing disk` {
  @Test func `delivers what was sent, nothing that was answered, and keeps its dead`() throws {
    let survey = try CallFaultSurvey<QueueLife>(seed: 3)
    #expect(survey.problems(stride: Effort.stride(debug: 83, release: 7)) == [])
  }
}

/// Good messages are done, with a tally in the transaction that answers them; bad ones fail until they
/// are dead.
private final class QueueLife: FaultedLife {
  var refusals: [DatabaseError] = []
  private var sent: Set<String> = []
  private var done: Set<String> = []
  private var dead: Set<String> = []

  private static let options = QueueOptions(
    leaseDuration: .seconds(5), attemptLimit: 3, firstBackOff: .milliseconds(10))

  func live(_ effects: Effects, relieve: () -> Void) throws {
    guard let database = opened({ try QueueWorld.open(effects) }) else { return relieve() }
    defer { note { try database.close() } }
    note { try work(database, effects) }
    relieve()
    if isFinal { return }
    // What the trouble has kept it from.
    note { try work(database, effects) }
    try finish(database, effects)
  }

  /// Sends what was not sent, in transactions that leave a receipt, and works on some of it.
  private func work(_ database: Database, _ effects: Effects) throws {
    let queue = try database.queue("q", options: Self.options)
    let receipts = try database.keyspace("sent")
    _ = try database.keyspace("done")
    for number in 0..<10 where !isFinal {
      let name = number % 5 == 4 ? "bad \(number)" : "good \(number)"
      if sent.contains(name) { continue }
      note {
        try database.write { tx in
          try tx.set(name, for: name, in: receipts)
          try tx.enqueue(name + String(repeating: ".", count: number * 300), to: queue)
        }
        sent.insert(name)
      }
      if number % 2 == 1 { try answer(database, queue) }
      if number == 6 { note { try database.checkpoint() } }
    }
  }

  /// Takes what is due, and answers.
  private func answer(_ database: Database, _ queue: MessageQueue) throws {
    var messages: [QueuedMessage] = []
    note { messages = try queue.claim(limit: 3) }
    for message in messages {
      let name = String((message.decoded(as: String.self) ?? "?").prefix { $0 != "." })
      if done.contains(name) {
        throw CrashSession.Violation(description: "\(name) was answered, and is delivered again")
      }
      if dead.contains(name) {
        throw CrashSession.Violation(description: "\(name) is dead, and is delivered again")
      }
      note {
        if name.hasPrefix("bad") {
          try queue.fail(message, WorkFailed(description: "never"))
        } else {
          let tallies = try database.keyspace("done")
          try database.write { tx in
            try tx.increment(name, in: tallies)
            try tx.acknowledge(message)
          }
          done.insert(name)
        }
      }
    }
    note { dead.formUnion(try Self.dead(in: queue)) }
  }

  private static func dead(in queue: MessageQueue) throws -> Set<String> {
    Set(
      try queue.deadLetters().map { letter in
        String(String(decoding: letter.body, as: UTF8.self).prefix { $0 != "." })
      })
  }

  /// Works until nothing is left but the dead, and counts.
  private func finish(_ database: Database, _ effects: Effects) throws {
    let queue = try database.queue("q", options: Self.options)
    let before = refusals.count
    for turn in 0... {
      let counts = try queue.counts()
      if counts.ready + counts.waiting == 0 { break }
      try answer(database, queue)
      QueueWorld.sleep(.milliseconds(700), effects)
      guard turn < 200, refusals.count == before else {
        throw CrashSession.Violation(description: "work does not come to an end: \(refusals)")
      }
    }
    let receipts = try names(database, "sent")
    let tallies = try names(database, "done")
    let letters = try Self.dead(in: queue)
    guard sent.isSubset(of: receipts.keys) else {
      throw CrashSession.Violation(description: "lost: \(sent.subtracting(receipts.keys))")
    }
    let (good, bad) = (
      receipts.keys.filter { $0.hasPrefix("good") }, receipts.keys.filter { $0.hasPrefix("bad") }
    )
    guard Set(good) == Set(tallies.keys), tallies.values.allSatisfy({ $0 == 1 }) else {
      throw CrashSession.Violation(description: "sent \(good.sorted()), done \(tallies)")
    }
    guard Set(bad) == letters, dead.isSubset(of: letters) else {
      throw CrashSession.Violation(
        description: "bad \(bad.sorted()), dead \(letters.sorted()), were dead \(dead.sorted())")
    }
  }

  func check(_ effects: Effects) throws {
    let database = try QueueWorld.open(effects)
    defer { try? database.close() }
    let (doneBefore, deadBefore) = (done, dead)
    defer { (done, dead) = (doneBefore, deadBefore) }
    guard done.isSubset(of: try names(database, "done").keys) else {
      throw CrashSession.Violation(description: "an answer is lost")
    }
    try finish(database, effects)
    if let finding = try database.verify().findings.first {
      throw CrashSession.Violation(description: "\(finding)")
    }
  }

  private func names(_ database: Database, _ keyspace: String) throws -> [String: Int] {
    let keys = try database.keyspace(keyspace)
    var names: [String: Int] = [:]
    try database.read { snapshot in
      try snapshot.forEach(in: keys) { key, value in
        names[String(valueBytes: key) ?? "?"] = Int(valueBytes: value) ?? 1
        return .continue
      }
    }
    return names
  }
}
