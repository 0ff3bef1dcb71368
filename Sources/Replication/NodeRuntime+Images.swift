internal import Consensus
internal import Environment
internal import Primitives
internal import VersionStore

// Checkpoints, and images from and to other nodes: begun here, done by the work thread.
extension NodeRuntime {
  // MARK: Checkpoints

  /// Begins to make the state durable as it is now, unless it is or that is under way.
  func checkpoint(_ index: Int) {
    let member = members[index]
    guard !member.isCheckpointing, !member.isInstalling, !member.isHalted,
      member.appliedSlot > member.durableSlot
    else { return }
    members[index].isCheckpointing = true
    let store = member.machine.store
    let base = member.machine.row.base
    let captured = CheckpointBox(
      store.captureCheckpoint(
        ownerState: [], timestamp: StateMachine.timestamp(of: base.slot)))
    work.enqueue { [inbox = shared.inbox] in
      do throws(StoreError) {
        try captured.write(to: store)
        inbox.perform { runtime in runtime.checkpointed(index, base) }
      } catch {
        let isFinal = store.isPoisoned
        if isFinal { inbox.post(failure: .store(error)) }
        inbox.perform { runtime in
          runtime.members[index].isCheckpointing = false
          runtime.report(.warning, "a checkpoint failed: \(error)")
        }
      }
    }
  }

  private func checkpointed(_ index: Int, _ base: LogBase) {
    members[index].isCheckpointing = false
    reachedDurably(index, base)
  }

  private func reachedDurably(_ index: Int, _ base: LogBase) {
    guard base.slot > members[index].durableSlot else { return }
    members[index].durableSlot = base.slot
    step(index, .imageDurable(base))
    noteHealing(index)
  }

  // MARK: Time

  func tickImages(_ index: Int) {
    if let deadline = members[index].receiver.deadline, deadline <= now {
      carryOut(members[index].receiver.tick(now: now), index)
    }
    if let deadline = members[index].sender.deadline, deadline <= now {
      carryOut(members[index].sender.tick(now: now), index)
    }
  }

  // MARK: Messages

  func take(_ message: ImageMessage, from replica: ReplicaID, _ index: Int) {
    guard !members[index].isHalted else { return }
    switch message {
    case .offer(let offer):
      let applied = members[index].appliedSlot
      carryOut(
        members[index].receiver.offered(offer, by: replica, appliedSlot: applied, now: now), index)
    case .request(let id, let chunk):
      carryOut(
        members[index].sender.requested(id: id, chunk: chunk, by: replica, now: now), index)
    case .chunk(let id, let chunk, let bytes):
      carryOut(members[index].receiver.received(id: id, chunk: chunk, bytes, now: now), index)
    case .gone(let id): carryOut(members[index].receiver.lost(id: id), index)
    case .done(let id): carryOut(members[index].sender.released(id: id, by: replica), index)
    }
  }

  private func say(_ message: ImageMessage, to replica: ReplicaID, _ index: Int) {
    post(
      Parcel(
        group: members[index].group, from: members[index].id, to: replica,
        content: .image(message)),
      index)
  }

  // MARK: Sending

  func carryOut(_ actions: [ImageSender.Action], _ index: Int) {
    for action in actions {
      switch action {
      case .make: makeImage(index)
      case .offer(let offer, let replica): say(.offer(offer), to: replica, index)
      case .read(let chunk, let replica): readChunk(index, chunk, for: replica)
      case .deny(let id, let replica): say(.gone(id: id), to: replica, index)
      case .drop: dropImage(index)
      }
    }
  }

  private func makeImage(_ index: Int) {
    let store = members[index].machine.store
    let snapshot = store.beginSnapshot(.published)
    let row = members[index].machine.row
    let folder = members[index].folder
    let id = effects.entropy.next()
    work.enqueue { [inbox = shared.inbox, effects, work] in
      var image: ImageFile?
      do throws(NodeError) {
        image = try ImageFile.make(
          of: store, at: snapshot, row, id: id, folder: folder, effects: effects
        ) { work.isFinishing }
      } catch {
        effects.events.report(.init(.warning, "no image could be made: \(error)"))
      }
      store.endSnapshot(snapshot)
      let made = image
      inbox.perform { runtime in
        runtime.members[index].image = made
        runtime.carryOut(
          runtime.members[index].sender.made(made?.offer, now: runtime.now), index)
      }
    }
  }

