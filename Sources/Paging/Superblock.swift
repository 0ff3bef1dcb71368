package import Primitives
package import RawBytes

/// The first thing an open reads: which checkpoint is in force and where its map begins
/// (`format-spec/superblock.md`).
///
/// Four blocks at the head of the file hold two slots of two copies each. A checkpoint writes
/// both copies of the slot that does not hold the durable generation, so the newest valid one is
/// never overwritten (F6).
///
/// ```text
///  block 0            block 1            block 2            block 3
/// ┌──────────────────┬──────────────────┬──────────────────┬──────────────────┐
/// │ slot 0, copy 0   │ slot 1, copy 0   │ slot 0, copy 1   │ slot 1, copy 1   │
/// └──────────────────┴──────────────────┴──────────────────┴──────────────────┘
/// ```
package struct Superblock: Equatable, Sendable {
  package var id: DatabaseID
  package var pageSize: Int
  package var generation: Generation
  package var timestamp: Timestamp
  package var ownerState: [UInt8]
  package var mapDepth: Int
  package var mapRoot: PageMapEntry
  package var rootTablePlace: Place
  package var rootTableByteCount: Int
  package var rootTableChecksum: UInt32
  /// What a program must know to read the database.
  package var features: FormatFeatures

  package init(
    id: DatabaseID, pageSize: Int, generation: Generation, timestamp: Timestamp,
    ownerState: [UInt8], mapDepth: Int, mapRoot: PageMapEntry, rootTablePlace: Place,
    rootTableByteCount: Int, rootTableChecksum: UInt32, features: FormatFeatures = []
  ) {
    self.id = id
    self.pageSize = pageSize
    self.generation = generation
    self.timestamp = timestamp
    self.ownerState = ownerState
    self.mapDepth = mapDepth
    self.mapRoot = mapRoot
    self.rootTablePlace = rootTablePlace
    self.rootTableByteCount = rootTableByteCount
    self.rootTableChecksum = rootTableChecksum
    self.features = features
  }

  package static let byteCount = 4096
  package static let formatVersion: UInt32 = 1
  /// Features that a program must know to write; there is none yet.
  static let readOnlyCompatibleFeatures: UInt64 = 0

  static let magic: [UInt8] = Array("Martlet\0".utf8)

  /// The block of a copy of a slot.
  package static func block(slot: Int, copy: Int) -> Int { slot + 2 * copy }

  enum Offset {
    static let magic = 0
    static let formatVersion = 8
    static let pageSize = 12
    static let incompatible = 16
    static let readOnlyCompatible = 24
    static let compatible = 32
    static let idHigh = 40
    static let idLow = 48
    static let generation = 56
    static let timestamp = 64
    static let ownerByteCount = 72
    static let mapDepth = 74
    static let mapRoot = 80
    static let rootTableStart = 96
    static let rootTableByteCount = 104
    static let rootTableChecksum = 112
    static let keyID = 120
    static let processes = 128
    static let ownerState = 160
    static let end = 224
    static let checksum = 4092
  }

  /// Writes the whole block.
  package func encode(into block: MutableByteView) {
    precondition(block.count == Self.byteCount)
    precondition(ownerState.count <= CheckpointState.maximumOwnerStateByteCount)
    block.zero(0..<block.count)
    Self.magic.withByteView { block.copy($0, at: Offset.magic) }
    block.store(Self.formatVersion, at: Offset.formatVersion)
    block.store(UInt32(pageSize), at: Offset.pageSize)
    block.store(features.rawValue, at: Offset.incompatible)
    block.store(Self.readOnlyCompatibleFeatures, at: Offset.readOnlyCompatible)
    block.store(id.high, at: Offset.idHigh)
    block.store(id.low, at: Offset.idLow)
    block.store(generation.rawValue, at: Offset.generation)
    block.store(timestamp.rawValue, at: Offset.timestamp)
    block.store(UInt16(ownerState.count), at: Offset.ownerByteCount)
    block.store(UInt16(mapDepth), at: Offset.mapDepth)
    mapRoot.encode(into: block, at: Offset.mapRoot)
    block.store(UInt64(rootTablePlace.start), at: Offset.rootTableStart)
    block.store(UInt64(rootTableByteCount), at: Offset.rootTableByteCount)
    block.store(rootTableChecksum, at: Offset.rootTableChecksum)
    ownerState.withByteView { block.copy($0, at: Offset.ownerState) }
    block.store(CRC32C.checksum(block.view.prefix(Offset.checksum)), at: Offset.checksum)
  }
}

extension Superblock {
  /// What one of the four blocks turned out to be.
  package enum Reading: Equatable, Sendable {
    case valid(Superblock)
    /// No magic: never written, or not of this format at all.
    case foreign
    /// Begins like a superblock, and is torn or damaged.
    case damaged(String)
    case newer(UInt32)
  }

