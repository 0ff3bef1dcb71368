package import Consensus
package import Environment
package import Primitives
internal import VersionStore
internal import RawBytes
internal import Synchronization

/// A node of a cluster: the replicas of any number of groups in one directory, over one log, driven
/// by one thread.
///
/// It guarantees what the replicas decide, made durable and applied: a command that is answered is
/// chosen by a quorum whose members have it on the medium, and a read shows every command that was
/// answered before the read began. What it needs of the world it gets through `Effects` and
/// `Transport` alone, so that a simulation runs this very code.
///
/// After a write or a sync that failed, nothing that was written to that file can be trusted, and
/// what the system says of it even less: the node stops at once, lets its requests go
/// unanswered as far as anybody knows, and opens again from what is on the medium, as after a crash;
/// the log goes on in another file. A second failure stops it for good.
///
/// - Invariant ND1: the directory lock is held from before the first byte is read until after the last
///   is written.
/// - Invariant ND2: each request is answered exactly once, on the node's thread or the caller's, with
///   no mutex held.
// SENDABLE: mutable state is in a Mutex, or in the thread's own.
package final class ReplicationNode: @unchecked Sendable {
  package let identity: NodeIdentity
  private let shared: NodeShared
  private let directory: String
  /// With the newest addresses: what a second life after a failure begins with, too.
  private let groups: Mutex<[GroupDescription]>
  private let lock: any FileLock
  private let thread = Mutex<(any BackgroundThread)?>(nil)

  // MARK: Making and opening

  /// Makes a node of an empty directory, and draws its identity. A directory that was wiped becomes
  /// another node this way: the replicas of the old one are replaced by new members.
  package static func format(
    at directory: String, cluster: DatabaseID,
    configuration: NodeConfiguration = NodeConfiguration(), effects: Effects
  ) throws(NodeError) -> NodeIdentity {
    try NodeParts.format(
      directory, cluster: cluster, configuration: configuration.log, effects)
  }

  /// Who the node in a directory is. Nil: there is none.
  package static func identity(
    at directory: String, effects: Effects
  ) throws(NodeError) -> NodeIdentity? {
    do { return try NodeParts.identity(of: directory, effects) } catch .notFormatted { return nil }
  }

  /// Opens a node after whatever ended its last use, and starts it. Groups that it does not hold yet
  /// are made, empty.
  ///
  /// - Parameter groups: every group in which this node takes part. What the log holds of any other
  ///   is kept and not looked at.
  package static func open(
    at directory: String, groups: [GroupDescription],
    configuration: NodeConfiguration = NodeConfiguration(), transport: any Transport,
    effects: Effects
  ) throws(NodeError) -> ReplicationNode {
    let identity = try NodeParts.identity(of: directory, effects)
    let lock = try fileWork { () throws(FileError) in
      try effects.files.lock(FilePath.join(directory, NodeParts.lockName))
    }
    guard let lock else { throw .alreadyOpen(path: directory) }
    do {
      let parts = try NodeParts.open(
        directory, identity, groups: groups, configuration: configuration, followsFailure: false,
        effects)
      let node = ReplicationNode(
        directory: directory, groups: groups, lock: lock,
        shared: NodeShared(
          identity: identity, configuration: configuration, effects: effects,
          transport: transport))
      node.start(parts)
      return node
    } catch {
      lock.unlock()
      throw error
    }
  }

  private init(
    directory: String, groups: [GroupDescription], lock: any FileLock, shared: NodeShared
  ) {
    identity = shared.identity
    self.directory = directory
    self.groups = Mutex(groups)
    self.lock = lock
    self.shared = shared
  }

  private func start(_ parts: NodeParts) {
    let runtime = NodeRuntime(parts, shared)
    let thread = shared.effects.background.start("martlet node") { [self] in run(runtime) }
    self.thread.withLock { $0 = thread }
  }

  private func run(_ runtime: consuming NodeRuntime) {
    var failure = runtime.run()
    if let first = failure {
      shared.effects.events.report(
        Event(.failure, kind: .replication, "the node failed and opens again: \(first)"))
      failure = runAgain()
    }
    shared.stop(failure)
    if let failure {
      shared.effects.events.report(
        Event(.failure, kind: .replication, "the node has stopped: \(failure)"))
    }
    for request in shared.inbox.take().requests { shared.finish(request, .stopped) }
    lock.unlock()
  }

  /// The second life, after a failure.
  private func runAgain() -> NodeError? {
    do {
      let parts = try NodeParts.open(
        directory, identity, groups: groups.withLock { $0 }, configuration: shared.configuration,
        followsFailure: true, shared.effects)
      return NodeRuntime(parts, shared).run()
    } catch {
      return error
    }
  }

  /// Stops the node and lets go of the directory. Requests under way are answered by `.stopped`.
  /// Call once.
  package func close() {
    shared.inbox.close()
    thread.withLock { $0.take() }?.join()
  }

  /// Why the node has stopped by itself; nil while it runs, and after `close`.
  package var failure: NodeError? { shared.failure }

  package var hasStopped: Bool { shared.hasStopped }

  // MARK: Requests

  /// Has a command chosen and carried out. Only the group's leader can.
  package func submit(
    _ command: Command, to group: GroupID,
    completion: @escaping @Sendable (Result<CommandResult, RequestError>) -> Void
  ) {
    guard isFitting(command) else {
      completion(.failure(.tooLarge))
      return
    }
    request(group, completion) { id in
      .command(LoggedCommand(origin: id.rawValue, command: command).encoded, completion)
    }
  }

  /// Reads a key so that every command that was answered before this call is in what is read. Any
  /// replica can.
  package func read(
    _ key: [UInt8], in group: GroupID,
    completion: @escaping @Sendable (Result<ReadAnswer, RequestError>) -> Void
  ) {
    request(group, completion) { _ in .read(key: key, completion) }
  }

  /// Changes who takes part in a group; answered with the slot in which the change is chosen.
  package func changeConfiguration(
    _ configuration: Configuration, of group: GroupID, isForced: Bool = false,
    completion: @escaping @Sendable (Result<Slot, RequestError>) -> Void
  ) {
    request(group, completion) { _ in
      .configuration(configuration, isForced: isForced, completion)
    }
  }

  /// Hands leadership of a group over.
  package func transferLeadership(
    of group: GroupID, to replica: ReplicaID,
    completion: @escaping @Sendable (Result<Ballot, RequestError>) -> Void
  ) {
    request(group, completion) { _ in .transfer(to: replica, completion) }
  }

  private func request<Answer>(
    _ group: GroupID, _ completion: @Sendable (Result<Answer, RequestError>) -> Void,
    _ kind: (RequestID) -> NodeRequest.Kind
  ) {
    guard !shared.hasStopped else { return completion(.failure(.stopped)) }
    guard let id = shared.makeRequest() else { return completion(.failure(.overloaded)) }
    shared.inbox.post(NodeRequest(id: id, group: group, kind: kind(id)))
    // The node may have stopped between the look and the post: then nobody takes it any more.
    if shared.hasStopped {
      for request in shared.inbox.take().requests { shared.finish(request, .stopped) }
    }
  }

  private func isFitting(_ command: Command) -> Bool {
    if case .openSession = command.operation { return true }
    let pageSize = shared.configuration.store.pageSize
    return (1...pageSize / 8).contains(command.keyByteCount)
      && command.inlineByteCount <= pageSize / 4
  }

  // MARK: News

  /// Where the replica of a group stood a moment ago. Nil: the node has no such group, or does not
  /// run.
  package func status(of group: GroupID) -> GroupStatus? { shared.status(of: group) }

  /// From now on the members of a group live there.
  package func setAddresses(_ addresses: [ReplicaID: NodeID], of group: GroupID) {
    groups.withLock { groups in
      for index in groups.indices where groups[index].group == group {
        groups[index].addresses = addresses
      }
    }
    shared.inbox.perform { runtime in
      guard let index = runtime.indices[group] else { return }
      runtime.members[index].description.addresses = addresses
    }
  }
}
