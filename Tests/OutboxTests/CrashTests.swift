import Dispatch
import Environment
import Foundation
import Martlet
import RawBytes
import Seeds
import Simulation
import Synchronization
import Testing

/// Producers and consumers at work, and the power fails at every change of the disk.
@Suite(.serialized) struct `After a power cut a message queue` {
  static let stride: Int = {
    if let text = ProcessInfo.processInfo.environment["MARTLET_STRIDE"], let stride = Int(text) {
      return max(1, stride)
    }
    #if DEBUG
      return 8
    #else
      return 1
    #endif
  }()

  /// What a run was told by a moment.
  private struct Moment {
    var sent: Set<String> = []
    var done: Set<String> = []
  }

  private final class Journal: @unchecked Sendable {
    // SENDABLE: used by one thread of one simulation, and by its observer while that waits.
    var moment = Moment()
  }

  private struct Cut {
    let number: Int
    let image: DiskImage
    let moment: Moment
  }

  private static let options = QueueOptions(
    leaseDuration: .seconds(5), attemptLimit: 50, firstBackOff: .milliseconds(10))

  /// Sends with a receipt and works with a tally, each in the transaction of the message's own.
  private static func live(_ db: Database, _ seed: UInt64, _ journal: Journal) throws {
    var generator = SplitMix(seed)
    let queue = try db.queue("q", options: options)
    let sent = try db.keyspace("sent")
    for number in 0..<60 {
      let name = "message \(number)"
      let key = generator.below(3) == 0 ? name : nil
      let byteCount = generator.below(5) == 0 ? 5000 : 20
      for _ in 0..<(key == nil ? 1 : 2) {
        try db.write { tx in
          try tx.set(name, for: name, in: sent)
          let body = name + String(repeating: ".", count: byteCount)
          try tx.enqueue(body, to: queue, key: key)
        }
        journal.moment.sent.insert(name)
      }
      if generator.below(2) == 0 { try work(db, queue, &generator, journal) }
      if number % 20 == 19 { try db.checkpoint() }
    }
  }

  private static func work(
    _ db: Database, _ queue: MessageQueue, _ generator: inout SplitMix, _ journal: Journal?
  ) throws {
    let done = try db.keyspace("done")
    for message in try queue.claim(limit: generator.below(3) + 1) {
      let body = message.decoded(as: String.self) ?? "?"
      let name = String(body.prefix { $0 != "." })
      switch generator.below(5) {
      case 0: try queue.fail(message, WorkFailed(description: "no"))
      case 1: continue
      default:
        try db.write { tx in
          let count = try tx.value(for: name, in: done, as: Int.self) ?? 0
          try tx.set(count + 1, for: name, in: done)
          try tx.acknowledge(message)
        }
        journal?.moment.done.insert(name)
      }
    }
  }

  @Test func `has every message that was sent, and each is done once`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    let journal = Journal()
    var cuts: [Cut] = []
    simulator.disk.observeChanges { [disk = simulator.disk] change in
      cuts.append(Cut(number: change, image: disk.snapshot, moment: journal.moment))
    }
    try simulator.run { effects in
      let db = try QueueWorld.open(effects)
      try Self.live(db, seed, journal)
      try db.close()
    }
    simulator.disk.observeChanges(nil)
    #expect(journal.moment.done.count > 10)
    let jobs = cuts.enumerated().filter { $0.offset % Self.stride == 0 }.flatMap { item in
      LossModel.allCases.map { (item.element, $0) }
    }
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
      let (cut, model) = jobs[index]
      do {
        try Self.check(cut, model, seed: seed)
      } catch {
        failures.withLock { $0.append("cut at change \(cut.number), \(model): \(error)") }
      }
    }
    let found = failures.withLock { $0 }
    for failure in found.prefix(5) { Issue.record("\(failure)") }
    print("\(cuts.count) changes, \(jobs.count) recoveries")
    #expect(found.isEmpty, "\(found.count) of \(jobs.count) recoveries failed")
  }

  /// Recovers, works until nothing is left, and counts.
  private static func check(_ cut: Cut, _ model: LossModel, seed: UInt64) throws {
    let survivor = cut.image.afterPowerCut(model, seed: seed &+ UInt64(cut.number))
    try Simulator(seed: seed &+ 1, disk: survivor).run { effects in
      let db = try QueueWorld.open(effects)
      defer { try? db.close() }
      let queue = try db.queue("q", options: options)
      var generator = SplitMix(seed &+ UInt64(cut.number))
      let before = try names(db, "done")
      guard cut.moment.done.isSubset(of: before.keys) else {
        throw WorkFailed(description: "an acknowledgement is lost")
      }
      while try queue.counts() != QueueCounts() {
        try work(db, queue, &generator, nil)
        QueueWorld.sleep(.milliseconds(500), effects)
      }
      let (sent, done) = (try names(db, "sent"), try names(db, "done"))
      guard cut.moment.sent.isSubset(of: sent.keys) else {
        throw WorkFailed(description: "something that was sent is lost")
      }
      guard Set(sent.keys) == Set(done.keys) else {
        throw WorkFailed(
          description: "sent and not done: \(Set(sent.keys).subtracting(done.keys)), done and not "
            + "sent: \(Set(done.keys).subtracting(sent.keys))")
      }
      guard done.values.allSatisfy({ $0 == 1 }) else {
        throw WorkFailed(description: "something was done more than once")
      }
    }
  }

  private static func names(_ db: Database, _ keyspace: String) throws -> [String: Int] {
    let keys = try db.keyspace(keyspace)
    var names: [String: Int] = [:]
    try db.read { snapshot in
      try snapshot.forEach(in: keys) { key, value in
        let name = String(valueBytes: key) ?? "?"
        names[name] = Int(valueBytes: value) ?? 0
        return .continue
      }
    }
    return names
  }
}