  /// Judges a block. Never traps.
  package static func read(_ block: ByteView) -> Reading {
    guard block.count == byteCount else { return .foreign }
    guard block.prefix(8).array == magic else { return .foreign }
    let checksum = CRC32C.checksum(block.prefix(Offset.checksum))
    guard checksum == block.load(UInt32.self, at: Offset.checksum) else {
      return .damaged("checksum")
    }
    let version = block.load(UInt32.self, at: Offset.formatVersion)
    guard version > 0 else { return .damaged("format 0, which was never released") }
    let incompatible = block.load(UInt64.self, at: Offset.incompatible)
    let readOnly = block.load(UInt64.self, at: Offset.readOnlyCompatible)
    guard version <= formatVersion,
      FormatFeatures.known.isSuperset(of: .init(rawValue: incompatible)),
      readOnly & ~readOnlyCompatibleFeatures == 0
    else { return .newer(version) }
    return decode(block)
  }

  private static func decode(_ block: ByteView) -> Reading {
    let pageSize = Int(block.load(UInt32.self, at: Offset.pageSize))
    guard PagingConfiguration.isPageSize(pageSize) else { return .damaged("page size") }
    let generation = Generation(block.load(UInt64.self, at: Offset.generation))
    // The room behind it is for the checkpoints of one opening: more than a year of them.
    guard generation.rawValue > 0, generation.rawValue < (1 << 32) - (1 << 20) else {
      return .damaged("generation")
    }
    let ownerByteCount = Int(block.load(UInt16.self, at: Offset.ownerByteCount))
    guard ownerByteCount <= CheckpointState.maximumOwnerStateByteCount else {
      return .damaged("owner state")
    }
    let timestamp = Timestamp(block.load(UInt64.self, at: Offset.timestamp))
    // Nanoseconds since 1970: centuries away from where the clocks of the store end.
    guard timestamp.rawValue < (1 << 63) - (1 << 32) else { return .damaged("timestamp") }
    let depth = Int(block.load(UInt16.self, at: Offset.mapDepth))
    guard depth <= MapTree.maximumDepth else { return .damaged("map depth") }
    let tableStart = block.load(UInt64.self, at: Offset.rootTableStart)
    let tableByteCount = block.load(UInt64.self, at: Offset.rootTableByteCount)
    guard tableStart < 1 << 40, tableByteCount < 1 << 40 else { return .damaged("root table") }
    return .valid(
      Superblock(
        id: DatabaseID(
          high: block.load(UInt64.self, at: Offset.idHigh),
          low: block.load(UInt64.self, at: Offset.idLow)),
        pageSize: pageSize, generation: generation,
        timestamp: timestamp,
        ownerState: block[Offset.ownerState..<Offset.ownerState + ownerByteCount].array,
        mapDepth: depth, mapRoot: PageMapEntry(block, at: Offset.mapRoot),
        rootTablePlace: Place(
          start: Int(tableStart), unitCount: Place.units(for: Int(tableByteCount))),
        rootTableByteCount: Int(tableByteCount),
        rootTableChecksum: block.load(UInt32.self, at: Offset.rootTableChecksum),
        features: FormatFeatures(rawValue: block.load(UInt64.self, at: Offset.incompatible))))
  }
}

extension Superblock.Reading {
  /// What was read, for people.
  package var summary: String {
    switch self {
    case .valid(let superblock): "generation \(superblock.generation.rawValue)"
    case .foreign: "no superblock"
    case .damaged(let what): "a damaged one (\(what))"
    case .newer(let version): "one of format \(version) or with features that are not known"
    }
  }
}

extension Superblock {
  /// The superblock in force among four readings, and the slot it was found in.
  package enum Choice: Equatable, Sendable {
    case inForce(Superblock, slot: Int)
    case newer(UInt32)
    case foreign
    case damaged(String)
  }

  /// Any valid copy counts, and the newest valid generation wins. A newer format anywhere
  /// refuses: a newer program was here last.
  package static func choose(_ readings: [Reading]) -> Choice {
    var best: (superblock: Superblock, slot: Int)?
    var damage: String?
    for (block, reading) in readings.enumerated() {
      switch reading {
      case .newer(let version): return .newer(version)
      case .foreign: break
      case .damaged(let what): damage = damage ?? "block \(block): \(what)"
      case .valid(let superblock):
        if best.map({ superblock.generation > $0.superblock.generation }) ?? true {
          best = (superblock, block % 2)
        }
      }
    }
    if let best { return .inForce(best.superblock, slot: best.slot) }
    if let damage { return .damaged(damage) }
    return .foreign
  }
}
