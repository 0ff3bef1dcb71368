import Consensus
import Primitives

/// A replica, its disk and what it applied.
final class Node {
  let id: ReplicaID
  var replica: Replica?
  var disk: Disk
  var state = MachineState()
  var clock = NodeClock()
  /// Of its lives: what was scheduled in an earlier one is void.
  var life = 0
  var tickNumber = 0
  /// Asked for, in order, and not on the medium yet.
  var writes: [Write] = []
  var diskBusyUntil: UInt64 = 0
  var isDiskStalled = false
  /// How many times longer everything takes.
  var slowness: UInt64 = 1
  var isHalted = false
  /// It does nothing before, while its clock goes on.
  var pausedUntil: UInt64 = 0
  var isImageDue = false
  /// What the replica was told to be applied.
  var told = Slot.zero
  /// Reads that wait for something to be applied.
  var waiting: [(request: RequestID, slot: Slot)] = []

  init(id: ReplicaID, disk: Disk) {
    self.id = id
    self.disk = disk
  }
}

/// A node's boot clock: true time at another rate, from another zero; it may stand still.
struct NodeClock {
  var zero: UInt64 = 0
  /// Parts in a million that it is too fast.
  var drift: Int64 = 0
  var frozenSince: UInt64?
  private var lost: UInt64 = 0

  func reading(at time: UInt64) -> UInt64 {
    let time = frozenSince ?? time
    let rate = UInt64(1_000_000 + drift)
    return zero + (time - lost) * rate / 1_000_000
  }

  /// The earliest true time at which it shows at least so much.
  func moment(of reading: UInt64, from time: UInt64) -> UInt64 {
    let now = self.reading(at: time)
    guard reading > now else { return time }
    let rate = UInt64(1_000_000 + drift)
    return time + (reading - now) * 1_000_000 / rate + (drift == 0 ? 0 : 2)
  }

  /// Runs at another rate from now on.
  mutating func retune(drift: Int64, at time: UInt64) {
    zero = reading(at: time)
    lost = time
    self.drift = drift
  }

  mutating func freeze(at time: UInt64) { frozenSince = frozenSince ?? time }

  mutating func thaw(at time: UInt64) {
    guard let since = frozenSince else { return }
    lost += time - since
    frozenSince = nil
  }
}

/// What is applied: enough of it to see whether two are the same.
struct MachineState: Hashable {
  var slot = Slot.zero
  var hash: UInt64 = 14_695_981_039_346_656_037
  var configuration: Configuration?
  var configurationSlot = Slot.zero

  mutating func apply(_ entry: Entry) {
    precondition(entry.slot == slot.next, "delivered out of order")
    slot = entry.slot
    hash = (hash ^ entry.content.digest) &* 1_099_511_628_211
    if case .configuration(let configuration) = entry.content {
      self.configuration = configuration
      configurationSlot = entry.slot
    }
  }

  var base: LogBase {
    LogBase(slot: slot, configuration: configuration!, configurationSlot: configurationSlot)
  }
}

extension Entry.Content {
  /// The same for the same content in every run.
  var digest: UInt64 {
    var digest: UInt64 = 14_695_981_039_346_656_037
    for byte in String(describing: self).utf8 {
      digest = (digest ^ UInt64(byte)) &* 1_099_511_628_211
    }
    return digest
  }
}

/// What survives a crash.
struct Disk {
  struct Image {
    var state: MachineState
  }

  var hardState: HardState?
  /// All that was ever written of a slot and not cut off, oldest first.
  var entries: [Slot: [Entry]] = [:]
  var base: LogBase
  var image: Image
  var unknown: Range<Slot>?
  private var configurations: [LogBase] = []

  init(founding configuration: Configuration) {
    hardState = HardState()
    base = LogBase(founding: configuration)
    image = Image(state: MachineState())
    image.state.configuration = configuration
  }

  mutating func perform(_ write: Write) {
    if let hardState = write.hardState { self.hardState = hardState }
    for entry in write.entries where entry.slot > base.slot {
      entries[entry.slot, default: []].append(entry)
    }
  }

  /// Loses the newest entry of each of these slots, and knows that something is lost.
  mutating func damage(_ slots: Range<Slot>) {
    for slot in entries.keys.sorted() where slots.contains(slot) {
      entries[slot]!.removeLast()
      if entries[slot]!.isEmpty { entries[slot] = nil }
    }
    unknown = slots
  }

  mutating func install(_ image: Image) {
    self.image = image
    base = image.state.base
    entries = entries.filter { $0.key > base.slot }
  }

  mutating func truncate(through slot: Slot) {
    guard slot > base.slot else { return }
    base = configuration(at: slot)
    entries = entries.filter { $0.key > slot }
  }

  /// The base for a cut, from what the log says.
  private func configuration(at slot: Slot) -> LogBase {
    if image.state.configurationSlot <= slot {
      return LogBase(
        slot: slot, configuration: image.state.configuration!,
        configurationSlot: image.state.configurationSlot)
    }
    // A later configuration than the one wanted: what the image says is about its own slot only.
    return image.state.base
  }

  /// What a replica finds. `keepingLog`: behind the last cut, or only behind the image.
  mutating func recovered(keepingLog: Bool) -> RecoveredState {
    if !keepingLog || image.state.configurationSlot > base.slot { base = image.state.base }
    entries = entries.filter { $0.key > base.slot }
    let kept = entries.keys.sorted().map { entries[$0]!.max { $0.ballot < $1.ballot }! }
    return RecoveredState(
      hardState: hardState, base: base, entries: kept, unknown: unknown,
      appliedSlot: image.state.slot)
  }
}
