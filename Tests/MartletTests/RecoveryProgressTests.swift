import Environment
import Martlet
import RawBytes
import Simulation
import Synchronization
import Testing
import Verification

/// A long recovery shows that it moves (rule R5).
@Suite struct `The progress of a recovery` {
  /// A clock that makes everything seem slow: each look at it takes most of a second.
  private final class SlowTime: TimeSource {
    private let base: any TimeSource
    private let lookCount = Atomic<UInt64>(0)

    init(_ base: any TimeSource) { self.base = base }

    func wallClock() -> UInt64 { base.wallClock() }

    func monotonic() -> UInt64 {
      let count = lookCount.wrappingAdd(1, ordering: .relaxed).newValue
      return base.monotonic() + count * 700_000_000
    }
  }

  private final class Recorder: EventSink {
    private let events = Mutex<[Event]>([])

    func report(_ event: Event) { events.withLock { $0.append(event) } }

    var notices: [String] {
      events.withLock { $0.filter { $0.severity == .notice }.map(\.message) }
    }
  }

  private func reopen(isSlow: Bool) throws -> (notices: [String], count: Int) {
    var configuration = CrashSession.smallConfiguration
    configuration.checkpointLogBytes = 1 << 30
    configuration.checkpointInterval = .seconds(3600)
    let simulator = Simulator(seed: 1)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      let keys = try db.keyspace("k")
      for number in 0..<200 { try db.write { try $0.set(number, for: "key \(number)", in: keys) } }
      simulator.disk.cutPower()
      try? db.close()
    }
    let recorder = Recorder()
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    let count = try Simulator(seed: 2, disk: image).run { effects in
      let slow = Effects(
        files: effects.files, time: isSlow ? SlowTime(effects.time) : effects.time,
        entropy: effects.entropy, waits: effects.waits, background: effects.background,
        events: recorder)
      let db = try Database(at: "/db", configuration: configuration, effects: slow)
      defer { try? db.close() }
      let keys = try #require(try db.existingKeyspace("k"))
      var count = 0
      try db.read { snapshot in
        try snapshot.forEach(in: keys) { (_: RawSpan, _: RawSpan) in
          count += 1
          return .continue
        }
      }
      return count
    }
    return (recorder.notices.filter { $0.hasPrefix("recovering: ") }, count)
  }

  @Test func `is told every two seconds with what is done, of how much, and what is left`() throws {
    let (notices, count) = try reopen(isSlow: true)
    #expect(count == 200)
    // Two hundred batches at 0.7 seconds and more.
    #expect(notices.count > 20, "\(notices)")
    let form = /recovering: \d+ of \d+ MiB \((\d+) %\), (\d+) commits, about \d+ s left/
    var newest = (share: 0, commits: 0)
    for notice in notices {
      let match = try #require(try form.wholeMatch(in: notice), "\(notice)")
      let (share, commits) = (Int(match.1) ?? -1, Int(match.2) ?? -1)
      #expect(share >= newest.share && share <= 100 && commits >= newest.commits, "\(notices)")
      newest = (share, commits)
    }
    #expect(newest.commits > 100)
  }

  @Test func `is not told when it is short`() throws {
    #expect(try reopen(isSlow: false).notices == [])
  }
}
