internal import Consensus
internal import Environment
internal import Primitives
internal import RawBytes
internal import VersionStore

/// The life of a node between two openings: one thread that gives its replicas what happens, and
/// does what they say.
///
/// A step of a replica is pure and short, so one thread steps all of them, applies what is chosen and
/// answers reads. What takes long is done by others: a thread that writes the log, and one for
/// checkpoints and images. The loop never waits for either; they tell it when they have finished.
///
/// ```
///   frames ─┐           ┌─▶ frames to other nodes
///   requests├─▶ loop ───┼─▶ answers                      one flush for all that gathered
///   ticks ──┘  ▲  ▲     ├─▶ writes ─▶ [log thread] ─▶ promises, log ─┐
///              │  │     └─▶ checkpoints, images ─▶ [work thread] ─┐  │
///              │  └───────────────────────────────────────────────┘  │
///              └────────────── durable: now the replies may go ──────┘
/// ```
///
/// - Invariant NR1: what stands in `Write.thenSend` is sent after its write is durable (rule G3).
/// - Invariant NR2: a client learns the result of a command after its slot is chosen, may be told and
///   is applied here; a read is answered from a state that holds the slot it was given.
/// - Invariant NR3: only the loop's thread touches the members. No mutex is held across a call (E1).
// SENDABLE: made by one thread and handed to the loop's, which alone touches it from then on.
final class NodeRuntime: @unchecked Sendable {
  let shared: NodeShared
  var members: [GroupMember]
  let indices: [GroupID: Int]
  let log: LogThread
  let work: SerialThread
  var now: BootTime
  var pending: [RequestID: PendingRequest] = [:]
  var failure: NodeError?
  // What gathers during a turn.
  var outboxes: [Outbox] = []
  var localParcels: [Parcel] = []
  var writes: [GroupWrite] = []
  // Health of the medium.
  var unflushedCount = 0
  var flushingSince: BootTime?
  var isStalled = false

  var effects: Effects { shared.effects }

  init(_ parts: NodeParts, _ shared: NodeShared) {
    self.shared = shared
    members = parts.members
    indices = Dictionary(
      uniqueKeysWithValues: parts.members.enumerated().map { ($1.group, $0) })
    log = LogThread(
      log: parts.log, inbox: shared.inbox,
      byteLimit: shared.configuration.checkpointLogByteCount, effects: shared.effects)
    work = SerialThread(effects: shared.effects)
    now = BootTime(nanoseconds: shared.effects.time.continuous())
    publishStatus()
  }

  /// Runs until the node is closed or fails. Nil: it was closed.
  func run() -> NodeError? {
    log.start()
    work.start("martlet node work")
    shared.transport.receive(as: shared.identity.node) { [inbox = shared.inbox] node, frame in
      inbox.post(frame: frame, from: node)
    }
    for index in members.indices { noteHealing(index) }
    while true {
      // The clock after the requests: a lease that held before a read was asked for, and this thread
      // stood still, does not hold any more.
      let arrived = shared.inbox.take()
      now = max(now, BootTime(nanoseconds: effects.time.continuous()))
      failure = failure ?? arrived.failure
      if arrived.isClosing || failure != nil {
        for request in arrived.requests { shared.finish(request, .stopped) }
        break
      }
      for flush in arrived.flushes { landed(flush) }
      for frame in arrived.frames { received(frame.bytes) }
      take(arrived.requests)
      for result in arrived.results { result(self) }
      tick()
      settle()
      publishStatus()
      if failure != nil { break }
      shared.inbox.wait(until: wakeTime())
    }
    tearDown()
    return failure
  }

  private func tearDown() {
    shared.transport.receive(as: shared.identity.node, nil)
    shared.clearStatuses()
    log.finish()
    work.finish()
    for request in pending.keys.sorted() { fail(request, .stopped) }
    for request in shared.inbox.take().requests { shared.finish(request, .stopped) }
    for index in members.indices {
      members[index].installer?.abandon()
      members[index].machine.store.close()
    }
  }

  // MARK: Time

  /// Ticks what is due, and what is due so soon that another turn for it would be a waste: so the
  /// signs of life of all groups go into the same frames.
  private func tick() {
    let soon = now.advanced(by: 2_000_000)
    let isAnyDue = members.indices.contains { index in
      members[index].replica.nextDeadline.map { $0 <= now } ?? false
    }
    if isAnyDue {
      for index in members.indices {
        guard let deadline = members[index].replica.nextDeadline, deadline <= soon else { continue }
        step(index, .tick)
      }
    }
    for index in members.indices { tickImages(index) }
    watchHealth()
  }

  /// A leader whose medium does not answer hands over (rule F2).
  private func watchHealth() {
    let isLate =
      flushingSince.map { now.elapsed(since: $0) >= shared.configuration.stallLimit } ?? false
    guard isLate != isStalled else { return }
    isStalled = isLate
    for index in members.indices { step(index, .storeHealth(isLate ? .stalled : .good)) }
  }

  /// When the loop has to go on by itself, by the monotonic clock.
  private func wakeTime() -> UInt64? {
    var deadline: BootTime?
    func note(_ other: BootTime?) {
      if let other { deadline = deadline.map { min($0, other) } ?? other }
    }
    // By index: a copy of a member would retain all that it holds.
    for index in members.indices where !members[index].isHalted {
      note(members[index].replica.nextDeadline)
      note(members[index].receiver.deadline)
      note(members[index].sender.deadline)
    }
    if !isStalled { note(flushingSince?.advanced(by: shared.configuration.stallLimit)) }
    guard let deadline else { return nil }
    let sum = effects.time.monotonic().addingReportingOverflow(deadline.elapsed(since: now))
    return sum.overflow ? nil : sum.partialValue
  }

  // MARK: News

  func publishStatus() {
    guard members.indices.contains(where: { members[$0].isTouched }) else { return }
    var changed: [GroupStatus] = []
    for index in members.indices where members[index].isTouched {
      members[index].isTouched = false
      changed.append(members[index].status)
    }
    shared.publish(changed)
  }

  func report(_ severity: Environment.Event.Severity, _ message: String) {
    effects.events.report(Environment.Event(severity, kind: .replication, message))
  }
}
