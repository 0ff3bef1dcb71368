package import Primitives
package import RawBytes

extension PageLedger {
  // MARK: The life of a capture: begin, then complete or abandon

  package var isCapturing: Bool { capture != nil }
  package var capturedGeneration: Generation? { capture?.generation }

  /// Freezes the map as it is, with the images still to come of the pages dirty since `epoch` or
  /// before. Constant time, but for a copy of the volatile set when that next changes.
  package mutating func beginCapture(epoch: UInt64) -> Generation {
    precondition(capture == nil, "one checkpoint at a time")
    precondition(next.rawValue < UInt64(UInt32.max), "generations are exhausted")
    capture = Capture(
      generation: next, epoch: epoch, volatile: volatile, idLimit: idLimit,
      dirtyBlocks: dirtyBlocks)
    dirtyBlocks = BlockSet()
    space.rewind()
    next = next.next
    return capture!.generation
  }

  /// The superblock of the capture is durable: its map is what a crash falls back to now.
  package mutating func completeCapture(tree newTree: MapTree, rootTable: Place?, slot: Int) {
    guard let finished = capture else { preconditionFailure("no capture to complete") }
    capture = nil
    let last = durable
    durable = finished.generation
    durableSlot = slot
    for entry in tree.entries(missingFrom: newTree) {
      free(PendingPlace(place: entry.place, birth: entry.birth, last: last))
    }
    tree = newTree
    // Each checkpoint writes its own.
    if let rootTablePlace { free(PendingPlace(place: rootTablePlace, birth: last, last: last)) }
    rootTablePlace = rootTable
    let inForce = durable
    releasePending { $0.last < inForce }
  }

  /// The attempt failed before its superblock: the durable map stays in force, and the next
  /// attempt begins from what is current.
  package mutating func abandonCapture() {
    guard let failed = capture else { return }
    capture = nil
    dirtyBlocks.formUnion(failed.dirtyBlocks)
    let inForce = durable
    releasePending { $0.last == failed.generation && $0.birth > inForce }
  }

  private mutating func releasePending(where isFree: (PendingPlace) -> Bool) {
    var kept: [PendingPlace] = []
    for place in pending {
      if isFree(place) { free(place) } else { kept.append(place) }
    }
    pending = kept
  }

  /// Blocks taken for a map or root table that will not be used.
  package mutating func giveBack(_ places: [Place]) {
    for place in places { space.release(place) }
  }

  // MARK: The map of the capture

  /// Where the checkpoint's map says a page lies.
  package func capturedEntry(of id: UInt32) -> PageMapEntry {
    guard let capture, capture.volatile[id] == nil else { return .absent }
    return capture.preserved[id] ?? map[id]
  }

  /// Writes the leaf block of the checkpoint's map that holds ids from `256 * block`. Says whether
  /// any entry is present.
  package func encodeCapturedBlock(_ block: Int, into bytes: MutableByteView) -> Bool {
    var isPresent = false
    for index in 0..<PageMap.entriesPerBlock {
      let entry = capturedEntry(of: UInt32(block << 8 | index))
      isPresent = isPresent || !entry.isAbsent
      entry.encode(into: bytes, at: index * PageMapEntry.byteCount)
    }
    return isPresent
  }

  package var capturedDirtyBlocks: BlockSet { capture?.dirtyBlocks ?? BlockSet() }

  package var capturedLeafBlockCount: Int {
    PageMap.blockCount(idLimit: capture?.idLimit ?? idLimit)
  }

  // MARK: Hand-overs

  package var handedOverCount: Int { capture?.handedOver.count ?? 0 }

  /// Takes an old image for the checkpoint. False when there is none in progress any more.
  package mutating func handOver(_ image: HandedOver) -> Bool {
    guard capture != nil else { return false }
    capture!.handedOver.append(image)
    return true
  }

  /// The images handed over so far, up to `limit`, to be written now.
  package mutating func takeHandedOver(limit: Int) -> [HandedOver] {
    // The answer to none is no view of the empty list: its reader would share the list's memory with
    // whoever appends next, ordered by a reference count alone.
    guard capture != nil, !capture!.handedOver.isEmpty else { return [] }
    let count = min(limit, capture!.handedOver.count)
    let taken = Array(capture!.handedOver.prefix(count))
    capture!.handedOver.removeFirst(count)
    return taken
  }

  package var captureFailure: PagingError? { capture?.failure }

  /// A writer could not save an image that the checkpoint needs.
  package mutating func failCapture(_ error: PagingError) {
    if capture != nil, capture!.failure == nil { capture!.failure = error }
  }
}

extension PageLedger {
  // MARK: Opening

  /// Rebuilds everything from the map of a checkpoint: the free ids, the free space.
  package init(
    superblock: Superblock, slot: Int, tree: MapTree, map: PageMap, idLimit: UInt64,
    blockCount: Int
  ) throws(CorruptionError) {
    var tally = BlockTally(blockCount: blockCount)
    for level in tree.levels {
      for entry in level where !entry.isAbsent { try tally.count(entry.place, "map block") }
    }
    if superblock.rootTableByteCount > 0 {
      rootTablePlace = superblock.rootTablePlace
      try tally.count(superblock.rootTablePlace, "root table")
    }
    var freeIDs: [UInt32] = []
    var nextID: UInt64 = 1
    try map.forEachPresent { (id, entry) throws(CorruptionError) in
      try tally.count(entry.place, "page \(id)")
      let room = Int(Self.freeIDLimit) - freeIDs.count
      for free in (nextID..<UInt64(id)).prefix(room) { freeIDs.append(UInt32(free)) }
      nextID = UInt64(id) + 1
    }
    space = FreeSpace(tally)
    self.freeIDs = freeIDs.reversed()
    durable = superblock.generation
    next = superblock.generation.next
    durableSlot = slot
    self.tree = tree
    self.map = map
    self.idLimit = max(idLimit, 1)
  }

  /// Page ids beyond these are found free by a later opening.
  private static let freeIDLimit: UInt64 = 1 << 22
}

extension BlockTally {
  fileprivate mutating func count(
    _ place: Place, _ owner: @autoclosure () -> String
  ) throws(CorruptionError) {
    guard add(place) else {
      throw CorruptionError(
        location: "\(owner()) in the page map", expected: "a place of its own",
        found: "overlapping place \(place.start)+\(place.unitCount)")
    }
  }
}
