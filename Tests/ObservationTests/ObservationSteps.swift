import ConcurrencyControl
import Martlet
import Primitives
import RawBytes
import VersionStore

/// How the protocol of `ObservationLedger` is spoiled, to show that each of its steps is needed.
enum Spoiling: CaseIterable {
  case nothing
  /// The snapshot is taken before the observer is admitted.
  case readsFirst
  /// The ledger is not told of commits that were ordered before the admission.
  case forgetsFloor
  /// Notes are kept only from after the snapshot on.
  case beginsLate
  /// A commit looks whether it is awaited before it raises the watermark.
  case looksEarly
  /// A commit is noted only once it is published.
  case notesLate
}

/// What commits, observer and dispatcher share: the real ledger, and a store of two keys that is
/// nothing but watermarks.
struct ObservedWorld {
  var spoiling = Spoiling.nothing
  var ledger = ObservationLedger()
  var ordered: UInt64 = 10
  var applied: Set<UInt64> = []
  var published: UInt64 = 10
  var acknowledged: UInt64 = 10
  var isObserved = false
  var isAwaited = false
  var isQueued = false
  /// Keys written, by moment.
  var written: [UInt64: UInt8] = [:]
  var isObserverTold = false
  /// Which read the observer is at, and whether it has begun or finished it.
  var observerStanding: UInt64 = 0

  /// What tells one situation from another, beside the steps: all that the ledger's further steps
  /// depend on follows from it and from when each note was made.
  var situation: [UInt64] {
    [
      ordered, published, acknowledged, ledger.comparedThrough.rawValue,
      ledger.unseen?.rawValue ?? 0,
      [isObserved, isAwaited, isQueued, isObserverTold].reduce(0) { $0 << 1 | ($1 ? 1 : 0) },
    ] + applied.sorted()
  }

  mutating func change<Result>(_ body: (inout ObservationLedger) -> Result) -> Result {
    defer { isAwaited = ledger.isAwaiting }
    return body(&ledger)
  }

  mutating func lookAgain() {
    if isAwaited, acknowledged > ledger.comparedThrough.rawValue { isQueued = true }
  }

  static func batch(_ key: UInt8, _ body: (WriteBatch) -> Void) {
    var builder = WriteBatchBuilder()
    [key].withByteView { key in builder.set(key, to: key, in: KeyspaceID(UInt32(key[0]))) }
    body(builder.finish())
  }
}

enum Progress { case advanced, blocked, finished }

/// Steps C1 to C5; without the last two, of a commit that the device refused.
struct CommitSteps {
  /// The key, which is also its keyspace.
  let key: UInt8
  var isRefused = false
  var step = 0
  var timestamp: UInt64 = 0
  var seesObserver = false
  var seesAwaited = false
  /// Where the observer was when the note was made.
  var notedBeside: UInt64 = 0

  var situation: [UInt64] {
    [UInt64(step), timestamp, notedBeside, seesObserver ? 1 : 0, seesAwaited ? 1 : 0]
  }

  mutating func advance(in world: inout ObservedWorld) -> Progress {
    step += 1
    switch step {
    case 1:
      world.ordered += 1
      timestamp = world.ordered
      world.written[timestamp] = key
    case 2: seesObserver = world.isObserved
    case 3: if world.spoiling != .notesLate { note(&world) }
    case 4:
      world.applied.insert(timestamp)
      while world.applied.contains(world.published + 1) { world.published += 1 }
      if isRefused { step = 8 }
    case 5: if world.spoiling == .looksEarly { seesAwaited = world.isAwaited }
    case 6:
      guard world.published >= timestamp else {
        step -= 1
        return .blocked
      }
      world.acknowledged = max(world.acknowledged, timestamp)
    case 7:
      if world.spoiling == .notesLate { note(&world) }
      if world.spoiling != .looksEarly { seesAwaited = world.isAwaited }
      if seesAwaited { world.isQueued = true }
    default: return .finished
    }
    return .advanced
  }

