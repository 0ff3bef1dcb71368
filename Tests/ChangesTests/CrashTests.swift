import Dispatch
import Foundation
import Martlet
import RawBytes
import Seeds
import Simulation
import Synchronization
import Testing

/// The power fails at every change of the disk, and the consumer goes on from the token that it had.
@Suite(.serialized) struct `After a power cut a change feed` {
  /// In release every change is a cut; in debug a sample, for the same code.
  static let stride: Int = {
    if let text = ProcessInfo.processInfo.environment["MARTLET_STRIDE"], let stride = Int(text) {
      return max(1, stride)
    }
    #if DEBUG
      return 12
    #else
      return 1
    #endif
  }()

  private struct Cut {
    let number: Int
    let image: DiskImage
    let moment: FeedLife.Moment
  }

  @Test(arguments: [8 << 20, 0])
  func `shows nothing that is lost and leaves nothing out`(retention: Int) throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    let life = FeedLife(seed: seed, stepCount: 220, mayLose: retention == 0)
    var cuts: [Cut] = []
    simulator.disk.observeChanges { [disk = simulator.disk] change in
      cuts.append(Cut(number: change, image: disk.snapshot, moment: life.moment))
    }
    try simulator.run { effects in
      let db = try FeedWorld.open(effects, retention: retention)
      try life.run(db)
      try db.close()
    }
    simulator.disk.observeChanges(nil)
    let jobs = cuts.enumerated().filter { $0.offset % Self.stride == 0 }.flatMap { item in
      LossModel.allCases.map { (item.element, $0) }
    }
    let failures = Mutex<[String]>([])
    let lostCount = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
      let (cut, model) = jobs[index]
      do {
        let lost = try Self.check(cut, model, life, seed: seed, retention: retention)
        lostCount.withLock { $0 += lost ? 1 : 0 }
      } catch {
        failures.withLock {
          $0.append("cut at change \(cut.number), \(model): \(error)")
        }
      }
    }
    let found = failures.withLock { $0 }
    for failure in found.prefix(5) { Issue.record("\(failure)") }
    print("\(cuts.count) changes, \(jobs.count) recoveries, \(lostCount.withLock { $0 }) lost")
    #expect(found.isEmpty, "\(found.count) of \(jobs.count) recoveries failed")
    if retention > 0 { #expect(lostCount.withLock { $0 } == 0) }
  }

  private struct Violation: Error, CustomStringConvertible { let description: String }

  /// Recovers, reads on from the last token and from a random one. True: a position was lost.
  private static func check(
    _ cut: Cut, _ model: LossModel, _ life: FeedLife, seed: UInt64, retention: Int
  ) throws -> Bool {
    let survivor = cut.image.afterPowerCut(model, seed: seed &+ UInt64(cut.number))
    var isLost = false
    try Simulator(seed: seed &+ 1, disk: survivor).run { effects in
      let db = try FeedWorld.open(effects, retention: retention)
      defer { try? db.close() }
      let rows = try db.rows()
      guard
        let count = (cut.moment.acknowledged...cut.moment.attempted).last(where: {
          life.states[$0] == rows
        })
      else { throw Violation(description: "a state that there never was") }
      guard cut.moment.shownCount <= cut.moment.attempted else {
        throw Violation(description: "the feed has shown more than there was")
      }
      var generator = SplitMix(seed &+ UInt64(cut.number))
      var tokens = life.tokens.filter { $0.shownCount <= cut.moment.shownCount }
      guard cut.moment.token != nil, let last = tokens.popLast() else { return }
      for (shownCount, token) in [last] + tokens.shuffled(using: &generator).prefix(2) {
        do {
          let rest = try ChangeReader(db, from: token).pollAll()
          let told = life.told(rest)
          // Equal states may follow one another: then the feed decides which it is.
          let end = shownCount + told.count
          guard (cut.moment.acknowledged...cut.moment.attempted).contains(end),
            told == Array(life.expected[shownCount..<end]), life.states[end] == rows
          else {
            throw Violation(
              description: "from the token behind \(shownCount) the feed tells \(told.count), the "
                + "database holds \(count) of \(cut.moment.acknowledged)...\(cut.moment.attempted)")
          }
        } catch let error as DatabaseError where error.code == .positionLost {
          isLost = true
          if retention > 0 { throw error }
        }
      }
    }
    return isLost
  }
}
