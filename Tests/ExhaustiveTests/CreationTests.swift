import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// What the enumeration of failing calls found.
@Suite struct `A creation that fails` {
  /// The sync of the new directory's name failed, once. The next attempt found the directory, synced
  /// its name again, was told that all is well (rule F1), and built a database whose every
  /// acknowledged commit went with the next power cut: nothing in the parent's medium led to it.
  @Test func `leaves no directory whose name is not durable`() throws {
    let simulator = Simulator(seed: Seed.fixed)
    simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [.syncDirectory], .once(at: 1)))
    let session = CrashSession(
      script: .commits, configuration: CrashSession.smallConfiguration)
    try simulator.run { effects in
      let refusal = #expect(throws: DatabaseError.self) { try session.run(effects) }
      #expect(refusal?.code == .inputOutput)
      #expect(simulator.disk.snapshot.paths.isEmpty)
      try session.run(effects)
    }
    let found = try SurvivorCampaign.recover(
      simulator.disk.afterPowerCut(.loseAll, seed: 1), session.configuration, seed: 2)
    #expect(session.journal.match(found.fingerprint, at: session.journal.moment) != nil)
  }
}
