internal import Consensus
internal import Environment
internal import Primitives
internal import Simulation

/// What the plan does to a machine and to its disk.
extension ClusterMember {
  func stop(_ ending: Machine.Ending, downFor nanoseconds: UInt64) {
    guard life?.isOver == false else { return }
    downUntil = run.world.now + nanoseconds
    machine.stop(ending)
  }

  /// The power fails at one of the next changes of the disk.
  func stop(_ ending: Machine.Ending, afterChanges count: Int, downFor nanoseconds: UInt64) {
    guard life?.isOver == false else { return }
    downUntil = run.world.now + nanoseconds
    machine.stop(ending, afterChanges: count) { [run] in run.counts.add(.crashInWrite) }
  }

  /// The next sync of a file fails, and says so (pitfall 14).
  func failNextSync() {
    guard let life, !life.isOver else { return }
    life.disk.inject(Fault(.fails(Fault.inputOutput), on: [.sync, .write], .once(at: 1)))
    run.counts.add(.syncFails)
  }

  /// Stops the machine; before the next process begins the disk is damaged.
  func damage(_ damage: ClusterDamage, seed: UInt64) {
    guard replica != nil, !staysDown else { return }
    pendingDamage = (damage, seed)
    downUntil = run.world.now + 300_000_000
    if life == nil { damageDisk() } else { machine.stop(.powerCut(.random)) }
  }

  /// Ends what still has to come.
  func heal() {
    downUntil = 0
    machine.disarm()
    life?.disk.removeFaults()
    signal()
  }

  func damageDisk() {
    guard let (damage, seed) = pendingDamage else { return }
    pendingDamage = nil
    var chance = SeededGenerator(seed: seed)
    let isDone: Bool
    switch damage {
    case .wipes:
      machine.image = DiskImage()
      isDone = true
    case .flipsBitsOfLog: isDone = flipBits(of: "/log-", &chance)
    case .flipsBitsOfData: isDone = flipBits(of: "/state", &chance)
    case .flipsBitsOfHardState:
      // Half the time both copies: nobody knows then what was promised.
      let isFirst = flipBits(of: "/promises-a", &chance)
      isDone = chance.oneIn(2) && flipBits(of: "/promises-b", &chance) || isFirst
    }
    guard isDone else { return }
    isHarmed = true
    run.counts.add(damage.fault)
    run.note("machine \(number): \(damage.rawValue)")
    if damage == .wipes { lose("its disk was lost") }
  }

  /// Flips a few bits, where something is written, in one of the files of a kind.
  private func flipBits(of kind: String, _ chance: inout SeededGenerator) -> Bool {
    let paths = machine.image.paths.filter { $0.contains(kind) && !$0.hasSuffix(".new") }
    guard !paths.isEmpty else { return false }
    let path = paths[chance.below(paths.count)]
    guard let bytes = machine.image.contents(of: path) else { return false }
    let written = bytes.indices.filter { bytes[$0] != 0 }
    guard !written.isEmpty else { return false }
    for _ in 0..<1 + chance.below(3) {
      let offset = written[chance.below(written.count)]
      machine.image.flipBit(of: path, at: UInt64(offset), bit: chance.below(8))
    }
    return true
  }
}
