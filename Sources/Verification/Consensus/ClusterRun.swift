internal import Consensus
internal import Environment
internal import Primitives
internal import RedoLog
internal import Replication
internal import Simulation
internal import VersionStore

/// One run: a group of replicas in a simulated world, with clients and with everything that the
/// plan does to them.
///
/// In the *phase of safety* faults come as planned, and nothing is promised but that no answer is
/// wrong. Then everything is healed but what lasts, at most a minority, and the *phase of liveness*
/// begins: within `ClusterPlan.progressSeconds` clients have to be answered again, and every
/// voter that is not kept away has to catch up. In the end everything that clients were answered
/// and everything that replicas applied is held against each other.
package final class ClusterRun: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton, or outside the world's run by one thread.
  package let plan: ClusterPlan
  let world: World
  private(set) var members: [ClusterMember] = []
  var oracle: ClusterOracle
  var history = ClusterHistory()
  var counts = ClusterFaultCounts()
  /// Clients begin nothing any more.
  private(set) var areClientsDone = false
  /// Everybody comes to an end.
  private(set) var isEnding = false
  /// The phase of safety is over: what is done from now on only heals.
  private(set) var isHealing = false
  /// Told of each event, for whoever reads a run; nil: nobody does.
  private let journal: ((_ now: UInt64, _ text: String) -> Void)?
  private var result: ClusterResult
  private(set) var directory = ClusterDirectory()
  private(set) var founding: Configuration

  private init(_ plan: ClusterPlan, _ journal: ((UInt64, String) -> Void)?) {
    self.plan = plan
    self.journal = journal
    result = ClusterResult(seed: plan.seed)
    var configuration = Simulator.Configuration()
    configuration.handOverInterval = plan.setup.handOverInterval
    configuration.stallInterval = plan.setup.stallOneIn
    configuration.stallNanoseconds = plan.setup.stallNanoseconds
    world = World(
      seed: plan.seed, machineCount: plan.nodeCount + plan.spareCount, configuration: configuration)
    founding = Configuration(voters: [])
    oracle = ClusterOracle(founding: founding)
    members = world.machines.map { ClusterMember(machine: $0, run: self) }
  }

  /// Runs a plan to its end.
  package static func run(
    _ plan: ClusterPlan, journal: ((_ now: UInt64, _ text: String) -> Void)? = nil
  ) -> ClusterResult {
    let run = ClusterRun(plan, journal)
    run.world.observer = { [unowned run] machine, event in
      run.note("machine \(machine): \(event.message)")
    }
    if journal != nil { run.noteFrames() }
    run.world.run { _ in run.live() }
    run.judge()
    run.world.observer = nil
    run.world.network.observer = nil
    // Members and the run hold each other.
    run.members = []
    return run.result
  }

  // MARK: The course of a run

  private func live() {
    world.network.changeAll { $0 = self.plan.link }
    for machine in world.machines { machine.leastSync = plan.setup.leastSync }
    let voters = members.prefix(plan.nodeCount).compactMap { $0.settle() }
    founding = Configuration(voters: voters)
    oracle = ClusterOracle(founding: founding)
    for member in members.prefix(plan.nodeCount) { member.begin() }
    let start = world.now
    let keepers = members.map { member in
      world.outside.background.start("keeper \(member.number)") { member.keep() }
    }
    var chances = SeededGenerator(seed: plan.seed ^ 0x636c_6965_6e74_7321)
    let clients = (0..<plan.setup.clientCount).map {
      ClusterClient(number: $0, run: self, chance: chances.fork())
    }
    let probe = ClusterClient(number: clients.count, run: self, chance: chances.fork())
    let works = clients.map { client in
      world.outside.background.start("client \(client.number)") { client.work() }
    }
    let operators = ClusterOperator(run: self)
    let operating = world.outside.background.start("operator") { operators.work() }
    var nemesis = ClusterNemesis(run: self, operators: operators)
    nemesis.work(
      until: start + UInt64(plan.safetySeconds) * 1_000_000_000)
    isHealing = true
    note("healed: from here on the group has to make progress")
    if oracle.violation == nil { proveProgress(probe) }
    areClientsDone = true
    for work in works { work.join() }
    isEnding = true
    operators.end()
    operating.join()
    for member in members { member.signal() }
    for keeper in keepers { keeper.join() }
    result.virtual = world.now - start
  }

  /// The phase of liveness.
  private func proveProgress(_ probe: ClusterClient) {
    let start = world.now
    let deadline = start + UInt64(ClusterPlan.progressSeconds) * 1_000_000_000
    let answered = probe.answerCount + Self.probeCount
    while probe.answerCount < answered, world.now < deadline { probe.step() }
    result.recovery = world.now - start
    guard probe.answerCount >= answered else {
      return fail(
        .noProgress,
        "\(ClusterPlan.progressSeconds) s after all was healed but a minority: "
          + members.map(\.description).joined(separator: "; "))
    }
    let newest = oracle.newest
    while world.now < deadline + UInt64(ClusterPlan.progressSeconds) * 1_000_000_000 {
      let behind = members.filter { $0.isExpected && $0.appliedSlot < newest }
      if behind.isEmpty { break }
      world.sleep(forNanoseconds: 50_000_000)
    }
    for member in members where member.isExpected && member.appliedSlot < newest {
      fail(.chosenLost, "\(newest) was applied by somebody; \(member) does not catch up")
    }
    world.sleep(forNanoseconds: UInt64(ClusterPlan.calmSeconds) * 1_000_000_000)
    for key in 0..<plan.setup.keyCount { probe.read(key, attemptCount: 100) }
  }

  /// Answers that the probe must get before the group counts as alive.
  private static let probeCount = 5

  // MARK: The end

  private func judge() {
    if oracle.violation == nil, let violation = history.violation() {
      fail(violation.kind, violation.detail)
    }
    if history.answerCount < plan.leastAnswerCount {
      fail(.tooLittleDone, "clients were answered \(history.answerCount) times")
    }
    for fault in ClusterFault.allCases {
      if let simulated = fault.simulated { counts.add(fault, world.counters[simulated]) }
    }
    counts.add(.threadStalls, world.stallCount)
    result.violation = oracle.violation
    result.faults = counts
    result.answerCount = history.answerCount
    result.unknownCount = history.operations.count { $0.isUnknown }
    result.slotCount = oracle.slotCount
    result.comparisonCount = oracle.comparisonCount
    result.lifeCount = members.reduce(0) { $0 + $1.lifeCount }
    result.callCount = world.trace.callCount
    result.handOverCount = world.handOverCount
    result.traceHash = world.traceHash
  }

  func fail(_ kind: ClusterViolation.Kind, _ detail: String) {
    note("broken: \(kind.rawValue): \(detail)")
    oracle.fail(kind, detail)
  }

  // MARK: Nodes

  /// A new replica lives as a node on a machine.
  func settle(_ node: NodeID, on machine: Int) -> ReplicaID { directory.settle(node, on: machine) }

  func nodeConfiguration(of member: ClusterMember) -> NodeConfiguration {
    var configuration = NodeConfiguration()
    configuration.log = LogConfiguration(
      firstSegmentByteCount: plan.setup.logSegmentByteCount,
      largestSegmentByteCount: plan.setup.logSegmentByteCount,
      spareByteCount: 2 * plan.setup.logSegmentByteCount)
    configuration.store = StoreConfiguration(pageSize: 4096, cacheByteCount: 1 << 20)
    configuration.checkpointLogByteCount = plan.setup.checkpointLogByteCount
    configuration.hashInterval = 8
    configuration.onApplied = { [weak self, weak member] _, replica, entry, hash in
      // What a process does whose machine has stopped counts for nothing.
      guard let self, let member, member.life?.isOver == false else { return }
      oracle.note(entry, hash, by: replica)
      noteLeases()
    }
    return configuration
  }

  /// Looks who would answer a read alone now.
  func noteLeases() { oracle.note(leaseHolders: members.compactMap(\.leaseHolder)) }

  // MARK: Words

  func note(_ text: @autoclosure () -> String) { journal?(world.now, text()) }

  func bytes(ofKey key: Int) -> [UInt8] { Array("key \(key)".utf8) }

  /// A value: its number, filled up.
  func bytes(of value: UInt64) -> [UInt8] {
    (0..<max(plan.setup.valueByteCount, 8)).map {
      $0 < 8 ? UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) : UInt8(truncatingIfNeeded: $0)
    }
  }

  /// The number in a value; zero, which nobody writes, for bytes that nobody wrote.
  func value(of bytes: [UInt8]) -> UInt64 {
    let value = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return self.bytes(of: value) == bytes ? value : 0
  }
}
