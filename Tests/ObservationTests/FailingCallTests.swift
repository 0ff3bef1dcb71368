import Environment
import Martlet
import Primitives
import RawBytes
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Each call of the file system fails, with each number, once and from then on, while live queries read
/// more than the cache holds.
@Suite(.serialized) struct `Live queries on a failing disk` {
  @Test func `outlive what passes, and show the last state afterwards`() throws {
    let survey = try CallFaultSurvey<ObservedLife>(seed: 5)
    // Reads are most of the calls, and are what it is about; what fails of the rest is met as well.
    #expect(
      survey.problems(stride: Effort.stride(debug: 211, release: 29), refusedShare: 0.08) == [])
  }
}

/// A writer, and two live queries that read all rows: one that is told of failures that go on, and one
/// that is not.
private final class ObservedLife: FaultedLife, @unchecked Sendable {
  // SENDABLE: touched by the one thread of the simulation that runs.
  var refusals: [DatabaseError] = []
  /// The sum of all rows, and what it may be when a commit's fate is not known.
  private var total = 0
  private var unknownTotal: Int?
  private var isOver = false
  private var violation: CrashSession.Violation?
  private var passedCount = 0

  private static let rowCount = 420

  private static var configuration: Configuration {
    var configuration = CrashSession.smallConfiguration
    configuration.log = Configuration().log
    return configuration
  }

  private static func value(_ number: Int) -> [UInt8] {
    [UInt8(number)] + [UInt8](repeating: 7, count: 800)
  }

  func live(_ effects: Effects, relieve: () -> Void) throws {
    guard
      let database = opened({
        try Database(at: "/db", configuration: Self.configuration, effects: effects)
      })
    else { return relieve() }
    var rows: Keyspace?
    note {
      let made = try database.keyspace("rows")
      try write(database, made, Array(0..<Self.rowCount), 1)
      rows = made
    }
    var threads: [any BackgroundThread] = []
    if let rows, !isFinal {
      threads = [false, true].map { tells in
        effects.background.start("observer") { [self] in
          watch(database, rows, tellsPassingFailures: tells, effects)
        }
      }
      for number in 0..<6 where !isFinal {
        note { try write(database, rows, [number * 67], 2 + number) }
        pause(effects)
      }
      note { try database.checkpoint() }
    }
    relieve()
    if let rows, !isFinal {
      let before = refusals.count
      note { try write(database, rows, [100], 9) }
      if refusals.count > before, !isFinal {
        violation = .init(description: "writing does not go on: \(refusals)")
      }
    }
    isOver = true
    for thread in threads { thread.join() }
    note { try database.close() }
    if let violation { throw violation }
  }

  private var values: [Int: Int] = [:]

  private func write(_ database: Database, _ rows: Keyspace, _ keys: [Int], _ value: Int) throws {
    var values = values
    for key in keys { values[key] = value }
    let sum = values.values.reduce(0, +)
    do {
      try database.write { tx in
        for key in keys { try tx.set(Self.value(value), for: "row \(key)", in: rows) }
      }
      (self.values, total) = (values, sum)
    } catch let error as DatabaseError {
      if error.code == .commitUnknown { unknownTotal = sum }
      throw error
    }
  }

  private func pause(_ effects: Effects) {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + 30_000_000)
  }

  /// Takes values until the writer has ended and the last state is there.
  private func watch(
    _ database: Database, _ rows: Keyspace, tellsPassingFailures: Bool, _ effects: Effects
  ) {
    let observer = database.observer(tellsPassingFailures: tellsPassingFailures) { snapshot in
      var sum = 0
      try snapshot.forEach(in: rows) { _, value in
        sum += Int([UInt8](valueBytes: value)?.first ?? 0)
        return .continue
      }
      return sum
    }
    defer { observer.end() }
    for _ in 0..<500 {
      let wasOver = isOver
      let answer = Mutex<LiveOutcome<Int>?>(nil)
      let ticket = effects.waits.makeTicket()
      observer.request { outcome in
        answer.withLock { $0 = outcome }
        effects.waits.wake(ticket)
      }
      // The last state may have been shown already.
      _ = effects.waits.park(ticket, until: effects.time.monotonic() + 20_000_000_000)
      switch answer.withLock({ $0 }) {
      case .value(let sum)?:
        if wasOver, sum == total || sum == unknownTotal { return }
        last = sum
      case .failure(let error as DatabaseError)? where tellsPassingFailures && Self.passes(error):
        passedCount += 1
      case .failure(let error)?:
        // Only the end of the database is the end of its observers.
        guard isEnd(error, of: database, rows) else {
          violation = .init(description: "ended by \(error); refused: \(refusals)")
          return
        }
        return
      case .ended?:
        violation = .init(description: "ended without a reason")
        return
      case nil:
        observer.withdraw()
        if wasOver, last == total || last == unknownTotal || isFinal { return }
        if wasOver {
          violation = .init(
            description: "the last state, \(total), did not come; shown was \(last)")
          return
        }
      }
    }
    violation = .init(description: "values without an end")
  }

  private var last = -1

  private static func passes(_ error: DatabaseError) -> Bool {
    [.inputOutput, .diskFull, .snapshotTooOld].contains(error.code)
  }

  private func isEnd(_ error: any Error, of database: Database, _ rows: Keyspace) -> Bool {
    guard let code = (error as? DatabaseError)?.code, code == .poisoned || code == .commitUnknown
    else { return false }
    do {
      try database.write { try $0.set(Self.value(3), for: "row 0", in: rows) }
      return false
    } catch { return (error as? DatabaseError)?.code == .poisoned }
  }

  func check(_ effects: Effects) throws {
    let database = try Database(at: "/db", configuration: Self.configuration, effects: effects)
    defer { try? database.close() }
    if let rows = try database.existingKeyspace("rows") {
      var sum = 0
      try database.read { snapshot in
        try snapshot.forEach(in: rows) { _, value in
          sum += Int([UInt8](valueBytes: value)?.first ?? 0)
          return .continue
        }
      }
      guard sum == total || sum == unknownTotal else {
        throw CrashSession.Violation(description: "\(sum) instead of \(total)")
      }
    } else if total > 0 {
      throw CrashSession.Violation(description: "the keyspace is gone")
    }
  }
}
