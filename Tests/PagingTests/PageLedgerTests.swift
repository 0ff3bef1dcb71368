import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing

/// The ledger's one map with an overlay, against a model that keeps three maps, and those that are
/// pinned.
@Suite struct `The page ledger` {
  /// What a checkpoint's map, or the current one, says: page to place.
  private typealias Map = [UInt32: Place]

  /// Plays the pager: pages are dirty since an epoch, images are written, captures come and go.
  private struct Model {
    var ledger = PageLedger()
    var random: SeededGenerator
    var epoch: UInt64 = 1
    var live: [UInt32] = []
    /// Pages that changed since they were last written, and since when.
    var dirty: [UInt32: UInt64] = [:]
    var volatile: Set<UInt32> = []
    var retired: Set<UInt32> = []
    var current: Map = [:]
    var durable: Map = [:]
    /// The capture's map so far, and the pages whose image is still to come.
    var captured: Map?
    var due: Set<UInt32> = []
    /// Old images of due pages that were handed over.
    var handedOver: Set<UInt32> = []
    var captureEpoch: UInt64 = 0
    /// Maps that are being copied.
    var pinned: [(generation: Generation, map: Map)] = []
    /// The blocks of the map as they lie in the file: a checkpoint writes the dirty ones only.
    var stored: [Int: [UInt8]] = [:]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Lets the pages to come lie far apart, a few in each block of the map, so that a block that
    /// should be dirty is seldom so for another page's sake.
    mutating func spread() {
      let ids = (0..<2_560).map { _ in ledger.takeID(volatile: false) }
      for id in ids where id % 40 == 0 { ledger.giveBackID(id) }
    }

    mutating func place() -> StoredImage {
      let units = 1 + random.below(32)
      let blocks = (units + 7) / 8
      let run = ledger.space.allocateRun(wanted: blocks, minimum: blocks)
      let place = Place(start: run.lowerBound * 8, unitCount: units)
      ledger.space.retain(place)
      ledger.space.letGo(run)
      return StoredImage(place: place, flags: [], checksum: UInt32(units))
    }

    mutating func allocate() {
      let isVolatile = random.oneIn(4)
      let id = ledger.takeID(volatile: isVolatile)
      #expect(!live.contains(id))
      live.append(id)
      dirty[id] = epoch
      if isVolatile { volatile.insert(id) }
    }

    /// What `willModify` and `free` do first.
    mutating func handOverIfDue(_ id: UInt32) {
      let isDue = dirty[id].map { ledger.isDue(id, dirtyEpoch: $0) } ?? false
      #expect(isDue == (due.contains(id) && !handedOver.contains(id)))
      if isDue { handedOver.insert(id) }
    }

    mutating func modify(_ id: UInt32) {
      handOverIfDue(id)
      dirty[id] = epoch
    }

    mutating func write(_ id: UInt32) {
      guard let since = dirty[id] else { return }
      let image = place()
      let belongs = ledger.isDue(id, dirtyEpoch: since)
      #expect(belongs == (due.contains(id) && !handedOver.contains(id)))
      ledger.enter(id, image, belongsToCapture: belongs)
      current[id] = image.place
      if belongs {
        captured?[id] = image.place
        due.remove(id)
      }
      dirty[id] = nil
    }

    mutating func writeHandedOver(_ id: UInt32) {
      let image = place()
      ledger.enter(id, image, belongsToCapture: true)
      captured?[id] = image.place
      // Until its newer bytes are written, the current map may say either.
      current[id] = ledger.entry(of: id).isAbsent ? nil : ledger.entry(of: id).place
      due.remove(id)
      handedOver.remove(id)
    }

    mutating func free(_ id: UInt32) {
      handOverIfDue(id)
      ledger.remove(id)
      ledger.giveBackID(id)
      live.removeAll { $0 == id }
      dirty[id] = nil
      current[id] = nil
      volatile.remove(id)
      retired.remove(id)
    }

    mutating func changeVolatility(_ id: UInt32) {
      if retired.contains(id) { return }
      if volatile.contains(id) {
        ledger.setVolatile(id, false)
        volatile.remove(id)
      } else {
        ledger.setVolatile(id, true)
        volatile.insert(id)
        retired.insert(id)
      }
    }

