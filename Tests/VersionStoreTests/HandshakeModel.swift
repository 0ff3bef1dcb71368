import Primitives
import VersionStore

/// What all actors share: the real registry and ledger, and one key with its versions.
final class World {
  struct Version: Hashable {
    var begin: UInt64
    var end: UInt64
  }

  let registry = SnapshotRegistry(watermark: Timestamp(1))
  var ledger = GarbageLedger()
  /// The timestamp of the tree's entry. The value is the timestamp itself.
  var entry: UInt64 = 1
  var chain: [Version] = []

  /// Slot 0 has been in use, so that a collector looks at it.
  init() { registry.recycle(slot: registry.claim(hint: 0)) }

  var fingerprint: String {
    let slots = (0..<registry.limit).map { registry.state($0) }
    return "\(slots) \(registry.published) \(registry.acknowledged) \(registry.discardingCount) "
      + "\(entry) \(chain) \(ledger.count) \(ledger.hasUnplaced) \(ledger.pinnedByteCount)"
  }
}

enum Step: Equatable {
  case advanced, blocked, finished
  case failed(String)
}

protocol Actor {
  mutating func step(in world: World) -> Step
}

protocol Beginning {
  mutating func advance(in registry: SnapshotRegistry) -> BeginHandshake.Progress
}

extension BeginHandshake: Beginning {}

/// Begins, reads the tree, reads the chain, ends.
struct Reader: Actor {
  var handshake: any Beginning
  var snapshot: StoreSnapshot?
  var seen: UInt64?
  var isDone = false

  init(handshake: any Beginning) { self.handshake = handshake }

  mutating func step(in world: World) -> Step {
    guard let snapshot else {
      switch handshake.advance(in: world.registry) {
      case .advanced: return .advanced
      case .blocked: return .blocked
      case .begun(let begun):
        snapshot = begun
        return .advanced
      }
    }
    if isDone { return .finished }
    guard let seen else {
      self.seen = world.entry
      return .advanced
    }
    // The newest commit at or below the snapshot is the only right answer.
    let moment = snapshot.timestamp.rawValue
    var answer = seen
    if seen > moment {
      guard let version = world.chain.first(where: { $0.begin <= moment && moment < $0.end })
      else { return .failed("a snapshot at \(moment) saw an entry of \(seen) and no version") }
      answer = version.begin
    }
    guard answer == moment else { return .failed("\(answer) at \(moment)") }
    isDone = true
    if world.registry.end(snapshot) {
      world.ledger.release(slot: Int(snapshot.slot))
      world.registry.recycle(slot: Int(snapshot.slot))
    }
    return .advanced
  }
}

/// Commits one after the other to the key: decides, links, overwrites, publishes, acknowledges.
struct Committer: Actor {
  let timestamps: [UInt64]
  let isRelaxed: Bool
  var index = 0
  var handshake: CommitHandshake?
  var announcement: CommitAnnouncement?
  var stage = 0

  init(timestamps: [UInt64], isRelaxed: Bool) {
    self.timestamps = timestamps
    self.isRelaxed = isRelaxed
  }

  mutating func step(in world: World) -> Step {
    guard index < timestamps.count else { return .finished }
    let timestamp = timestamps[index]
    guard let announcement else {
      var current =
        handshake
        ?? CommitHandshake(entryCount: 1, isAcknowledgedAtPublication: isRelaxed, own: nil)
      announcement = current.advance(in: world.registry)
      handshake = current
      return .advanced
    }
    stage += 1
    switch stage {
    case 1:
      guard announcement.keepsVersions else { return step(in: world) }
      world.chain.append(World.Version(begin: world.entry, end: timestamp))
      world.ledger.add([
        GarbageItem(
          handle: VersionHandle(shard: 0, index: 0, generation: timestamp),
          begin: Timestamp(world.entry), end: Timestamp(timestamp), byteCount: 1)
      ])
    case 2: world.entry = timestamp
    case 3: world.registry.publish(through: Timestamp(timestamp))
    case 4: world.registry.acknowledge(through: Timestamp(timestamp))
    default:
      if announcement.isAnnounced { world.registry.retractDiscarding() }
      index += 1
      handshake = nil
      self.announcement = nil
      stage = 0
    }
    return .advanced
  }
}

