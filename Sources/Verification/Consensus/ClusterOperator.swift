internal import Consensus
internal import Environment
internal import Primitives
internal import Simulation

/// Who runs the group: hands leadership over when asked, lets other machines take part, and replaces
/// replicas that lost what they had promised, each by one of a new number (rules M3, M6).
final class ClusterOperator: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  enum Task {
    case transfer(toMachine: Int)
    /// Of two machines the one that takes no part takes the place of the one that does.
    case exchange(Int, Int)
  }

  private let run: ClusterRun
  private var tasks: [Task] = []
  private var isOver = false

  init(run: ClusterRun) { self.run = run }

  func ask(_ task: Task) { tasks.append(task) }

  func end() { isOver = true }

  func work() {
    while !isOver {
      let callCount = run.world.trace.callCount
      run.world.sleep(forNanoseconds: 250_000_000)
      if run.world.trace.callCount > callCount + Self.busyCallCount {
        run.fail(.neverSleeps, "calls within 250 ms: \(run.world.trace.callCount - callCount)")
      }
      if let broken = run.members.first(where: { $0.needsReplacement }) {
        replace(broken)
      } else if !tasks.isEmpty, !run.isHealing {
        perform(tasks.removeFirst())
      }
    }
  }

  /// No group makes so many calls in a quarter of a second, unless somebody only spins.
  private static let busyCallCount = 300_000

  private func perform(_ task: Task) {
    switch task {
    case .transfer(let machine): transfer(to: run.members[machine])
    case .exchange(let one, let other):
      let voters = run.oracle.configuration.voters
      let pair = [run.members[one], run.members[other]] + run.members
      // As the plan says where that is possible, else whoever comes next.
      guard let joining = pair.first(where: { !$0.isVoter(in: voters) && $0.isAvailable }),
        let leaving = pair.first(where: { $0.isVoter(in: voters) })
      else { return }
      exchange(joining, leaving: leaving.replica, fault: .membersChanged)
    }
  }

  private func transfer(to member: ClusterMember) {
    guard let replica = member.replica, member.isVoter(in: run.oracle.configuration.voters)
    else { return }
    for _ in 0..<5 where !isOver && !run.isHealing {
      guard let leader = leader() else { continue }
      if leader === member { return }
      run.note("operator: machine \(leader.number) is to hand over to \(replica)")
      switch leader.transferLeadership(to: replica) {
      case .success: return run.counts.add(.leadershipTransferred)
      case .failure: run.world.sleep(forNanoseconds: 100_000_000)
      }
    }
  }

  /// A replica whose promises are gone leaves, and its machine takes part as another one.
  private func replace(_ member: ClusterMember) {
    let leaving = member.replica
    run.note("operator: \(member) is to be replaced")
    exchange(member, leaving: leaving, fault: .replicaReplaced)
  }

  private func exchange(_ joining: ClusterMember, leaving: ReplicaID?, fault: ClusterFault) {
    // A voter that never comes back goes before all others: else the group would have more voters
    // without promises than it tolerates (CP2).
    let lost = run.oracle.configuration.voters.first { voter in
      !run.members.contains { $0.replica == voter && $0 !== joining }
    }
    let leaving = lost ?? leaving
    guard let replica = joining.settle() else { return }
    joining.begin()
    for member in run.members { member.learnAddresses() }
    let isLearner = change { current in
      Configuration(
        voters: current.voters, learners: [replica], removed: current.removed + current.learners)
    } until: {
      $0.isMember(replica)
    }
    guard isLearner else { return }
    let isVoter = change { current in
      let stays = current.voters.filter { $0 != leaving }
      // Whoever has left meanwhile leaves no place to take.
      guard stays.count < current.voters.count else { return nil }
      return Configuration(
        voters: stays + [replica], learners: current.learners.filter { $0 != replica },
        removed: current.removed + (leaving.map { [$0] } ?? []))
    } until: {
      $0.isVoter(replica)
    }
    if isVoter {
      run.counts.add(fault)
      run.note(
        "operator: \(replica) is a voter in the place of \(leaving.map(\.description) ?? "-")")
    }
  }

  /// Asks leaders for a configuration until it is chosen, or for long enough.
  private func change(
    _ next: (Configuration) -> Configuration?, until isDone: (Configuration) -> Bool
  ) -> Bool {
    let deadline = run.world.now + 60_000_000_000
    while !isOver, run.world.now < deadline {
      if isDone(run.oracle.configuration) { return true }
      guard let configuration = next(run.oracle.configuration) else { return false }
      if let leader = leader() {
        run.note("operator: machine \(leader.number) is to change to \(configuration)")
        let answer = leader.changeConfiguration(to: configuration)
        run.note("operator: answered \(answer)")
      }
      run.world.sleep(forNanoseconds: 200_000_000)
    }
    return isDone(run.oracle.configuration)
  }

  private func leader() -> ClusterMember? {
    let leader = run.members.first { $0.isLeading }
    if leader == nil { run.world.sleep(forNanoseconds: 200_000_000) }
    return leader
  }
}
