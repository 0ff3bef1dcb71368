internal import Environment
internal import Martlet
internal import Primitives
internal import Simulation

/// One life of a database under torture: its sessions, side by side in one simulated world, and
/// the history that they leave.
final class TortureLife: @unchecked Sendable {
  // SENDABLE: its threads are simulated: one at a time runs, and they change only in calls into
  // the seams, which no method here makes while it changes a property.
  static let directory = "/torture"
  static let spaces = ["main", "side"]

  let plan: TorturePlan
  let life: TorturePlan.Life
  let simulator: Simulator
  let effects: Effects
  let database: Database
  /// Errors that what was declared explains.
  let tolerance: TortureTolerance
  var history = TortureHistory()
  var faults = FaultCounts()
  var counts = TortureCounts()
  var clock: TortureClock
  var violation: TortureViolation?
  var operationCount = 0
  /// Somebody met a final error: the life is over.
  var isOver = false
  /// The passing keyspace of now.
  var passing: String?
  private var numbers: [Int: Int]
  private let lifeNumber: Int

  init(
    plan: TorturePlan, lifeNumber: Int, simulator: Simulator, effects: Effects,
    database: Database, tolerance: TortureTolerance, numbers: [Int: Int]
  ) {
    self.plan = plan
    self.lifeNumber = lifeNumber
    life = plan.lives[lifeNumber]
    self.simulator = simulator
    self.effects = effects
    self.database = database
    self.tolerance = tolerance
    self.numbers = numbers
    clock = TortureClock(simulator)
  }

  /// The number of each session's newest attempt so far.
  var newestNumbers: [Int: Int] { numbers }

  func nextNumber(of session: Int) -> Int {
    numbers[session, default: 0] += 1
    return numbers[session, default: 0]
  }

  /// Runs all sessions to their end.
  func run() {
    guard makeSpaces() else { return }
    let threads = life.sessions.indices.map { number in
      effects.background.start("session-\(number)") { [self] in
        TortureSession(number: number, life: self).run()
      }
    }
    for thread in threads { thread.join() }
    let statistics = database.statistics
    faults.add(.versionBudgetRunsOut, Int(statistics.expiredSnapshots))
    faults.add(.lockTimesOut, Int(statistics.aborts["lockTimeout"] ?? 0))
    counts.sweptCount += Int(statistics.expiredEntriesRemoved)
  }

  /// Makes the keyspaces that are missing; false when one could not be made.
  private func makeSpaces() -> Bool {
    let names = database.keyspaceNames
    for name in [TortureHistory.ledger] + Self.spaces where !names.contains(name) {
      create(name)
      if history.catalogChanges.last?.succeeded != true { return false }
    }
    passing = names.last { $0.hasPrefix("passing") }
    return true
  }

  // MARK: Keyspaces

  /// Makes a keyspace, and writes down what came of it.
  func create(_ name: String, timeToLive: UInt64? = nil) {
    let options = KeyspaceOptions(timeToLive: timeToLive.map { .nanoseconds(Int64($0)) })
    changeCatalog(name, isCreation: true) { _ = try database.keyspace(name, options: options) }
  }

  /// Builds a keyspace in bulk: all of it is durable, or there is none, whatever the durability.
  func build(_ name: String, _ build: TortureBuild) {
    // Moments: from what an expiry after some time counts here, only the build knows.
    let records = build.records.map { record in
      (key: record.key, bytes: record.value.bytes, expiry: record.expiry.map(moment))
    }
    let content = records.map { record in
      (
        record.key,
        TortureHistory.Built(
          hash: TortureValue.hash(record.bytes), expiry: record.expiry?.nanosecondsSince1970 ?? 0)
      )
    }
    changeCatalog(
      name, isCreation: true, content: Dictionary(uniqueKeysWithValues: content), isDurable: true
    ) {
      try database.build(name, order: build.sortingByteCount.map { .any(memory: $0) } ?? .ascending)
      { builder in
        for record in records {
          let key = TortureKey.bytes(record.key)
          if let expiry = record.expiry {
            try builder.append(key, record.bytes, expires: .at(expiry))
          } else {
            try builder.append(key, record.bytes)
          }
        }
      }
    }
  }

  func drop(_ name: String) {
    changeCatalog(name, isCreation: false) { try database.dropKeyspace(name) }
  }

