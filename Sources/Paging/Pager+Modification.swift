internal import Environment
public import Primitives
internal import RawBytes
public import Synchronization

/// Before the first byte changes.
///
/// ```text
///  page is            checkpoint in progress needs it    then
///  ─────────────────  ─────────────────────────────────  ─────────────────────────────────────
///  dirty since now    no: it was captured before         nothing
///  clean              no: its image is in the map        dirty since now
///  dirty since then   no checkpoint, written, volatile   dirty since now
///  dirty since then   yes                                old bytes handed over, dirty since now
/// ```
///
/// - Invariant MO1: no byte of a page that the checkpoint in progress is due changes before its old
///   bytes are in a frame of the checkpoint's or in the file.
/// - Invariant MO2: a hand-over waits for nobody: it takes a frame that is free now, or writes.
extension Pager {
  /// MUST precede the first byte changed under this latch. Marks the page dirty, and hands its
  /// old bytes over when a checkpoint still needs them.
  ///
  /// - Complexity: two loads when the page is dirty already; a copy of the page at most once a
  ///   page and checkpoint; when too many copies are waiting, a write.
  // SAFETY: the frame number comes from the word of a latched page.
  @inlinable
  package func willModify(_ page: borrowing ExclusivePage) {
    let dirty = unsafe frameDirty[page.word.frame].load(ordering: .relaxed)
    if dirty == epoch.load(ordering: .relaxed) { return }
    modifySlowly(page.id, frame: page.word.frame)
  }

  @inline(never)
  @usableFromInline
  func modifySlowly(_ id: PageID, frame: Int) {
    let dirtyEpoch = frames.dirtyEpoch(of: frame)
    if dirtyEpoch == 0 {
      counters.dirtyPages.add(1)
    } else {
      _ = saveForCheckpoint(id.rawValue, frame: frame, dirtyEpoch: dirtyEpoch, mayKeep: false)
    }
    frames.setDirty(epoch.load(ordering: .relaxed), frame: frame)
  }

  /// At most this many frames hold old images.
  private var handOverLimit: Int { frames.count / 8 }

  /// Saves the bytes of a page that a checkpoint in progress is due, if it is. The page is latched
  /// exclusively. With `mayKeep` the frame itself may become the saved copy: true when it did.
  func saveForCheckpoint(_ id: UInt32, frame: Int, dirtyEpoch: UInt64, mayKeep: Bool) -> Bool {
    let hasRoom = ledger.withLock { ledger -> Bool? in
      guard ledger.isDue(id, dirtyEpoch: dirtyEpoch) else { return nil }
      return ledger.handedOverCount < handOverLimit
    }
    guard let hasRoom else { return false }
    counters.handOvers.add(1)
    if hasRoom && mayKeep { return keepForCheckpoint(id, frame: frame) }
    if hasRoom, let copy = takeFrameForCopy() {
      frames.bytes(of: Int(copy)).copy(frames.bytes(of: frame).view)
      let isTaken = ledger.withLock { ledger in
        ledger.handOver(PageLedger.HandedOver(id: id, frame: copy))
      }
      if !isTaken { frames.giveBack(copy, waits: effects.waits) }
      return false
    }
    counters.inlineHandOvers.add(1)
    writeForCheckpoint(id, frame: frame)
    return false
  }

  /// The frame itself becomes the saved copy. It leaves its page in the same step: the checkpoint
  /// must neither miss the image nor free the frame while it still counts as the page's.
  private func keepForCheckpoint(_ id: UInt32, frame: Int) -> Bool {
    ledger.withLock { ledger in
      let image = PageLedger.HandedOver(id: id, frame: UInt32(frame))
      guard ledger.handOver(image) else { return false }
      frames.setDirty(0, frame: frame)
      frames.unbind(frame)
      return true
    }
  }

  private func takeFrameForCopy() -> UInt32? {
    if let frame = frames.tryTakeAhead() { return frame }
    evictClean(atLeast: 1, examining: 128)
    return frames.tryTakeAhead()
  }

  /// Writes the old image at once, because no frame could take it. A failure fails the
  /// checkpoint, not the writer.
  private func writeForCheckpoint(_ id: UInt32, frame: Int) {
    let buffer = buffers.borrow()
    defer { buffers.giveBack(buffer) }
    let encoded = PageImage.encode(
      frames.bytes(of: frame).view, into: buffer.bytes, compression: configuration.compression)
    let count = Place.blocks(for: encoded.byteCount)
    buffer.bytes.zero(encoded.byteCount..<count * Place.blockByteCount)
    let blocks = ledger.withLock { $0.space.allocateRun(wanted: count, minimum: count) }
    var failure: PagingError?
    do throws(PagingError) {
      try file.write(
        buffer.bytes.view.prefix(count * Place.blockByteCount), block: blocks.lowerBound)
    } catch {
      failure = error
    }
    let stored = StoredImage(
      place: Place(
        start: blocks.lowerBound * Place.unitsPerBlock,
        unitCount: encoded.byteCount / Place.unitByteCount),
      flags: encoded.flags, checksum: encoded.checksum)
    counters.pageWrites.add(1)
    ledger.withLock { ledger in
      if failure == nil && ledger.isCapturing {
        ledger.space.retain(stored.place)
        ledger.enter(id, stored, belongsToCapture: true)
      } else if let failure {
        ledger.failCapture(failure)
      }
      ledger.space.letGo(blocks)
      if failure != nil { ledger.space.setBacked(blocks, false) }
    }
  }
}
