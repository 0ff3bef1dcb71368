internal import Consensus
internal import Primitives
internal import VersionStore

/// A replica of this node with what belongs to it: its state, what waits for it, and images on their
/// way.
///
/// - Invariant GM1: `deliveries` are contiguous and begin behind `machine.row.base.slot`.
/// - Invariant GM2: while an image is being installed nothing is applied.
struct GroupMember {
  var description: GroupDescription
  let folder: String
  var replica: Replica
  var machine: StateMachine
  var deliveries: [Entry] = []
  /// Reads that wait for a slot to be applied.
  var waitingReads: [(slot: Slot, id: RequestID)] = []
  var isHalted = false
  // Checkpoints.
  /// The durable state reaches so far.
  var durableSlot: Slot
  var isCheckpointing = false
  // Images.
  var sender = ImageSender()
  var image: ImageFile?
  var receiver = ImageReceiver()
  var installer: ImageInstaller?
  var isInstalling = false
  var installedImageCount = 0
  // Comparing states.
  var hashes = RecentHashes()
  /// Until the state has got past here, the promises say that damage made slots unsure.
  var unsureThrough: Slot?
  /// Something happened that the status does not show yet.
  var isTouched = true

  var group: GroupID { description.group }
  var id: ReplicaID { description.replica }
  var appliedSlot: Slot { machine.row.base.slot }

  var status: GroupStatus {
    GroupStatus(
      group: group, replica: id, role: replica.role, chosenSlot: replica.chosenSlot,
      appliedSlot: appliedSlot, stateHash: machine.row.hash, configuration: replica.configuration,
      configurationSlot: replica.configurationSlot, leaseTerm: replica.leaseTerm,
      durableSlot: durableSlot,
      installedImageCount: installedImageCount, isHalted: isHalted)
  }
}

/// What the state came to at the newest slots.
struct RecentHashes {
  private var ring: [(slot: Slot, hash: StateHash)] = []

  static let count: UInt64 = 256

  /// Only slots that are compared are kept.
  mutating func add(_ slot: Slot, _ hash: StateHash, interval: UInt64) {
    guard slot.rawValue % interval == 0 else { return }
    let index = Int(slot.rawValue / interval % Self.count)
    while ring.count <= index { ring.append((.zero, .founding)) }
    ring[index] = (slot, hash)
  }

  subscript(slot: Slot, interval: UInt64) -> StateHash? {
    guard slot.rawValue % interval == 0 else { return nil }
    let index = Int(slot.rawValue / interval % Self.count)
    return index < ring.count && ring[index].slot == slot ? ring[index].hash : nil
  }
}
