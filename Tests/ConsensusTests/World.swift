import Consensus
import Primitives
import Testing

/// A group of replicas in a world that is not kind to them: messages are lost, doubled and late,
/// writes take time and are lost in a crash unless they were durable, clocks differ. Everything that
/// must never happen is looked for at every step. One seed, one course of events.
final class World {
  var random: SeededGenerator
  var settings: Settings
  private(set) var founding: Configuration
  var nodes: [ReplicaID: Node] = [:]
  /// True time, which no node sees.
  private(set) var time: UInt64 = 1_000_000_000
  private var agenda = Agenda<Occurrence>()
  var faults = Faults()
  var oracle = Oracle()
  /// Links that carry nothing.
  var cut: Set<Link> = []
  /// Sees each message before it is sent; false: it is lost.
  var filter: ((Envelope) -> Bool)?
  /// Whether replicas hear that something was applied.
  var mayTellApplied = true
  private(set) var lastRequest: UInt64 = 0
  private(set) var messageCount = 0
  private(set) var imageCount = 0

  struct Link: Hashable {
    let from: ReplicaID
    let to: ReplicaID
  }

  struct Faults {
    /// Chances in a thousand.
    var loss: UInt64 = 0
    var doubling: UInt64 = 0
    /// Nanoseconds that a message and a write take, from and to.
    var delay: ClosedRange<UInt64> = 50_000...300_000
    var write: ClosedRange<UInt64> = 50_000...300_000
  }

  enum Occurrence {
    case message(Envelope)
    case tick(ReplicaID, life: Int, number: Int)
    case written(ReplicaID, life: Int)
    case applied(ReplicaID, life: Int, through: Slot)
    case image(from: ReplicaID, to: ReplicaID)
    case action((World) -> Void)

    /// Who has to be awake for it.
    var node: ReplicaID? {
      switch self {
      case .message(let envelope): envelope.to
      case .tick(let id, _, _), .written(let id, _), .applied(let id, _, _): id
      case .image, .action: nil
      }
    }
  }

  init(seed: UInt64, voters: Int, learners: Int = 0, settings: Settings = Settings()) {
    random = SeededGenerator(seed: seed)
    self.settings = settings
    founding = Configuration(voters: [])
    let ids = (1...UInt32(voters + learners)).map(ReplicaID.init)
    let configuration = Configuration(
      voters: Array(ids[..<voters]), learners: Array(ids[voters...]))
    founding = configuration
    for id in ids { add(id) }
  }

  /// A new replica, with nothing on its disk but how the group began.
  func add(_ id: ReplicaID) {
    nodes[id] = Node(id: id, disk: Disk(founding: founding))
    start(id)
  }

  func nextRequest() -> RequestID {
    lastRequest += 1
    return RequestID(lastRequest)
  }

  subscript(id: UInt32) -> Node { nodes[ReplicaID(id)]! }

  var ids: [ReplicaID] { nodes.keys.sorted() }

  // Time.

  func at(_ delay: UInt64, _ action: @escaping (World) -> Void) {
    agenda.add(.action(action), at: time + delay)
  }

  func run(for duration: UInt64) {
    let end = time + duration
    while let next = agenda.nextTime, next <= end { runNext() }
    time = end
  }

  /// Runs until something holds. False: it did not within the time.
  @discardableResult
  func run(atMost duration: UInt64, until isDone: (World) -> Bool) -> Bool {
    let end = time + duration
    while !isDone(self) {
      guard let next = agenda.nextTime, next <= end else {
        time = end
        return isDone(self)
      }
      runNext()
    }
    return true
  }

  private func runNext() {
    let (due, occurrence) = agenda.removeFirst()
    time = max(time, due)
    if let id = occurrence.node, let node = nodes[id], node.pausedUntil > time {
      return agenda.add(occurrence, at: node.pausedUntil)
    }
    switch occurrence {
    case .message(let envelope):
      guard !cut.contains(Link(from: envelope.from, to: envelope.to)) else { return }
      step(envelope.to, .message(envelope))
    case .tick(let id, let life, let number):
      guard let node = nodes[id], node.life == life, node.tickNumber == number else { return }
      step(id, .tick)
    case .written(let id, let life):
      guard let node = nodes[id], node.life == life else { return }
      written(node)
    case .applied(let id, let life, let through):
      guard let node = nodes[id], node.life == life, through > node.told else { return }
      guard mayTellApplied else {
        return agenda.add(occurrence, at: time + 10_000_000)
      }
      node.told = through
      step(id, .applied(through: through))
    case .image(let from, let to): carryImage(from: from, to: to)
    case .action(let action): action(self)
    }
  }

