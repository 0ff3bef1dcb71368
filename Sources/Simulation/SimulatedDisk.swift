internal import Environment
internal import RawBytes

/// The disk of a simulation: its files, the faults declared on it, and its power switch.
///
/// Every call is a scheduling point before it takes effect; those that make something durable are
/// one afterwards too, so that others run between the effect and the caller's learning of it.
///
/// - Invariant J1: a call that changes something has a number, from 1, in `counters.changeCount`.
///   A power cut at that number catches the call under way: its change is made, is not durable,
///   and so is subject to the loss model; a sync has made nothing durable.
/// - Invariant J2: after the cut every call throws with `powerCutNumber` and changes nothing.
/// - Invariant J3: a fault that is counted in `counters` did show itself to the caller.
/// - Invariant J4: direct I/O that is misaligned traps, so that it is found here.
package final class SimulatedDisk: FileSystem, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton, or outside a run by the test's thread alone.

  /// The number of the errors that calls throw after a power cut: none that a platform has.
  package static let powerCutNumber: Int32 = 9001

  package private(set) var counters = DiskCounters()
  package private(set) var isPowered = true
  var image: DiskImage
  var generator: SeededGenerator
  /// The chance of faults: what they hit, apart from what happens anyhow (D2).
  var faultChance: SeededGenerator
  var locked: Set<Int> = []
  let scheduler: Scheduler
  private var plan: FaultPlan
  private var cutChange: Int?
  private var observer: ((_ change: Int) -> Void)?
  /// How long calls take on a machine of a `World`; nil: what each costs, and nobody else goes on.
  var pace: DiskPace?
  /// Hears of a power cut at a change when it happens.
  var whenCut: (() -> Void)?

  init(
    image: DiskImage, scheduler: Scheduler, generator: SeededGenerator,
    faultChance: SeededGenerator
  ) {
    var chance = faultChance
    plan = FaultPlan(chances: chance.fork())
    self.faultChance = chance
    self.image = image.afterProcessCrash()
    self.scheduler = scheduler
    self.generator = generator
  }

  // MARK: For tests

  /// Cuts the power at the change with this number: see J1.
  package func cutPower(atChange number: Int) { cutChange = number }

  /// Cuts the power now.
  package func cutPower() { isPowered = false }

  /// What a restart finds if the power is cut now, or was cut before.
  package func afterPowerCut(_ model: LossModel, seed: UInt64) -> DiskImage {
    image.afterPowerCut(model, seed: seed)
  }

  /// What is on the disk now, durable or not.
  package var snapshot: DiskImage { image }

  /// Looks at the disk and damages it, between calls.
  package func edit(_ body: (inout DiskImage) -> Void) { body(&image) }

  /// Not a call that takes time or fails.
  package func availableByteCount(at path: String) -> UInt64? {
    capacity.map { $0 - min($0, image.usedByteCount) }
  }

  /// How many bytes of blocks fit; nil: any number. May change while files are open.
  package var capacity: UInt64? {
    get { image.capacity }
    set { image.capacity = newValue }
  }

  /// Whether images list their pending changes one by one, for `DiskImage.surviving`; costs the
  /// bytes of whatever is not synced. To be set before anything is pending.
  package var recordsPendingChanges: Bool {
    get { image.recordsPendingChanges }
    set {
      precondition(
        !newValue || image.recordsPendingChanges || image.pendingNames.isEmpty,
        "some names are pending already")
      image.recordsPendingChanges = newValue
    }
  }

  package func inject(_ fault: Fault) { plan.add(fault) }

  package func removeFaults() { plan.removeAll() }

  /// Calls the observer with the number of each change at the moment when a power cut would catch
  /// it: `afterPowerCut` then answers for a cut right there. So one run serves for a cut at every
  /// change. The observer may run other simulators; it must not call into this one's effects.
  package func observeChanges(_ observer: ((_ change: Int) -> Void)?) { self.observer = observer }

  // MARK: For the calls

  /// A call begins: others may run, the power may be gone, a fault may befall it.
  func begin(
    _ call: FileError.Call, _ path: String, _ first: UInt64 = 0, _ second: UInt64 = 0,
    isDurable: Bool = false
  ) throws(FileError) -> Fault.Effect? {
    scheduler.enter(
      call.traced, first, second, Trace.name(of: path),
      cost: pace == nil ? call.cost : min(call.cost, DiskPace.longestCost))
    if isDurable { scheduler.mayHandOver() }
    counters.note(call)
    guard isPowered else { throw powerCut(call, path) }
    if let wait = pace?.wait(at: scheduler.now, isDurable: isDurable), wait > 0 {
      scheduler.pass(wait)
      guard isPowered else { throw powerCut(call, path) }
    }
    let verdict = plan.verdict(on: call, path: path, isDurable: isDurable)
    if verdict.delay > 0 {
      counters.note(.delayed)
      scheduler.pass(verdict.delay)
      guard isPowered else { throw powerCut(call, path) }
    }
    switch verdict.effect {
    case .lies?, .fails?, .failsHalfway?:
      if let effect = verdict.effect { counters.note(effect.kind) }
    default: break
    }
    return verdict.effect
  }

  /// A call has made its change, which is not durable yet: the moment for a power cut.
  func passChange(_ call: FileError.Call, _ path: String) throws(FileError) {
    counters.noteChange()
    observer?(counters.changeCount)
    if counters.changeCount == cutChange {
      isPowered = false
      whenCut?()
    }
    if !isPowered { throw powerCut(call, path) }
  }

  /// A call that made something durable returns.
  func endDurable() { scheduler.mayHandOver() }

  func fail(_ call: FileError.Call, _ path: String, _ number: Int32) -> FileError {
    FileError(call: call, path: path, number: number)
  }

  func note(_ kind: Fault.Kind) { counters.note(kind) }

  func noteRead(_ byteCount: Int) { counters.noteRead(byteCount) }

  func noteWritten(_ byteCount: Int) { counters.noteWritten(byteCount) }

  func postpone(_ effect: Fault.Effect) { plan.postpone(effect) }

  private func powerCut(_ call: FileError.Call, _ path: String) -> FileError {
    counters.note(.powerCut)
    return fail(call, path, SimulatedDisk.powerCutNumber)
  }
}

extension FileError.Call {
  var traced: Trace.Call {
    switch self {
    case .open: .open
    case .createDirectory: .createDirectory
    case .list: .list
    case .kind: .kind
    case .rename: .rename
    case .remove: .remove
    case .syncDirectory: .syncDirectory
    case .lock: .lock
    case .read: .read
    case .write: .write
    case .sync: .sync
    case .size: .size
    case .truncate: .truncate
    case .allocate: .allocate
    case .punchHole: .punchHole
    }
  }

  /// How much virtual time a call takes, in nanoseconds: the order of magnitude of a real one.
  var cost: UInt64 {
    switch self {
    case .sync, .syncDirectory: 200_000
    case .read, .write: 10_000
    default: 2_000
    }
  }
}
