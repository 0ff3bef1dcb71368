internal import Environment
internal import Primitives
internal import RawBytes

/// The network of a world: a link from each machine to each other, and frames under way.
///
/// - Invariant NW1: a fault that is counted did befall a frame that somebody sent.
/// - Invariant NW2: what becomes of frames comes from a stream of the seed of its own, so that a
///   fault of the network does not change what disks or threads would have done.
/// - Invariant NW3: frames that arrive at one machine at the same moment arrive in the order in
///   which they were sent.
package final class SimulatedNetwork: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.

  /// Names a cut, to heal it.
  package struct Cut: Hashable, Sendable { let number: Int }

  package internal(set) var counters = World.Counters()
  private let scheduler: Scheduler
  private var chance: SeededGenerator
  private var links: [[NetworkLink]] = []
  /// On which machine a node lives, since it last listened.
  private var places: [NodeID: Int] = [:]
  private var inboxes: [FrameInbox] = []
  private var cutCount = 0
  private var frameCount = 0
  /// Sees every frame that is sent, for whoever prints a run.
  package var observer: ((_ from: Int, _ to: Int, _ frame: [UInt8], _ copies: Int) -> Void)?

  init(scheduler: Scheduler, chance: SeededGenerator) {
    self.scheduler = scheduler
    self.chance = chance
  }

  func addMachine() {
    for index in links.indices { links[index].append(NetworkLink()) }
    links.append(Array(repeating: NetworkLink(), count: links.count + 1))
    inboxes.append(FrameInbox())
  }

  package var machineCount: Int { links.count }

  /// The link from one machine to another, by their numbers.
  package subscript(from: Int, to: Int) -> NetworkLink {
    get { links[from][to] }
    set { links[from][to] = newValue }
  }

  /// Sets something of all links.
  package func changeAll(_ change: (inout NetworkLink) -> Void) {
    for from in links.indices { for to in links.indices { change(&links[from][to]) } }
  }

  // MARK: Cuts

  /// From now on no frame passes from one machine to another.
  package func cutOneWay(from: Int, to: Int) -> Cut { cut([(from, to)], .linkCutOneWay) }

  /// From now on no frame passes between two machines, while both reach all others.
  package func cutBothWays(_ one: Int, _ other: Int) -> Cut {
    cut([(one, other), (other, one)], .linkCutBothWays)
  }

  /// From now on no frame passes between these machines and the others.
  package func cutOff(_ machines: [Int]) -> Cut {
    let others = links.indices.filter { !machines.contains($0) }
    return cut(
      machines.flatMap { inside in others.flatMap { [(inside, $0), ($0, inside)] } },
      .machinesCutOff)
  }

  package func heal(_ cut: Cut) {
    changeAll { link in link.cuts.removeAll { $0.number == cut.number } }
  }

  package func healAll() { changeAll { $0.cuts = [] } }

  private func cut(_ ways: [(from: Int, to: Int)], _ fault: World.Fault) -> Cut {
    cutCount += 1
    for way in ways { links[way.from][way.to].cuts.append((cutCount, fault)) }
    return Cut(number: cutCount)
  }

  // MARK: Frames

  func send(_ frame: [UInt8], from sender: NodeID, on machine: Int, to node: NodeID) {
    let hash = frame.withByteView { Hash64.hash($0, seed: 0) }
    let target = places[node]
    scheduler.enter(
      .send, target.map { UInt64($0) } ?? .max, hash, UInt64(frame.count), cost: 1_000)
    guard let target else { return }
    let copies = links[machine][target].carry(frame, at: scheduler.now, &chance, &counters)
    observer?(machine, target, frame, copies.count)
    for copy in copies {
      frameCount += 1
      let isKept = inboxes[target].insert(
        FrameInbox.Frame(
          arrival: copy.arrival, number: frameCount, from: sender, to: node, bytes: copy.frame))
      if !isKept { counters.add(.inboxFull) }
      if let reader = inboxes[target].reader { scheduler.hasten(reader, to: copy.arrival) }
    }
  }

  /// From now on frames for a node go to a machine.
  func settle(_ node: NodeID, on machine: Int) { places[node] = machine }

  /// Gives frames for a node that have arrived to whoever listens. Frames for other nodes that once
  /// lived on the machine are dropped. Returns when the next one arrives.
  func deliver(_ subscription: FrameSubscription, on machine: Int) -> UInt64? {
    while !subscription.isOver, let frame = inboxes[machine].takeFirst(arrivedBy: scheduler.now) {
      guard frame.to == subscription.node else { continue }
      scheduler.enter(.deliver, UInt64(frame.number), UInt64(frame.bytes.count), cost: 1_000)
      subscription.receive(frame.from, frame.bytes)
    }
    return subscription.isOver ? nil : inboxes[machine].firstArrival
  }

  /// From now on a courier brings a machine its frames.
  func employ(_ courier: SimulatedThread, on machine: Int) {
    inboxes[machine].reader = courier
    if let first = inboxes[machine].firstArrival { scheduler.hasten(courier, to: first) }
  }
}