  private func readChunk(_ index: Int, _ chunk: Int, for replica: ReplicaID) {
    guard let image = members[index].image else { return }
    work.enqueue { [inbox = shared.inbox] in
      let bytes = try? image.read(chunk: chunk)
      inbox.perform { runtime in
        guard runtime.members[index].image === image else { return }
        if let bytes {
          runtime.say(.chunk(id: image.offer.id, chunk: chunk, bytes: bytes), to: replica, index)
        } else {
          runtime.carryOut(runtime.members[index].sender.spoiled(), index)
        }
      }
    }
  }

  private func dropImage(_ index: Int) {
    guard let image = members[index].image.take() else { return }
    work.enqueue { [effects] in try? effects.files.remove(image.path) }
  }

  // MARK: Receiving

  func carryOut(_ actions: [ImageReceiver.Action], _ index: Int) {
    for action in actions {
      switch action {
      case .ask(let id, let chunk, let replica):
        say(.request(id: id, chunk: chunk), to: replica, index)
      case .begin: work.enqueue { [installer = installer(index)] in installer.begin() }
      case .store(let bytes): storeChunk(index, bytes)
      case .finish(let offer): finishImage(index, offer)
      case .abandon: work.enqueue { [installer = installer(index)] in installer.abandon() }
      case .release(let id, let replica): say(.done(id: id), to: replica, index)
      }
    }
  }

  private func installer(_ index: Int) -> ImageInstaller {
    if let installer = members[index].installer { return installer }
    let installer = ImageInstaller(
      folder: members[index].folder, cluster: shared.identity.cluster,
      settings: shared.configuration.store, effects: effects)
    members[index].installer = installer
    return installer
  }

  private func storeChunk(_ index: Int, _ bytes: [UInt8]) {
    let installer = installer(index)
    work.enqueue { [inbox = shared.inbox] in
      let isStored = installer.store(bytes)
      inbox.perform { runtime in
        runtime.carryOut(
          runtime.members[index].receiver.stored(isStored, now: runtime.now), index)
      }
    }
  }

  /// Nothing is applied from here on until the image is installed or given up: what the state would
  /// get meanwhile would be lost with the file that it stands in.
  private func finishImage(_ index: Int, _ offer: ImageOffer) {
    let installer = installer(index)
    guard offer.base.slot > members[index].appliedSlot else {
      work.enqueue { installer.abandon() }
      carryOut(members[index].receiver.finished(), index)
      return
    }
    members[index].isInstalling = true
    work.enqueue { [inbox = shared.inbox] in
      do throws(NodeError) {
        try installer.install(StateRow(base: offer.base, hash: offer.stateHash))
        inbox.perform { runtime in runtime.installed(index) }
      } catch {
        inbox.post(failure: error)
      }
    }
  }

  /// The new state has taken the old one's name. The old one's file went with it.
  private func installed(_ index: Int) {
    guard let store = installer(index).takeInstalled() else { return }
    let old = members[index].machine.store
    do { members[index].machine = try StateMachine(store: store) } catch {
      store.close()
      failure = error
      return
    }
    old.close()
    let base = members[index].machine.row.base
    members[index].isInstalling = false
    members[index].isCheckpointing = false
    members[index].installedImageCount += 1
    members[index].deliveries.removeAll { $0.slot <= base.slot }
    reachedDurably(index, base)
    step(index, .applied(through: base.slot))
    carryOut(members[index].receiver.finished(), index)
    answerReads(index)
  }
}

/// Carries a captured checkpoint, which can be used once, to the thread that writes it.
// SENDABLE: made by one thread and used once by another, later.
final class CheckpointBox: @unchecked Sendable {
  private var captured: CapturedStoreCheckpoint?

  init(_ captured: consuming CapturedStoreCheckpoint) { self.captured = consume captured }

  func write(to store: VersionStore) throws(StoreError) {
    guard let taken = captured.take() else { preconditionFailure("a checkpoint is written once") }
    try store.write(taken)
  }
}
