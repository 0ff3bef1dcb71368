package import Primitives

/// Which image of which page lies where, in which map; which places and page ids are free.
///
/// Up to three maps matter at a time: the durable one, which a crash would fall back to; the one
/// a checkpoint is making; and the current one, which says where to read a page that is not in
/// memory. Copying a map for each would cost its size. Instead there is one map, the current one,
/// and while a checkpoint is in progress an overlay `preserved` of entries as they were at the
/// capture for pages whose current entry has moved on since:
///
/// ```text
///  in the checkpoint's map, page p lies at   nowhere            if p was volatile at the capture
///                                            preserved[p]       if there is one
///                                            current[p]         otherwise
/// ```
///
/// An image is born in the smallest generation whose map includes it, and dies when the current
/// map replaces it. Its place may be written again when no map that a crash could fall back to
/// includes it:
///
/// ```text
///               entered                replaced                     durable > last
///  (free) ──────────────► (current) ──────────────► (pending, last) ──────────────► (free)
///                              │   never in a durable or captured map                 ▲
///                              └──────────────────────────────────────────────────────┘
/// ```
///
/// - Invariant PL1: a place is free only if neither the durable map, nor the map in progress, nor
///   the current one, nor a pinned one includes it (F7, R3).
/// - Invariant PL2: after the capture the checkpoint's map changes only by images that show their
///   page as of the capture.
/// - Invariant PL3: a page that is volatile at a capture is in no map of that capture.
/// - Invariant PL4: a generation is captured at most once; a failed attempt uses up its number.
/// - Invariant PL5: `dirtyBlocks` holds each map block whose content for the next capture may
///   differ from what the durable map has.
///
/// A plain value: it decides and does no I/O, so that its tests can compare it with a model that
/// keeps three maps.
package struct PageLedger: Sendable {
  /// A page that is not reachable from the committed state.
  package enum Volatility: Sendable, Equatable {
    /// Made volatile; it may be published once.
    case unpublished
    /// Was published, and is about to be freed; it does not come back.
    case retired
  }

  /// A place that some older map still includes.
  struct PendingPlace: Sendable, Equatable {
    let place: Place
    let birth: Generation
    /// The last generation whose map may include it.
    let last: Generation
  }

  /// An old image that a checkpoint has yet to write, in a frame of its own.
  package struct HandedOver: Sendable, Equatable {
    package let id: UInt32
    package let frame: UInt32

    package init(id: UInt32, frame: UInt32) {
      self.id = id
      self.frame = frame
    }
  }

  /// A checkpoint in progress.
  struct Capture: Sendable {
    let generation: Generation
    /// Pages dirty since this epoch or an earlier one belong to the capture.
    let epoch: UInt64
    let volatile: [UInt32: Volatility]
    let idLimit: UInt64
    var preserved: [UInt32: PageMapEntry] = [:]
    var dirtyBlocks: BlockSet
    var handedOver: [HandedOver] = []
    /// Set by a writer whose hand-over failed: the checkpoint fails, the writer does not.
    var failure: PagingError?
  }

  package internal(set) var map = PageMap()
  package var space: FreeSpace
  var tree = MapTree()
  var rootTablePlace: Place?
  var pending: [PendingPlace] = []
  /// Generations whose maps are being copied, once for each copy.
  var pins: [Generation] = []
  /// Places that only pinned maps include.
  var held: [PendingPlace] = []
  /// Held places that are to be looked at, since a pin went.
  var unexamined: [PendingPlace] = []
  /// Units of the held and the unexamined places.
  package internal(set) var heldUnitCount = 0
  var capture: Capture?
  var volatile: [UInt32: Volatility] = [:]
  var dirtyBlocks = BlockSet()
  var freeIDs: [UInt32] = []
  /// One more than the greatest id ever given out.
  package internal(set) var idLimit: UInt64 = 1
  package internal(set) var durable: Generation
  /// The number of the next capture.
  package internal(set) var next: Generation
  /// Which slot holds the durable superblock.
  package internal(set) var durableSlot: Int

  /// The ledger of a file of which nothing is written yet.
  package init() {
    space = FreeSpace(blockCount: FreeSpace.reservedBlockCount)
    durable = Generation(0)
    next = Generation(1)
    durableSlot = 1
  }

  // MARK: Page ids

  package var canTakeIDs: Bool { !freeIDs.isEmpty || idLimit < UInt64(UInt32.max) - (1 << 20) }

  /// A page id that names no page now.
  package mutating func takeID(volatile isVolatile: Bool) -> UInt32 {
    let id: UInt32
    if let free = freeIDs.popLast() {
      id = free
    } else {
      precondition(idLimit < UInt64(UInt32.max), "page ids are reserved before they are taken")
      id = UInt32(idLimit)
      idLimit += 1
    }
    if isVolatile { volatile[id] = .unpublished }
    return id
  }

  /// The id may name another page from now on.
  package mutating func giveBackID(_ id: UInt32) { freeIDs.append(id) }

  // MARK: Entries

  package func entry(of id: UInt32) -> PageMapEntry { map[id] }

  package func isVolatile(_ id: UInt32) -> Bool { volatile[id] != nil }

  package var volatileCount: Int { volatile.count }

  /// Whether the checkpoint in progress still needs the bytes of a page that has been dirty since
  /// `dirtyEpoch`.
  package func isDue(_ id: UInt32, dirtyEpoch: UInt64) -> Bool {
    guard let capture, dirtyEpoch != 0, dirtyEpoch <= capture.epoch else { return false }
    return capture.volatile[id] == nil
  }

  /// An image of a page has been written: of its bytes now, or of its bytes as of the capture
  /// when the checkpoint was due them. The image's blocks have been retained.
  package mutating func enter(_ id: UInt32, _ image: StoredImage, belongsToCapture: Bool) {
    if belongsToCapture {
      enterCaptured(id, image)
    } else {
      replace(id, by: image.entry(birth: next))
    }
  }

  private mutating func enterCaptured(_ id: UInt32, _ image: StoredImage) {
    guard let generation = capture?.generation else {
      preconditionFailure("an image belongs to a capture that is over")
    }
    let entry = image.entry(birth: generation)
    capture!.dirtyBlocks.insert(PageMap.block(of: id))
    if capture!.preserved[id] != nil {
      // The page has moved on: only the checkpoint's map includes this image.
      capture!.preserved[id] = entry
      pending.append(PendingPlace(place: image.place, birth: generation, last: generation))
    } else {
      let old = map[id]
      map[id] = entry
      // Retired since the capture: this map has the image, and the next one must not (PL5).
      if volatile[id] != nil { dirtyBlocks.insert(PageMap.block(of: id)) }
      release(old, inCapture: false)
    }
  }

  /// The current map changes, the checkpoint's must not.
  private mutating func replace(_ id: UInt32, by entry: PageMapEntry) {
    let old = map[id]
    if old.isAbsent && entry.isAbsent && capture == nil { return }
    if capture != nil, capture!.volatile[id] == nil, capture!.preserved[id] == nil {
      capture!.preserved[id] = old
    }
    map[id] = entry
    dirtyBlocks.insert(PageMap.block(of: id))
    release(old, inCapture: true)
  }

  /// The page is no more.
  ///
  /// - Returns: whether there was one: a large value whose index lies may name any page id.
  @discardableResult
  package mutating func remove(_ id: UInt32) -> Bool {
    guard UInt64(id) < idLimit else { return false }
    let wasThere = volatile[id] != nil || !map[id].isAbsent
    volatile[id] = nil
    replace(id, by: .absent)
    return wasThere
  }

  /// The current map no longer includes an image.
  private mutating func release(_ entry: PageMapEntry, inCapture: Bool) {
    if entry.isAbsent { return }
    if inCapture, let capture, entry.birth <= capture.generation {
      pending.append(
        PendingPlace(place: entry.place, birth: entry.birth, last: capture.generation))
    } else if entry.birth <= durable {
      pending.append(PendingPlace(place: entry.place, birth: entry.birth, last: durable))
    } else {
      space.release(entry.place)
    }
  }

  // MARK: Volatility

  /// Leaves a page out of the checkpoints from now on, or takes it in.
  package mutating func setVolatile(_ id: UInt32, _ isVolatile: Bool) {
    // A large value whose index lies may name any page id.
    guard UInt64(id) < idLimit else { return }
    let old = volatile[id]
    if isVolatile == (old != nil) { return }
    precondition(isVolatile || old == .unpublished, "a retired page does not come back")
    volatile[id] = isVolatile ? .retired : nil
    guard !map[id].isAbsent else { return }
    if !isVolatile { map[id] = map[id].born(in: next) }
    dirtyBlocks.insert(PageMap.block(of: id))
  }

  package var pendingPlaceCount: Int { pending.count }

  package var dirtyBlockCount: Int { dirtyBlocks.count + (capture?.dirtyBlocks.count ?? 0) }
}

/// An image that has been written to the file.
package struct StoredImage: Equatable, Sendable {
  package let place: Place
  package let flags: ImageFlags
  package let checksum: UInt32

  package init(place: Place, flags: ImageFlags, checksum: UInt32) {
    self.place = place
    self.flags = flags
    self.checksum = checksum
  }

  func entry(birth: Generation) -> PageMapEntry {
    PageMapEntry(place: place, flags: flags, checksum: checksum, birth: birth)
  }
}
