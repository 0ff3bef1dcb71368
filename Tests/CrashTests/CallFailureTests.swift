import Dispatch
import Foundation
import Martlet
import Simulation
import Synchronization
import Testing
import Verification

/// Each nth call of the file system fails, once or from then on: nothing acknowledged is lost, and
/// nothing wrong is returned (rules F1, F2, F10).
@Suite(.serialized) struct `A failing call` {
  struct Case: Sendable {
    let number: Int
    let isOnce: Bool
    let effect: Fault.Effect
  }

  static let stride: Int = {
    #if DEBUG
      23
    #else
      1
    #endif
  }()

  @Test(arguments: [
    Fault.Effect.fails(Fault.inputOutput), .fails(Fault.noSpace),
    .failsHalfway(Fault.inputOutput),
  ])
  func `loses nothing, whichever it is`(_ effect: Fault.Effect) throws {
    let seed = `A power cut`.seed
    print("seed \(seed)")
    let calm = try CrashCampaign(script: .short(seed: seed), seed: seed)
    let callCount = calm.diskCounters.callCount
    #expect(callCount > 100)
    var cases: [Case] = []
    for number in Swift.stride(from: 1, through: callCount, by: Self.stride) {
      cases.append(Case(number: number, isOnce: true, effect: effect))
      cases.append(Case(number: number, isOnce: false, effect: effect))
    }
    let problems = Mutex<[String]>([])
    let refusals = Atomic<Int>(0)
    let all = cases
    DispatchQueue.concurrentPerform(iterations: all.count) { index in
      if let problem = run(all[index], seed, refusals) { problems.withLock { $0.append(problem) } }
    }
    let found = problems.withLock { $0.sorted() }
    for problem in found.prefix(5) { Issue.record("\(problem)") }
    let refused = refusals.load(ordering: .relaxed)
    print("\(all.count) runs, \(refused) of them refused something for good")
    #expect(refused > all.count / 4, "the faults were hardly met")
    #expect(found.isEmpty, "\(found.count) of \(all.count) runs")
  }

  /// Runs the script with the fault, then opens the disk without it: as a process that was started
  /// again, and as one after a power cut.
  private func run(
    _ fault: Case, _ seed: UInt64, _ refusals: borrowing Atomic<Int>
  ) -> String? {
    let session = CrashSession(
      script: .short(seed: seed), configuration: CrashSession.smallConfiguration)
    let simulator = Simulator(seed: seed)
    simulator.disk.inject(
      Fault(fault.effect, fault.isOnce ? .once(at: fault.number) : .from(fault.number)))
    do {
      try simulator.run { try session.run($0, isTolerant: true) }
    } catch is DatabaseError {
      // A typed refusal is what a failing disk should cause.
      refusals.add(1, ordering: .relaxed)
    } catch {
      return "\(fault): \(error)"
    }
    simulator.disk.removeFaults()
    let moment = session.journal.moment
    for (name, image) in [
      ("restart", simulator.disk.snapshot),
      ("power cut", simulator.disk.afterPowerCut(.loseAll, seed: seed)),
    ] {
      do {
        let fingerprint = try Simulator(seed: seed &+ 9, disk: image).run { effects in
          let database = try Database(
            at: CrashSession.directory, configuration: session.configuration, effects: effects)
          defer { try? database.close() }
          let report = try database.verify()
          guard report.isClean else {
            throw CrashSession.Violation(description: "\(report.findings[0])")
          }
          return try DatabaseDump.fingerprint(of: database)
        }
        guard session.journal.match(fingerprint, at: moment) != nil else {
          return "\(fault), \(name): acknowledged \(moment.acknowledged), attempted "
            + "\(moment.attempted), recovered to none of them"
        }
      } catch {
        return "\(fault), \(name): \(error)"
      }
    }
    return nil
  }
}