  func passingName(_ step: Int) -> String { "passing-\(lifeNumber)-\(step)" }

  private func changeCatalog(
    _ name: String, isCreation: Bool, content: [Int: TortureHistory.Built]? = nil,
    isDurable: Bool = false,
    _ body: () throws -> Void
  ) {
    let index = history.catalogChanges.count
    history.catalogChanges.append(
      .init(
        name: name, isCreation: isCreation, content: content, invoked: history.nextEvent()))
    do {
      try body()
      history.catalogChanges[index].succeeded = true
      history.catalogChanges[index].isDurable =
        isDurable || plan.configuration.durability != .relaxed
      history.catalogChanges[index].returned = history.nextEvent()
    } catch {
      if (error as? DatabaseError)?.code != .commitUnknown {
        history.catalogChanges[index].succeeded = false
      }
      meet(error, "\(isCreation ? "making" : "dropping") keyspace \(name)")
    }
  }

  // MARK: Time

  /// An expiry as it is asked for now.
  func expiry(_ recipe: TortureExpiry) -> Expiry {
    switch recipe {
    case .never: .never
    case .after(let nanoseconds): .after(.nanoseconds(Int64(nanoseconds)))
    case .at: .at(moment(recipe))
    }
  }

  private func moment(_ recipe: TortureExpiry) -> WallTime {
    let offset: Int64 =
      switch recipe {
      case .never: 1 << 60
      case .after(let nanoseconds): Int64(nanoseconds)
      case .at(let offset): offset
      }
    return WallTime(
      nanosecondsSince1970: UInt64(Int64(simulator.wallClock) &+ offset))
  }

  /// Holds the moment by which somebody judged, since a mark, against the clock.
  func note(_ moment: UInt64, since mark: TortureClock.Mark) {
    if let violation = clock.note(moment, since: mark, simulator) { fail(violation) }
  }

  func jumpWallClock(_ nanoseconds: Int64) {
    simulator.jumpWallClock(byNanoseconds: nanoseconds)
    clock.jumped(simulator)
    faults.add(nanoseconds < 0 ? .wallClockJumpsBack : .wallClockJumpsForward)
  }

  // MARK: Errors

  /// An error came out of the face: it must be one that something declared explains.
  func meet(_ error: any Error, _ action: @autoclosure () -> String) {
    guard let error = error as? DatabaseError else {
      if let violation = error as? TortureViolation {
        fail(violation)
      } else {
        fail(TortureViolation(.unexpectedError, "\(action()): \(error)"))
      }
      return
    }
    switch tolerance.judge(error, isDisturbed: isDisturbed) {
    case .expected: break
    case .final: isOver = true
    case .unexplained:
      fail(TortureViolation(.unexpectedError, "\(action()): \(error)"))
    }
  }

  func fail(_ violation: TortureViolation) {
    if self.violation == nil { self.violation = violation }
    isOver = true
  }

  /// Whether anything happened so far that explains a failing call.
  private var isDisturbed: Bool { simulator.disk.isDisturbed }
}

extension SimulatedDisk {
  /// Whether the power is off, a fault fired, or the disk was full.
  var isDisturbed: Bool { !isPowered || counters.fired.contains { $0.key != .delayed } }
}

/// Which errors are right answers.
struct TortureTolerance: Sendable {
  /// The bytes on the disk may be wrong: `corrupt` is a right answer.
  var isDiskDamaged: Bool
  /// Reads may return wrong bytes.
  var areReadsCorrupted: Bool

  var isCorruptionPossible: Bool { isDiskDamaged || areReadsCorrupted }

  enum Verdict { case expected, final, unexplained }

  func judge(_ error: DatabaseError, isDisturbed: Bool) -> Verdict {
    switch error.code {
    case .writeConflict, .serializationFailure, .deadlockVictim, .lockTimeout, .snapshotTooOld,
      .keyspaceDropped,
      .unknownKeyspace, .transactionTooLarge:
      .expected
    case .diskFull: isDisturbed ? .expected : .unexplained
    case .inputOutput: isDisturbed ? .expected : .unexplained
    case .commitUnknown, .poisoned: isDisturbed || isDiskDamaged ? .final : .unexplained
    case .corrupt: isDiskDamaged || areReadsCorrupted && isDisturbed ? .expected : .unexplained
    default: .unexplained
    }
  }
}