  private mutating func note(_ world: inout ObservedWorld) {
    guard seesObserver else { return }
    let timestamp = Timestamp(timestamp)
    notedBeside = world.observerStanding
    ObservedWorld.batch(key) { batch in
      world.change { $0.note(batch, at: timestamp, dropping: nil) }
    }
  }
}

/// The comparison on a thread of the engine.
struct CompareSteps {
  var step = 0
  var acknowledged: UInt64 = 0

  var situation: [UInt64] { [UInt64(step), step == 2 ? acknowledged : 0] }

  mutating func advance(in world: inout ObservedWorld) -> Progress {
    switch step {
    case 0:
      guard world.isQueued else { return .blocked }
      world.isQueued = false
    case 1: acknowledged = world.acknowledged
    default:
      let moment = Timestamp(acknowledged)
      if !world.change({ $0.advance(through: moment) }).isEmpty { world.isObserverTold = true }
    }
    step = (step + 1) % 3
    return .advanced
  }
}

/// Steps O1 to O6, and again when it is told. It reads key 1, and key 2 as well once key 1 was
/// written.
struct ObserverSteps {
  var step = 0
  var id: ObserverID?
  var floor: UInt64 = 0
  var snapshot: UInt64 = 0
  var comparedAtBegin: UInt64 = 0

  var situation: [UInt64] {
    [UInt64(step), step == 2 ? floor : 0, snapshot, comparedAtBegin]
  }

  mutating func advance(in world: inout ObservedWorld) -> Progress {
    if world.spoiling == .readsFirst, step == 0, snapshot == 0 {
      snapshot = world.acknowledged
      return .advanced
    }
    step += 1
    switch step {
    case 1:
      id = world.change { $0.admit() }
      world.isObserved = true
    case 2: floor = world.ordered
    case 3:
      guard let id, world.spoiling != .forgetsFloor else { return .advanced }
      let floor = Timestamp(floor)
      world.change { $0.setUnseen(through: floor, for: id) }
    case 4: world.lookAgain()
    case 5: if world.spoiling != .beginsLate { begin(&world) }
    case 6:
      if world.spoiling != .readsFirst || world.isObserverTold { snapshot = world.acknowledged }
    case 7: if world.spoiling == .beginsLate { begin(&world) }
    case 8:
      guard let id else { return .finished }
      world.isObserverTold = false
      world.observerStanding = 2 + snapshot
      let reads = reads(in: world)
      let moment = Timestamp(snapshot)
      if !world.change({ $0.finish(id, reads, at: moment) }) { world.isObserverTold = true }
    case 9: world.lookAgain()
    default:
      step = 9
      guard world.isObserverTold else { return .blocked }
      step = 4
    }
    return .advanced
  }

  private mutating func begin(_ world: inout ObservedWorld) {
    guard let id else { return }
    comparedAtBegin = world.ledger.comparedThrough.rawValue
    world.observerStanding = 1
    world.change { $0.begin(id) }
  }

  private func reads(in world: ObservedWorld) -> Interest {
    let hasSecond = world.written.contains { $0.key <= snapshot && $0.value == 1 }
    return Interest(
      names: [Self.name(1)],
      intervals: hasSecond ? [KeyInterval(keyspace: KeyspaceID(2), lower: [], upper: [9])] : [])
  }

  /// What it shows when nothing more happens.
  func isMissing(in world: ObservedWorld) -> UInt64? {
    let hasSecond = world.written.contains { $0.key <= snapshot && $0.value == 1 }
    return world.written.first { timestamp, key in
      timestamp > snapshot && timestamp <= world.acknowledged && (key == 1 || hasSecond && key == 2)
    }?.key
  }

  static func name(_ key: UInt8) -> LockName {
    let keyspace = KeyspaceID(UInt32(key))
    return [key].withByteView {
      LockName(
        keyspace: keyspace, fingerprint: Hash64.hash($0, seed: UInt64(keyspace.rawValue)))
    }
  }
}
