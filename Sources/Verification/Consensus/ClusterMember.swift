internal import Consensus
internal import Environment
internal import Primitives
internal import Replication
internal import Simulation

/// One machine of a run and whatever lives on it: a node with one replica of the group, or nothing
/// yet. A keeper, outside of the machine as a supervisor is, starts the node again whenever it ended.
///
/// - Invariant CM1: an answer that a process gave when its machine had stopped reaches no client.
/// - Invariant CM2: only a node on a machine that was damaged may fail to open, stop by itself or
///   have forgotten its promises.
final class ClusterMember: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  let number: Int
  let machine: Machine
  unowned let run: ClusterRun
  private(set) var lifeCount = 0
  /// Who lives here; nil: nobody.
  private(set) var replica: ReplicaID?
  /// Its disk has lost what it had acknowledged, and nobody new lives here since.
  var isHarmed = false
  /// It cannot go on under its number.
  private(set) var needsReplacement = false
  /// It is out of reach for good.
  var isKeptAway = false
  private(set) var staysDown = false
  /// How fast its clocks run, in whichever life: parts in a million.
  var clockRate: Int64 = 0 {
    didSet { machine.setClockRate(clockRate) }
  }
  private(set) var node: ReplicationNode?
  private(set) var life: Machine.Life?
  var downUntil: UInt64 = 0
  var pendingDamage: (damage: ClusterDamage, seed: UInt64)?
  /// The process ends in good order, and none begins until somebody says so.
  private var isWithheld = false
  private var sleeper: WaitTicket?
  private var installedImageCount = 0

  static let directory = "/node"
  static let group = GroupID(1)
  static let cluster = DatabaseID(high: 0x636c_7573, low: 0x7465_7221)

  init(machine: Machine, run: ClusterRun) {
    self.machine = machine
    self.run = run
    number = machine.number
    machine.whenStopped = { [weak self] in self?.signal() }
  }

  // MARK: A new replica

  /// Makes a node of an empty disk, with a replica of a new number. Nil: that failed.
  func settle() -> ReplicaID? {
    isWithheld = true
    signal()
    while life != nil { run.world.sleep(forNanoseconds: 10_000_000) }
    machine.image = DiskImage()
    let life = machine.start()
    self.life = life
    let identity = machine.visit {
      try? ReplicationNode.format(
        at: Self.directory, cluster: Self.cluster, configuration: run.nodeConfiguration(of: self),
        effects: life.effects)
    }
    machine.finish(seed: run.plan.seed)
    self.life = nil
    guard let identity else { return nil }
    (isHarmed, needsReplacement, pendingDamage) = (false, false, nil)
    let replica = run.settle(identity.node, on: number)
    self.replica = replica
    return replica
  }

  /// The keeper may start the node.
  func begin() {
    isWithheld = false
    downUntil = 0
    signal()
  }

  // MARK: The keeper

  /// Starts the node again and again, until the run ends.
  func keep() {
    while !run.isEnding {
      if replica == nil || isWithheld || staysDown || needsReplacement {
        park(until: nil)
      } else if downUntil > run.world.now {
        park(until: downUntil)
      } else {
        live()
      }
    }
  }

  private func live() {
    lifeCount += 1
    let life = machine.start()
    machine.setClockRate(clockRate)
    if run.plan.lie == .syncs {
      life.disk.inject(Fault(.lies, on: [.sync, .syncDirectory, .write], .always))
    }
    self.life = life
    run.note("machine \(number): a process starts")
    do throws(NodeError) {
      let node = try machine.visit { () throws(NodeError) in try open(life) }
      self.node = node
      run.note("machine \(number): open")
      while mayGoOn(life, node) {
        park(until: run.world.now + Self.inspectionInterval)
        inspect()
      }
      if let failure = node.failure, !life.isOver { judge(failure, "stopped") }
      self.node = nil
      machine.visit { node.close() }
    } catch {
      if !life.isOver { judge(error, "does not open") }
    }
    machine.finish(seed: run.plan.seed &+ UInt64(lifeCount))
    self.life = nil
    run.note("machine \(number): the process has ended")
    damageDisk()
  }

  private func mayGoOn(_ life: Machine.Life, _ node: ReplicationNode) -> Bool {
    !life.isOver && !isWithheld && !run.isEnding && !node.hasStopped && !needsReplacement
  }

  private func open(_ life: Machine.Life) throws(NodeError) -> ReplicationNode {
    guard let replica, let node = run.directory.node(of: replica) else { throw .closed }
    let founding = run.founding
    return try ReplicationNode.open(
      at: Self.directory,
      groups: [
        GroupDescription(
          group: Self.group, replica: replica, founding: founding,
          addresses: run.directory.addresses, settings: run.plan.settings)
      ], configuration: run.nodeConfiguration(of: self), transport: life.transport(as: node),
      effects: life.effects)
  }

  private static let inspectionInterval: UInt64 = 2_000_000_000

  /// Looks at a node that runs.
  private func inspect() {
    guard let status else { return }
    if status.installedImageCount > installedImageCount {
      run.counts.add(.imageInstalled, status.installedImageCount - installedImageCount)
      run.note("machine \(number): an image was installed")
    }
    installedImageCount = status.installedImageCount
    let isMember = run.oracle.configuration.isMember(status.replica)
    if status.role == .amnesiac, isMember {
      lose("\(status.replica) has forgotten its promises")
    } else if status.isHalted, isMember {
      lose("\(status.replica) has stopped")
    }
  }

  private func judge(_ error: NodeError, _ what: String) {
    run.note("machine \(number): \(what): \(error)")
    downUntil = run.world.now + 100_000_000
    // A sync that failed may stop a node once more while it opens again: then it is started anew.
    if life.map({ $0.disk.counters.count(of: .failed) > 0 }) ?? false { return }
    lose("\(what): \(error)")
  }

  /// It cannot go on: right if its disk was damaged (CM2).
  func lose(_ what: String) {
    if !isHarmed, !needsReplacement {
      run.fail(.replicaFailed, "\(description), whose disk nobody damaged: \(what)")
    }
    run.note("machine \(number): \(what)")
    needsReplacement = true
  }

  private func park(until deadline: UInt64?) {
    let ticket = run.world.outside.waits.makeTicket()
    sleeper = ticket
    _ = run.world.outside.waits.park(ticket, until: deadline)
    sleeper = nil
  }

  /// The keeper looks again.
  func signal() {
    guard let sleeper else { return }
    self.sleeper = nil
    run.world.outside.waits.wake(sleeper)
  }

  // MARK: What is done to it

  func stayDown() {
    guard replica != nil else { return }
    staysDown = true
    run.counts.add(.machineStaysDown)
    machine.stop(.powerCut(.random))
    signal()
  }
}