  // Nodes.

  func bootTime(of node: Node) -> BootTime {
    BootTime(nanoseconds: node.clock.reading(at: time))
  }

  func start(_ id: ReplicaID) {
    let node = nodes[id]!
    node.life += 1
    let recovered = node.disk.recovered(keepingLog: random.happens(500))
    node.state = node.disk.image.state
    node.told = recovered.appliedSlot
    node.isImageDue = false
    node.waiting = []
    node.writes = []
    node.replica = Replica(
      id: id, group: GroupID(1), settings: settings, recovered: recovered, seed: random.next(),
      now: bootTime(of: node))
    step(id, .tick)
  }

  /// Loses what was not durable; a prefix of the writes under way may have reached the medium.
  func crash(_ id: ReplicaID) {
    let node = nodes[id]!
    guard node.replica != nil else { return }
    let count = Int(random.below(UInt64(node.writes.count + 1)))
    for write in node.writes[..<count] { node.disk.perform(write) }
    node.writes = []
    node.replica = nil
    node.life += 1
    oracle.forget(node.waiting.map(\.request))
  }

  /// Takes an event to a replica and does what it wants done.
  func step(_ id: ReplicaID, _ event: Event) {
    guard let node = nodes[id], node.replica != nil else { return }
    let now = bootTime(of: node)
    let actions = node.replica!.step(event, now: now)
    perform(actions, of: node)
    oracle.look(at: self)
    node.tickNumber += 1
    if let deadline = node.replica?.nextDeadline {
      let due = node.clock.moment(of: max(deadline, now).nanoseconds, from: time)
      agenda.add(
        .tick(id, life: node.life, number: node.tickNumber), at: max(due, time + 1))
    }
  }

  private func perform(_ actions: Actions, of node: Node) {
    for envelope in actions.send { send(envelope) }
    if let write = actions.write {
      node.writes.append(write)
      let start = max(time, node.diskBusyUntil)
      node.diskBusyUntil = start + random.within(faults.write) * node.slowness
      agenda.add(.written(node.id, life: node.life), at: node.diskBusyUntil)
    }
    for entry in actions.deliver {
      oracle.chosen(entry, at: node.id)
      node.state.apply(entry)
      oracle.applied(node.state, at: node.id)
    }
    if let last = actions.deliver.last {
      agenda.add(
        .applied(node.id, life: node.life, through: last.slot), at: time + random.below(200_000))
    }
    for outcome in actions.outcomes { oracle.tell(outcome, by: node, in: self) }
    oracle.finishReads(at: node)
    for target in actions.offerImageTo {
      agenda.add(.image(from: node.id, to: target), at: time + 1_000_000)
    }
    if let through = actions.truncateThrough {
      #expect(through <= node.disk.image.state.slot, "cut more than an image holds")
      node.disk.truncate(through: through)
    }
    if actions.halt != nil {
      oracle.forget(node.waiting.map(\.request))
      node.replica = nil
      node.life += 1
      node.isHalted = true
    }
  }

  func send(_ envelope: Envelope) {
    messageCount += 1
    // Replicas that answer each other without end would never let time pass.
    guard messageCount < 2_000_000 else { return oracle.violate("a storm of messages") }
    if let filter, !filter(envelope) { return }
    var count = random.happens(faults.loss) ? 0 : 1
    if random.happens(faults.doubling) { count += 1 }
    for _ in 0..<count {
      let slowness = max(nodes[envelope.to]?.slowness ?? 1, nodes[envelope.from]?.slowness ?? 1)
      agenda.add(.message(envelope), at: time + random.within(faults.delay) * slowness)
    }
  }

  private func written(_ node: Node) {
    guard !node.isDiskStalled, !node.writes.isEmpty else {
      if !node.writes.isEmpty {
        agenda.add(.written(node.id, life: node.life), at: time + 10_000_000)
      }
      return
    }
    let write = node.writes.removeFirst()
    node.disk.perform(write)
    for envelope in write.thenSend { send(envelope) }
    step(node.id, .durable(write.token))
  }

