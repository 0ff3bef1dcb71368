internal import Martlet
internal import Simulation

extension TorturePlan {
  /// What the sessions of one life do.
  static func sessions(
    _ generator: inout SeededGenerator, keyCount: Int, _ limits: TortureLimits,
    featuring featured: TortureFault?
  ) -> [[Step]] {
    let count = 1 + generator.below(4)
    let length = 5 + generator.below(36)
    var sessions = (0..<4).map { number in
      var stream = generator.fork()
      let maker = StepMaker(keyCount: keyCount, isFirst: number == 0)
      return (0..<length).map { _ in maker.step(&stream) }
    }
    var places = generator.fork()
    let place = places.below(min(12, sessions[0].count))
    sessions[0].insert(
      contentsOf: Self.steps(for: featured, keyCount: keyCount, &places), at: place)
    return sessions.prefix(min(count, limits.sessions)).map { steps in
      steps.prefix(limits.steps).filter { step in
        switch step {
        case .jumpWallClock(let nanoseconds):
          !limits.without.contains(
            nanoseconds < 0 ? .wallClockJumpsBack : .wallClockJumpsForward)
        case .fillDisk: !limits.without.contains(.diskRunsFull)
        case .exceedWriteSet: !limits.without.contains(.writeSetLimitIsReached)
        default: true
        }
      }
    }
  }

  /// Of the keyspaces that sessions make, every other one is built in bulk.
  static func turnCreationsIntoBuilds(
    _ sessions: inout [[Step]], keyCount: Int, _ generator: inout SeededGenerator
  ) {
    for session in sessions.indices {
      for index in sessions[session].indices {
        guard case .createKeyspace = sessions[session][index], generator.oneIn(2) else { continue }
        sessions[session][index] = .buildKeyspace(TortureBuild(&generator, keyCount: keyCount))
      }
    }
  }

  /// Of the checkpoints, one in four is one that a backup begins with, and one in eight one that a
  /// compaction ends with. Which become of which depends on its place alone, so that a limit which takes
  /// away others leaves it as it is (TP1).
  static func turnCheckpointsIntoCopies(_ sessions: inout [[Step]], salt: UInt64) {
    for session in sessions.indices {
      var generator = SeededGenerator(seed: salt &+ UInt64(session))
      for index in sessions[session].indices {
        guard case .checkpoint = sessions[session][index] else { continue }
        switch generator.below(8) {
        case 0, 1: sessions[session][index] = .backUp
        case 2: sessions[session][index] = .compact
        default: break
        }
      }
    }
  }

  /// The steps that bring about a kind which the work as a rule does not meet.
  private static func steps(
    for featured: TortureFault?, keyCount: Int, _ generator: inout SeededGenerator
  ) -> [Step] {
    switch featured {
    case .diskRunsFull:
      return [
        .fillDisk(
          spareByteCount: generator.below(24) * 4096,
          nanoseconds: UInt64(1 + generator.below(30)) * 1_000_000)
      ]
    case .wallClockJumpsForward:
      return [.jumpWallClock(nanoseconds: Int64(generator.below(1 << 40)))]
    case .wallClockJumpsBack:
      return [.jumpWallClock(nanoseconds: -Int64(generator.below(1 << 40)))]
    case .writeSetLimitIsReached: return [.exceedWriteSet(space: generator.below(2))]
    case .versionBudgetRunsOut: return [.outlive(space: 0, seed: generator.next())]
    case .truncationFails, .holePunchFails:
      // A few megabytes that go again, so that the tail of the file, and places in it, are free.
      let keys = (0..<4).map { _ in generator.below(keyCount) }
      let values = keys.map { key in
        Operation.setLarge(
          space: 0, key: key, value: TortureValue(seed: generator.next(), byteCount: 800_000),
          pieceByteCount: 100_000)
      }
      let removals = keys.map { Operation.remove(space: 0, key: $0) }
      func commit(_ operations: [Operation]) -> Step {
        .transaction(operations, durability: nil, commits: true, retries: true)
      }
      return [commit(values), .checkpoint, commit(removals)]
        + Array(repeating: [Step.checkpoint, .pause(nanoseconds: 20_000_000)], count: 3).joined()
    default: return []
    }
  }
}

