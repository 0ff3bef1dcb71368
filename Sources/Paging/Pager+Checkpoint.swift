internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

/// Checkpoints.
///
/// ```text
///  capture ──► images ──► map blocks, root table ──► sync ──► superblock twice ──► sync ──► free
///     │           │                  │                 │            │                │
///     │           └────── error ─────┘                 └── error ───┴── error ───────┘
///     │                     ▼                                       ▼
///     └─ dropped ──► given up: the old one stays in force        poisoned (F1)
/// ```
///
/// - Invariant CK1: the superblock is written after everything it leads to is durable, the growth
///   of the file included (F5, R3).
/// - Invariant CK2: nothing that the durable map needs is freed before the new superblock is
///   durable.
/// - Invariant CK3: a failure before the superblock changes nothing that the durable map needs, and
///   a later attempt starts afresh (F10).
extension Pager {
  /// Fixes the state that the checkpoint will have: all pages as they are now, without the volatile
  /// ones. Microseconds.
  ///
  /// The caller guarantees that no change of a page is in flight, except of volatile pages, and
  /// that the last checkpoint was written or given up.
  package func captureCheckpoint(
    ownerState: [UInt8], timestamp: Timestamp, rootTable: [UInt8]
  ) -> CapturedCheckpoint {
    precondition(ownerState.count <= CheckpointState.maximumOwnerStateByteCount)
    let (generation, captured) = ledger.withLock { ledger in
      let captured = epoch.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
      return (ledger.beginCapture(epoch: captured), captured)
    }
    return CapturedCheckpoint(
      generation: generation, epoch: captured, timestamp: timestamp, ownerState: ownerState,
      rootTable: rootTable, pager: self)
  }

  /// Says that the pages of the next capture use a feature. It stays for the life of the file.
  package func require(_ feature: FormatFeatures) {
    features.bitwiseOr(feature.rawValue, ordering: .acquiringAndReleasing)
  }

  /// Makes a captured state durable. Long; writers go on meanwhile.
  ///
  /// - Throws: the reason why the old checkpoint is still in force. After a failed sync, or a
  ///   failure to write the superblock, the pager is poisoned as well.
  package func write(_ captured: consuming CapturedCheckpoint) throws(PagingError) {
    checkpointTurn.take()
    defer { checkpointTurn.pass() }
    do throws(PagingError) {
      try file.checkPoison()
      try writeImages(upTo: captured.epoch)
      try finish(captured)
    } catch {
      counters.failedCheckpoints.add(1)
      abandon(captured.generation)
      throw error
    }
    counters.checkpoints.add(1)
    returnSpace()
  }

  /// Gives an attempt up, unless it is over.
  func abandon(_ generation: Generation) {
    let images = ledger.withLock { ledger -> [PageLedger.HandedOver] in
      guard ledger.capturedGeneration == generation else { return [] }
      let images = ledger.takeHandedOver(limit: .max)
      ledger.abandonCapture()
      return images
    }
    for image in images { frames.giveBack(image.frame, waits: effects.waits) }
  }

  // MARK: Images

  /// Writes every page that is dirty as of the capture, and every image handed over.
  private func writeImages(upTo epoch: UInt64) throws(PagingError) {
    let run = RunBuffer(pageSize: pageSize, compression: configuration.compression)
    var frame = 0
    var isDone = false
    while !isDone {
      writeTurn.take()
      fillFromHandOvers(run)
      while frame < frames.count && !run.isFull {
        copyIfDue(frame, into: run, upTo: epoch)
        frame += 1
      }
      isDone = frame == frames.count && run.isEmpty
      var failure: PagingError?
      do throws(PagingError) { try write(run) } catch { failure = error }
      settle(run)
      writeTurn.pass()
      if let failure = failure ?? ledger.withLock({ $0.captureFailure }) { throw failure }
      // Whoever hands over while the last frames are looked at does so before they are passed.
      if isDone { isDone = ledger.withLock { $0.handedOverCount == 0 } }
    }
  }

  private func copyIfDue(_ frame: Int, into run: RunBuffer, upTo epoch: UInt64) {
    let dirtyEpoch = frames.dirtyEpoch(of: frame)
    guard dirtyEpoch != 0, dirtyEpoch <= epoch else { return }
    let id = frames.pageID(of: frame)
    guard id != 0, ledger.withLock({ $0.isDue(id, dirtyEpoch: dirtyEpoch) }) else { return }
    copy(frame: frame, into: run, upTo: epoch, mayWait: true)
  }

  private func fillFromHandOvers(_ run: RunBuffer) {
    while !run.isFull {
      guard let image = ledger.withLock({ $0.takeHandedOver(limit: 1) }).first else { return }
      run.copyPage(frames.bytes(of: Int(image.frame)).view)
      run.append(id: image.id, frame: image.frame, source: .handedOver)
    }
  }

  // MARK: Map and superblock

  private func finish(_ captured: borrowing CapturedCheckpoint) throws(PagingError) {
    var writer = MapWriter(file: file, generation: captured.generation)
    do throws(PagingError) {
      let slot = try makeDurable(captured, &writer)
      ledger.withLock { ledger in
        ledger.completeCapture(tree: writer.tree, rootTable: writer.rootTable, slot: slot)
      }
    } catch {
      // A poisoned file is never written again, so it does not matter whether the new superblock
      // leads to these places or not.
      ledger.withLock { ledger in
        ledger.giveBack(writer.places)
        for place in writer.places { ledger.space.setBacked(place.blocks, false) }
      }
      throw error
    }
  }

  private func makeDurable(
    _ captured: borrowing CapturedCheckpoint, _ writer: inout MapWriter
  ) throws(PagingError) -> Int {
    try writer.writeMap(ledger)
    try writer.writeRootTable(captured.rootTable, ledger)
    try file.sync()
    let superblock = Superblock(
      id: id, pageSize: pageSize, generation: captured.generation,
      timestamp: captured.timestamp, ownerState: captured.ownerState,
      mapDepth: writer.tree.depth, mapRoot: writer.tree.root,
      rootTablePlace: writer.rootTable ?? Place(start: 0, unitCount: 0),
      rootTableByteCount: captured.rootTable.count,
      rootTableChecksum: captured.rootTable.withByteView { CRC32C.checksum($0) },
      features: FormatFeatures(rawValue: features.load(ordering: .acquiring)))
    let slot = 1 - ledger.withLock { $0.durableSlot }
    try write(superblock, slot: slot)
    return slot
  }

  /// Both copies, then a sync. Any failure poisons: which checkpoint is in force is not known.
  private func write(_ superblock: Superblock, slot: Int) throws(PagingError) {
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    superblock.encode(into: block.bytes)
    do throws(PagingError) {
      for copy in 0..<2 {
        try file.write(block.bytes.view, block: Superblock.block(slot: slot, copy: copy))
      }
    } catch {
      file.poison()
      throw error
    }
    try file.sync()
  }
}