  /// The disk does at once what it has to do.
  func hurryDisk(of node: Node) {
    node.diskBusyUntil = time
    for _ in node.writes { agenda.add(.written(node.id, life: node.life), at: time + 1) }
  }

  // Images.

  /// Makes an image of what is applied, durable at once.
  func checkpoint(_ id: ReplicaID) {
    let node = nodes[id]!
    guard isAwake(id), node.state.slot > node.disk.image.state.slot else { return }
    node.disk.image = Disk.Image(state: node.state)
    step(id, .imageDurable(node.state.base))
  }

  private func carryImage(from: ReplicaID, to: ReplicaID) {
    checkpoint(from)
    guard isAwake(from), isAwake(to), let source = nodes[from], let target = nodes[to],
      !cut.contains(Link(from: from, to: to)), let chosen = target.replica?.chosenSlot,
      source.disk.image.state.slot > chosen,
      source.disk.image.state.slot >= target.state.slot
    else { return }
    imageCount += 1
    target.state = source.disk.image.state
    target.told = target.state.slot
    target.disk.install(Disk.Image(state: target.state))
    step(to, .imageDurable(target.state.base))
    oracle.finishReads(at: target)
  }

  // Clients.

  func isAwake(_ id: ReplicaID) -> Bool {
    guard let node = nodes[id] else { return false }
    return node.replica != nil && node.pausedUntil <= time
  }

  @discardableResult
  func propose(_ id: ReplicaID, count: Int = 1) -> [RequestID] {
    guard isAwake(id) else { return [] }
    let proposals = (0..<count).map { _ in
      let request = nextRequest()
      return Proposal(
        id: request,
        command: (0..<8).map { UInt8(truncatingIfNeeded: request.rawValue >> (8 * $0)) })
    }
    for proposal in proposals { oracle.invoked(proposal) }
    step(id, .propose(proposals))
    return proposals.map(\.id)
  }

  @discardableResult
  func read(_ id: ReplicaID) -> RequestID? {
    guard isAwake(id), let node = nodes[id] else { return nil }
    let request = nextRequest()
    oracle.invokedRead(request)
    step(node.id, .read(request))
    return request
  }

  /// The replica that may serve, if there is one; of several, the one of the highest ballot.
  var leader: ReplicaID? {
    var best: (Ballot, ReplicaID)?
    for id in ids {
      if case .leader(let ballot)? = nodes[id]!.replica?.role, ballot > best?.0 ?? .zero {
        best = (ballot, id)
      }
    }
    return best?.1
  }

  /// A leader that may show what it likes: no lease of an earlier one may live.
  func establish() -> ReplicaID {
    run(atMost: 10_000_000_000) { $0.leader != nil }
    run(for: 3_000_000_000)
    return leader!
  }

  /// Proposes, and runs until it is told. Nil: it is not, in this time.
  func write(_ id: ReplicaID, within duration: UInt64 = 1_000_000_000) -> Slot? {
    guard let request = propose(id).first else { return nil }
    run(atMost: duration) { $0.oracle.result(of: request) != nil }
    return try? oracle.result(of: request)?.get()
  }

  /// A message that nobody sent, or one from long ago.
  func deliver(_ message: Message, from: ReplicaID, to: ReplicaID) {
    step(to, .message(Envelope(from: from, to: to, message: message)))
  }

  /// Makes a replica campaign though the others hear the leader.
  func usurp(_ id: ReplicaID, from leader: ReplicaID) {
    guard case .leader(let ballot)? = nodes[leader]!.replica?.role else { return }
    deliver(.takeOver(ballot), from: leader, to: id)
  }

  func others(than ids: ReplicaID...) -> [ReplicaID] { self.ids.filter { !ids.contains($0) } }

  // Links.

  /// Only within these groups is anything carried.
  func partition(_ groups: [ReplicaID]...) {
    for first in ids {
      for second in ids where second != first {
        if !groups.contains(where: { $0.contains(first) && $0.contains(second) }) {
          cut.insert(Link(from: first, to: second))
        }
      }
    }
  }

  func isolate(_ id: ReplicaID) {
    for other in ids where other != id { disconnect(id, other) }
  }

  func disconnect(_ first: ReplicaID, _ second: ReplicaID) {
    cut.insert(Link(from: first, to: second))
    cut.insert(Link(from: second, to: first))
  }

  func heal() { cut = [] }
}

extension SeededGenerator {
  mutating func within(_ range: ClosedRange<UInt64>) -> UInt64 {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }
}
