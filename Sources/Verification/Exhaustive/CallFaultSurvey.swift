internal import Dispatch
package import Environment
package import Martlet
internal import Simulation
internal import Synchronization

/// A life of a database in a world where a call fails, and what must be left of it.
///
/// One object is one life: used by the threads of one simulated world at a time.
package protocol FaultedLife: AnyObject, SendableMetatype {
  init()
  /// Lives, notes what it is told, and holds every answer against it. `relieve` ends the trouble:
  /// afterwards work must go on, unless the database said that it is final.
  ///
  /// - Throws: what is wrong.
  func live(_ effects: Effects, relieve: () -> Void) throws
  /// Looks at what a later process finds.
  ///
  /// - Throws: what is wrong.
  func check(_ effects: Effects) throws
  /// What the database refused.
  var refusals: [DatabaseError] { get set }
}

extension FaultedLife {
  /// Whether the database has said that it is over.
  package var isFinal: Bool {
    refusals.contains { $0.code == .commitUnknown || $0.code == .poisoned }
  }

  /// Does something, and notes why the database refused it, which is returned. Whatever else is thrown
  /// is a bug.
  @discardableResult
  package func note(_ body: () throws -> Void) -> DatabaseError? {
    do {
      try body()
      return nil
    } catch let error as DatabaseError {
      refusals.append(error)
      return error
    } catch {
      preconditionFailure("an error that is none of the database's: \(error)")
    }
  }

  /// The database; nil when it did not open, which is noted.
  package func opened(_ open: () throws -> Database) -> Database? {
    var database: Database?
    note { database = try open() }
    return database
  }
}

/// Takes one kind of life through every fault of every call, and what is left of each through a restart
/// and a power cut.
package struct CallFaultSurvey<Life: FaultedLife> {
  private let seed: UInt64
  package let callCount: Int
  /// Every fault that there is.
  package let all: [CallFault]

  /// Lists the calls of a life without faults, which must be as it should be.
  package init(seed: UInt64) throws {
    self.seed = seed
    let life = Life()
    let calls = try CallFault.calls(seed: seed) { try life.live($0) {} }
    guard life.refusals.isEmpty else {
      throw CrashSession.Violation(description: "refused without a fault: \(life.refusals)")
    }
    callCount = calls.count
    all = CallFault.all(of: calls)
  }

  package struct Report: Sendable {
    package var caseCount = 0
    /// Lives in which the database refused something.
    package var refusedCount = 0
    /// Lives that the database ended.
    package var finalCount = 0
    /// What is wrong, by fault.
    package var violations: [String] = []
  }

  /// Lives every nth case and prints how many; what is wrong, by fault, and that the faults were hardly
  /// met, when the database refused something in a smaller share of many lives.
  package func problems(stride: Int, refusedShare: Double = 0.25) -> [String] {
    let report = run(stride: stride)
    print(
      "\(callCount) calls, \(report.caseCount) of \(all.count) cases, "
        + "\(report.refusedCount) refused something, \(report.finalCount) were final")
    let isHardlyMet = Double(report.refusedCount) <= refusedShare * Double(report.caseCount)
    return report.violations
      + (report.caseCount >= 24 && isHardlyMet ? ["the faults were hardly met"] : [])
  }

  /// Lives every nth case, on all processors. A stride without a divisor in common with the count of
  /// numbers meets each of them.
  package func run(stride: Int) -> Report {
    let cases = Swift.stride(from: 0, to: all.count, by: max(stride, 1)).map { all[$0] }
    let report = Mutex(Report(caseCount: cases.count))
    DispatchQueue.concurrentPerform(iterations: cases.count) { index in
      let outcome = live(cases[index])
      report.withLock { report in
        if outcome.wasRefused { report.refusedCount += 1 }
        if outcome.isFinal { report.finalCount += 1 }
        if let violation = outcome.violation { report.violations.append(violation) }
      }
    }
    return report.withLock { report in
      report.violations.sort()
      return report
    }
  }

  /// A thousand seconds lie between a life and the look at what is left.
  private static var nanosecondsBetween: UInt64 { 1_000_000_000_000 }

  private struct Outcome: Sendable {
    var wasRefused = false
    var isFinal = false
    var violation: String?
  }

  private func live(_ fault: CallFault) -> Outcome {
    let life = Life()
    let simulator = Simulator(seed: seed)
    simulator.disk.inject(fault.fault)
    var outcome = Outcome()
    do {
      try simulator.run { effects in
        try life.live(effects) { simulator.disk.removeFaults() }
      }
      outcome.wasRefused = !life.refusals.isEmpty
      outcome.isFinal = life.isFinal
      try requireNoDamage(life.refusals)
      var ends = [("power cut", simulator.disk.snapshot.afterPowerCut(.loseAll, seed: seed))]
      if !fault.endsTheMachine {
        ends.append(("restart", simulator.disk.snapshot.afterProcessCrash()))
      }
      for (name, image) in ends {
        do {
          var configuration = Simulator.Configuration()
          configuration.startingWallClock += Self.nanosecondsBetween
          try Simulator(seed: seed &+ 1, disk: image, configuration: configuration).run {
            try life.check($0)
          }
        } catch {
          throw CrashSession.Violation(description: "\(name): \(error)")
        }
      }
    } catch {
      outcome.violation = "\(fault): \(error)"
    }
    return outcome
  }

  /// No failure of the device is taken for damage.
  private func requireNoDamage(_ refusals: [DatabaseError]) throws {
    let damage: Set<DatabaseError.Code> = [
      .corrupt, .notADatabase, .newerFormat, .notFound, .alreadyOpen,
    ]
    for error in refusals where damage.contains(error.code) {
      throw CrashSession.Violation(description: "taken for damage: \(error)")
    }
  }
}