/// Draws the steps of a session.
private struct StepMaker {
  let keyCount: Int
  /// The first session alone makes and drops keyspaces.
  let isFirst: Bool

  func step(_ generator: inout SeededGenerator) -> TorturePlan.Step {
    switch generator.below(40) {
    case 0..<24: return transaction(&generator)
    case 24..<31:
      let (bounds, isReverse, limit) = range(&generator)
      return .observe(
        space: generator.below(3), bounds: bounds, isReverse: isReverse, limit: limit,
        pause: generator.oneIn(4) ? pause(&generator) * 20 : pause(&generator))
    case 31: return .checkpoint
    case 32: return generator.oneIn(4) ? .verify : .checkpoint
    case 33 where isFirst: return .createKeyspace(timeToLive: nil)
    case 34 where isFirst: return .dropKeyspace
    case 35 where generator.oneIn(6): return .exceedWriteSet(space: generator.below(2))
    case 36 where generator.oneIn(6):
      return .fillDisk(
        spareByteCount: generator.below(64) * 4096, nanoseconds: pause(&generator) * 4)
    case 37 where generator.oneIn(4):
      return .jumpWallClock(nanoseconds: Int64(generator.below(1 << 36)) - 1 << 35)
    default: return .pause(nanoseconds: pause(&generator))
    }
  }

  private func pause(_ generator: inout SeededGenerator) -> UInt64 {
    UInt64(TorturePlan.skewed(&generator, 4096)) * 2_000
  }

  private func transaction(_ generator: inout SeededGenerator) -> TorturePlan.Step {
    let count = 1 + generator.below([2, 4, 12][generator.below(3)])
    let operations = (0..<count).map { _ in operation(&generator) }
    let durability: Durability? =
      switch generator.below(6) {
      case 0: .relaxed
      case 1: .full
      default: nil
      }
    return .transaction(
      operations, durability: durability, commits: !generator.oneIn(12),
      retries: generator.oneIn(2))
  }

  private func operation(_ generator: inout SeededGenerator) -> TorturePlan.Operation {
    let space = [0, 0, 0, 1, 1, 2][generator.below(6)]
    let key = generator.below(keyCount)
    switch generator.below(20) {
    case 0..<3 where keyCount >= 400:
      return .fill(
        space: space, keys: stretch(from: key, &generator), seed: generator.next(),
        byteCount: 1 + generator.below(700))
    case 9 where keyCount >= 400: return .clear(space: space, keys: stretch(from: key, &generator))
    case 0..<8:
      return .set(space: space, key: key, value: value(&generator), expiry: nil)
    case 8:
      let byteCount = 4_000 + generator.below(60_000)
      return .setLarge(
        space: space, key: key, value: TortureValue(seed: generator.next(), byteCount: byteCount),
        pieceByteCount: 1 + generator.below(9_000))
    case 9..<12: return .remove(space: space, key: key)
    case 12..<15:
      return .increment(space: space, key: keyCount + key % TortureKey.counterCount, by: 1 + key)
    case 15, 16: return .get(space: space, key: key)
    case 17, 18:
      let (bounds, isReverse, limit) = range(&generator)
      return .scan(space: space, bounds: bounds, isReverse: isReverse, limit: limit)
    default: return .pause(nanoseconds: pause(&generator))
    }
  }

  private func stretch(from key: Int, _ generator: inout SeededGenerator) -> Range<Int> {
    key..<min(key + 1 + generator.below(64), keyCount)
  }

  private func value(_ generator: inout SeededGenerator) -> TortureValue {
    let bound = [40, 400, 1_000, 3_000, 12_000][min(generator.below(6), 4)]
    return TortureValue(seed: generator.next(), byteCount: generator.below(bound))
  }

  private func range(_ generator: inout SeededGenerator) -> (Range<Int>, Bool, Int) {
    let all = keyCount + TortureKey.mergedCount
    let start = generator.oneIn(2) ? 0 : generator.below(all)
    let end = generator.oneIn(2) ? all : start + generator.below(all - start + 1)
    return (start..<end, generator.oneIn(2), generator.oneIn(3) ? 1 + generator.below(all) : all)
  }
}
