internal import Consensus
internal import Environment
internal import Primitives
internal import Replication
internal import Simulation

/// What clients and operators ask of a member, and how it looks from outside.
extension ClusterMember {
  // MARK: Requests

  func execute(_ command: Command) -> Result<CommandResult, ClusterFailure> {
    ask { $0.submit(command, to: Self.group, completion: $1) }
  }

  func read(_ key: [UInt8]) -> Result<[UInt8]?, ClusterFailure> {
    ask { $0.read(key, in: Self.group, completion: $1) }.map(\.value)
  }

  func changeConfiguration(to configuration: Configuration) -> Result<Slot, ClusterFailure> {
    ask { $0.changeConfiguration(configuration, of: Self.group, completion: $1) }
  }

  func transferLeadership(to replica: ReplicaID) -> Result<Ballot, ClusterFailure> {
    ask { $0.transferLeadership(of: Self.group, to: replica, completion: $1) }
  }

  func learnAddresses() { node?.setAddresses(run.directory.addresses, of: Self.group) }

  /// After this long in true time whoever asked waits no more.
  private static let patience: UInt64 = 3_000_000_000

  /// Asks the node something and waits for the answer (CM1).
  private func ask<Answer: Sendable>(
    _ post: (
      ReplicationNode, _ completion: @escaping @Sendable (Result<Answer, RequestError>) -> Void
    ) -> Void
  ) -> Result<Answer, ClusterFailure> {
    guard let node, let life, !life.isOver else {
      return .failure(ClusterFailure(mayHappen: false, reason: "nobody listens"))
    }
    let waits = run.world.outside.waits
    let ticket = waits.makeTicket()
    let letter = ClusterLetter<Answer>()
    run.noteLeases()
    post(node) { [run] answer in
      run.noteLeases()
      if !life.isOver { letter.answer = answer }
      waits.wake(ticket)
    }
    _ = waits.park(ticket, until: run.world.now + Self.patience)
    switch letter.answer {
    case nil: return .failure(ClusterFailure(mayHappen: true, reason: "no answer"))
    case .success(let answer): return .success(answer)
    case .failure(let error):
      return .failure(
        ClusterFailure(
          mayHappen: error.mayHappen,
          leader: error.leader.flatMap { run.directory.machine(of: $0) },
          reason: "\(error)"))
    }
  }

  // MARK: Looking

  var status: GroupStatus? { node?.status(of: Self.group) }

  var isLeading: Bool { if case .leader? = status?.role { life?.isOver == false } else { false } }

  /// Whether no process runs here.
  var isIdle: Bool { life?.isOver ?? true }

  /// Whether a new replica may live here.
  var isAvailable: Bool { !staysDown && !isKeptAway }

  var appliedSlot: Slot { status?.appliedSlot ?? .zero }

  func isVoter(in voters: [ReplicaID]) -> Bool { replica.map(voters.contains) ?? false }

  /// Whether it has to take part and to catch up in the phase of liveness.
  var isExpected: Bool {
    !isKeptAway && !staysDown && !isHarmed && isVoter(in: run.oracle.configuration.voters)
  }

  /// The replica, if it would answer a read alone, by its lease.
  var leaseHolder: ReplicaID? {
    guard let replica, let life, !life.isOver, !machine.isFrozen, let now = machine.bootTime,
      let term = status?.leaseTerm, term.contains(now)
    else { return nil }
    return replica
  }
}

extension ClusterMember: CustomStringConvertible {
  var description: String {
    let who = replica.map { "\($0)" } ?? "nobody"
    let marks =
      (isHarmed ? ", harmed" : "") + (needsReplacement ? ", to be replaced" : "")
      + (isKeptAway ? ", cut off" : "") + (staysDown ? ", down for good" : "")
    guard let status else { return "machine \(number) (\(who)\(marks)): down" }
    return "machine \(number) (\(who)\(marks)): \(status.role), chosen "
      + "\(status.chosenSlot.rawValue), applied \(status.appliedSlot.rawValue), voters "
      + "\(status.configuration.voters.map(\.rawValue)) of slot "
      + "\(status.configurationSlot.rawValue)\(status.isHalted ? ", halted" : "")"
  }
}

/// Where an answer arrives.
private final class ClusterLetter<Answer>: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  var answer: Result<Answer, RequestError>?
}

/// Why a member did not answer.
struct ClusterFailure: Error {
  /// Whether a command may have taken effect, or may yet.
  var mayHappen: Bool
  /// The machine of who is said to lead.
  var leader: Int?
  var reason: String
}

extension RequestError {
  /// Whether a command may have taken effect, or may yet.
  fileprivate var mayHappen: Bool {
    switch self {
    case .refused(.unknownOutcome, _), .stopped: true
    case .refused, .unknownGroup, .overloaded, .tooLarge, .unreadable: false
    }
  }

  /// Where who is said to lead lives.
  fileprivate var leader: NodeID? {
    if case .refused(_, let leader) = self { leader } else { nil }
  }
}