    mutating func capture() {
      captureEpoch = epoch
      epoch += 1
      _ = ledger.beginCapture(epoch: captureEpoch)
      captured = current.filter { !volatile.contains($0.key) }
      due = Set(dirty.keys.filter { !volatile.contains($0) })
    }

    mutating func finish(successfully: Bool) {
      if successfully {
        for id in due.subtracting(handedOver).sorted() { write(id) }
        for id in handedOver.sorted() { writeHandedOver(id) }
        check()
        storeDirtyBlocks()
        ledger.completeCapture(tree: MapTree(), rootTable: nil, slot: 0)
        durable = captured ?? [:]
      } else {
        ledger.abandonCapture()
      }
      captured = nil
      due = []
      handedOver = []
    }

    mutating func pin() { pinned.append((ledger.pinDurable(), durable)) }

    mutating func unpin(_ index: Int) {
      ledger.unpin(pinned[index].generation)
      pinned.remove(at: index)
      while ledger.releaseHeld(limit: 1 + random.below(8)) {}
      if pinned.isEmpty { #expect(ledger.heldUnitCount == 0) }
    }

    /// A compaction gives an image another place, between captures.
    mutating func move(_ id: UInt32) {
      guard captured == nil, current[id] != nil else { return }
      let image = place()
      ledger.enter(id, image, belongsToCapture: false)
      current[id] = image.place
    }

    /// PL5: what is not dirty lies there as it is to be.
    mutating func storeDirtyBlocks() {
      let dirty = ledger.capturedDirtyBlocks
      let memory = AlignedMemory(byteCount: PageMap.entriesPerBlock * PageMapEntry.byteCount)
      for block in 0..<ledger.capturedLeafBlockCount {
        let isPresent = ledger.encodeCapturedBlock(block, into: memory.bytes)
        let bytes = isPresent ? memory.bytes.view.array : nil
        if dirty.contains(block) { stored[block] = bytes }
        let isSame = stored[block] == bytes
        #expect(isSame, "block \(block) of the map is not dirty and has changed")
      }
    }

    func check() {
      for id in 1..<UInt32(max(ledger.idLimit, 1)) {
        let entry = ledger.entry(of: id)
        #expect((entry.isAbsent ? nil : entry.place) == current[id])
        guard let captured, !due.contains(id) else { continue }
        let old = ledger.capturedEntry(of: id)
        #expect((old.isAbsent ? nil : old.place) == captured[id], "page \(id) of the capture")
      }
      // PL1: nothing that a map needs is free.
      for map in [current, durable, captured ?? [:]] + pinned.map(\.map) {
        for (id, place) in map where !due.contains(id) {
          for block in place.blocks {
            #expect(!ledger.space.isFree(block), "page \(id) lies in a free block")
          }
        }
      }
    }
  }

