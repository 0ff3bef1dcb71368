internal import Environment
internal import Synchronization
internal import Primitives
internal import RawBytes

/// Writing runs: what the checkpoint, the background writer and page builds have in common.
///
/// ```text
///   page, dirty ──copy──► dirty + copied ──written, still so──► clean, its place in the map
///                               │
///                               └─changed, freed─► dirty since later; the copy is dropped
/// ```
///
/// - Invariant RW1: one run at a time is being filled, written and settled (the turn `writeTurn`),
///   so a copied word always means the run at hand.
/// - Invariant RW2: a place enters the map only while the page is latched, and only if the page
///   did not change since it was copied.
extension Pager {
  /// Copies a dirty page into a run, if it is still dirty and in its frame.
  /// Hold `writeTurn`. Waits for an exclusive latch only if asked to.
  func copy(frame: Int, into run: RunBuffer, upTo epoch: UInt64, mayWait: Bool) {
    let id = frames.pageID(of: frame)
    guard id != 0, latchShared(id, frame: frame, mayWait: mayWait) else { return }
    let dirtyEpoch = frames.dirtyEpoch(of: frame)
    let copiedWord = FramePool.copiedWord(epoch: dirtyEpoch, image: run.images.count)
    let isWanted = dirtyEpoch != 0 && dirtyEpoch <= epoch && !frames.isCopied(frame)
    if isWanted {
      run.copyPage(frames.bytes(of: frame).view)
      frames.setDirty(copiedWord, frame: frame)
    }
    unlatchShared(id)
    if isWanted {
      run.append(
        id: id, frame: UInt32(frame),
        source: .page(dirtyEpoch: dirtyEpoch, copiedWord: copiedWord))
    }
  }

  /// Writes a run, in pieces when free space is in pieces. Images that made it have places, also
  /// when this throws.
  func write(_ run: RunBuffer) throws(PagingError) {
    while !run.isPlaced {
      let (wanted, minimum) = run.wantedBlocks
      let blocks = ledger.withLock { $0.space.allocateRun(wanted: wanted, minimum: minimum) }
      let (bytes, places) = run.place(in: blocks)
      do {
        try file.write(bytes, block: blocks.lowerBound)
      } catch {
        run.forget(places)
        ledger.withLock { ledger in
          ledger.space.letGo(blocks)
          ledger.space.setBacked(blocks, false)
        }
        throw error
      }
      ledger.withLock { ledger in
        for index in places { ledger.space.retain(run.images[index].stored!.place) }
        ledger.space.letGo(blocks)
      }
      counters.pageWrites.add(places.count)
      run.advance()
    }
  }

  /// Enters what was written into the maps, and marks what was not as dirty as before.
  func settle(_ run: RunBuffer) {
    for image in run.images {
      switch image.source {
      case .page(let dirtyEpoch, let copiedWord):
        settle(image, dirtyEpoch: dirtyEpoch, copiedWord: copiedWord)
      case .handedOver: settleHandedOver(image)
      case .built:
        // Volatile, so in no capture (PL3).
        guard let stored = image.stored else { continue }
        ledger.withLock { $0.enter(image.id, stored, belongsToCapture: false) }
      }
    }
    run.removeAll()
  }

  private func settle(_ image: RunImage, dirtyEpoch: UInt64, copiedWord: UInt64) {
    let frame = Int(image.frame)
    guard let stored = image.stored else {
      frames.replaceDirty(copiedWord, by: dirtyEpoch, frame: frame)
      return
    }
    guard latchShared(image.id, frame: frame, mayWait: true) else {
      ledger.withLock { $0.space.release(stored.place) }
      return
    }
    // No thread changes the page under the shared latch, so the word cannot change between the
    // look and the entry.
    if frames.dirty(of: frame) == copiedWord {
      ledger.withLock { ledger in
        let isDue = ledger.isDue(image.id, dirtyEpoch: dirtyEpoch)
        ledger.enter(image.id, stored, belongsToCapture: isDue)
      }
      frames.setDirty(0, frame: frame)
      counters.dirtyPages.subtract(1)
    } else {
      ledger.withLock { $0.space.release(stored.place) }
    }
    unlatchShared(image.id)
  }

  private func settleHandedOver(_ image: RunImage) {
    if let stored = image.stored {
      ledger.withLock { ledger in
        if ledger.isCapturing {
          ledger.enter(image.id, stored, belongsToCapture: true)
        } else {
          ledger.space.release(stored.place)
        }
      }
    }
    frames.giveBack(image.frame, waits: effects.waits)
  }
}