/// One collection: the watermark, slot after slot, then everything is placed.
struct Collector: Actor {
  let isHasty: Bool
  var watermark: Timestamp?
  var slot = 0
  var live: [LiveSnapshot] = []
  var isDone = false

  init(isHasty: Bool = false) { self.isHasty = isHasty }

  mutating func step(in world: World) -> Step {
    if isDone { return .finished }
    if watermark == nil && !isHasty {
      watermark = world.registry.acknowledged
      return .advanced
    }
    if slot < world.registry.limit {
      let state = world.registry.state(slot)
      if state == SnapshotRegistry.pending { isDone = true }
      if state >= SnapshotRegistry.bias {
        live.append(
          LiveSnapshot(timestamp: Timestamp(state - SnapshotRegistry.bias), slot: slot))
      }
      slot += 1
      return .advanced
    }
    guard let watermark else {
      self.watermark = world.registry.acknowledged
      return .advanced
    }
    isDone = true
    live.sort { ($0.timestamp, $0.slot) < ($1.timestamp, $1.slot) }
    let found = live
    var freed: [VersionHandle] = []
    world.ledger.acknowledge(through: watermark)
    world.ledger.place(limit: .max, freed: &freed) { list in
      list = found
      return true
    } pin: { snapshot in
      world.registry.pin(snapshot)
    }
    for handle in freed { world.chain.removeAll { $0.end == handle.generation } }
    return .advanced
  }
}

/// Loads the watermark, then looks whether a commit is discarding.
struct HastyBegin: Beginning {
  var stage = 0
  var slot = 0
  var watermark = Timestamp.zero

  mutating func advance(in registry: SnapshotRegistry) -> BeginHandshake.Progress {
    switch stage {
    case 0: slot = registry.claim(hint: 0)
    case 1: watermark = registry.acknowledged
    case 2: if registry.discardingCount != 0 { return .blocked }
    default:
      registry.register(slot, at: watermark)
      return .begun(StoreSnapshot(timestamp: watermark, slot: UInt32(slot)))
    }
    stage += 1
    return .advanced
  }
}

/// Looks at commits before it has claimed a slot.
struct ShyBegin: Beginning {
  var stage = 0
  var slot = 0
  var watermark = Timestamp.zero

  mutating func advance(in registry: SnapshotRegistry) -> BeginHandshake.Progress {
    switch stage {
    case 0: if registry.discardingCount != 0 { return .blocked }
    case 1: watermark = registry.acknowledged
    case 2: slot = registry.claim(hint: 0)
    default:
      registry.register(slot, at: watermark)
      return .begun(StoreSnapshot(timestamp: watermark, slot: UInt32(slot)))
    }
    stage += 1
    return .advanced
  }
}

/// Walks every reachable state once, by running every path to a new state from the beginning.
func explore(_ actors: [() -> any Actor]) -> (failures: [String], stateCount: Int) {
  var visited: Set<String> = []
  var failures: [String] = []
  var paths: [[Int]] = [[]]
  while let path = paths.popLast(), failures.count < 5 {
    let world = World()
    var running = actors.map { $0() }
    var last = Step.advanced
    for actor in path { last = running[actor].step(in: world) }
    if case .failed(let why) = last {
      failures.append("\(why) after \(path)")
      continue
    }
    if last != .advanced { continue }
    guard visited.insert("\(world.fingerprint) \(running)").inserted else { continue }
    for actor in actors.indices { paths.append(path + [actor]) }
  }
  return (failures, visited.count)
}