  @Test func `keeps three maps apart and frees nothing that one of them needs`() {
    var model = Model(seed: Seed.take(for: #function))
    model.spread()
    for step in 0..<6_000 {
      let id = model.live.isEmpty ? nil : model.live[model.random.below(model.live.count)]
      switch (model.random.below(23), id) {
      case (20, let id?): model.move(id)
      case (21, _) where model.pinned.count < 3: model.pin()
      case (22, _) where !model.pinned.isEmpty:
        model.unpin(model.random.below(model.pinned.count))
      case (0...3, _) where model.live.count < 60: model.allocate()
      case (4...9, let id?): model.modify(id)
      case (10...14, let id?): model.write(id)
      case (15, let id?): model.free(id)
      case (16, let id?): model.changeVolatility(id)
      case (17, _):
        if let id = model.handedOver.min() { model.writeHandedOver(id) }
      case (18, _) where model.captured == nil: model.capture()
      case (19, _) where model.captured != nil:
        model.finish(successfully: model.random.below(3) > 0)
      default: break
      }
      if step % 10 == 0 { model.check() }
    }
  }

  /// After quiet checkpoints nothing is held but what the last map needs: no place leaks.
  @Test func `leaks no place`() {
    var model = Model(seed: Seed.take(for: #function))
    for _ in 0..<40 {
      for _ in 0..<50 { model.allocate() }
      for id in model.live { if model.random.oneIn(2) { model.write(id) } }
      for id in model.live { if model.random.oneIn(3) { model.modify(id) } }
      model.capture()
      for id in model.live { if model.random.oneIn(4) { model.modify(id) } }
      for id in model.live { if model.random.oneIn(4) { model.write(id) } }
      for id in model.live { if model.random.oneIn(4) { model.free(id) } }
      model.finish(successfully: model.random.oneIn(2))
      if model.random.oneIn(3) { model.pin() }
      if !model.pinned.isEmpty, model.random.oneIn(4) { model.unpin(0) }
    }
    for id in model.live { model.free(id) }
    while !model.pinned.isEmpty { model.unpin(0) }
    for _ in 0..<2 {
      model.capture()
      model.finish(successfully: true)
    }
    #expect(model.ledger.pendingPlaceCount == 0)
    #expect(model.ledger.space.usedBlockCount == FreeSpace.reservedBlockCount)
    #expect(model.ledger.map.mappedCount == 0)
  }

  @Test func `gives the smallest generation that includes an image as its birth`() {
    var model = Model(seed: 1)
    let ledger = { model.ledger }
    let early = model.ledger.takeID(volatile: false)
    model.ledger.enter(early, model.place(), belongsToCapture: false)
    #expect(ledger().entry(of: early).birth == Generation(1))
    let hidden = model.ledger.takeID(volatile: true)
    model.ledger.enter(hidden, model.place(), belongsToCapture: false)
    _ = model.ledger.beginCapture(epoch: 1)
    #expect(ledger().capturedEntry(of: hidden).isAbsent)
    let late = model.ledger.takeID(volatile: false)
    model.ledger.enter(late, model.place(), belongsToCapture: false)
    #expect(ledger().entry(of: late).birth == Generation(2))
    #expect(ledger().capturedEntry(of: late).isAbsent)
    model.ledger.setVolatile(hidden, false)
    #expect(ledger().entry(of: hidden).birth == Generation(2))
    #expect(ledger().capturedEntry(of: hidden).isAbsent)
    #expect(ledger().dirtyBlockCount == 2)
  }

  /// PL5. The torture had met this once in 100,000 runs, as a page to which nothing led: a large
  /// value was removed in the middle of the first checkpoint after its commit.
  @Test func `leaves a page out of the next map that is retired before its image is written`() {
    var model = Model(seed: 1)
    let id = model.ledger.takeID(volatile: true)
    model.ledger.setVolatile(id, false)
    _ = model.ledger.beginCapture(epoch: 1)
    model.ledger.setVolatile(id, true)
    model.ledger.enter(id, model.place(), belongsToCapture: true)
    #expect(!model.ledger.capturedEntry(of: id).isAbsent)
    model.ledger.completeCapture(tree: MapTree(), rootTable: nil, slot: 0)
    _ = model.ledger.beginCapture(epoch: 2)
    #expect(model.ledger.capturedEntry(of: id).isAbsent)
    #expect(model.ledger.capturedDirtyBlocks.contains(PageMap.block(of: id)))
  }

  /// PL4.
  @Test func `uses up the number of a failed attempt`() {
    var ledger = PageLedger()
    #expect(ledger.beginCapture(epoch: 1) == Generation(1))
    ledger.abandonCapture()
    #expect(ledger.beginCapture(epoch: 2) == Generation(2))
    ledger.completeCapture(tree: MapTree(), rootTable: nil, slot: 0)
    #expect(ledger.durable == Generation(2) && ledger.next == Generation(3))
  }

  @Test func `fails the checkpoint whose hand-over failed, and no other`() {
    var ledger = PageLedger()
    ledger.failCapture(.poisoned)
    #expect(ledger.captureFailure == nil)
    _ = ledger.beginCapture(epoch: 1)
    ledger.failCapture(.diskFull(path: "/"))
    ledger.failCapture(.poisoned)
    #expect(ledger.captureFailure == .diskFull(path: "/"))
    ledger.abandonCapture()
    _ = ledger.beginCapture(epoch: 2)
    #expect(ledger.captureFailure == nil)
    #expect(!PageLedger().isCapturing)
  }
}
