import Environment
import Paging
import Primitives
import RawBytes
import SystemEnvironment

/// Short forms for tests of the pager.
enum Pages {
  static let path = "/pages"
  static let id = DatabaseID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

  /// The smallest cache there is: 64 frames.
  static func small(
    pageSize: Int = 4096, frames: Int = 64, compression: Compression = .lz4
  ) -> PagingConfiguration {
    PagingConfiguration(
      pageSize: pageSize, cacheByteCount: frames * pageSize, compression: compression)
  }

  /// A page file with nothing in it but what `build` makes.
  static func create(
    _ effects: Effects, _ configuration: PagingConfiguration = small(), at path: String = path,
    build: (Pager) throws(PagingError) -> [UInt8] = { _ throws(PagingError) in [1, 2, 3] }
  ) throws(PagingError) -> Pager {
    try Pager.create(
      path: path, configuration: configuration, id: id, ownerState: [9],
      timestamp: Timestamp(100), effects: effects, build: build)
  }

  static func open(
    _ effects: Effects, _ configuration: PagingConfiguration = small(), at path: String = path
  ) throws(PagingError) -> (pager: Pager, checkpoint: CheckpointState) {
    try Pager.open(path: path, configuration: configuration, effects: effects)
  }
}

extension Pager {
  /// A new page whose content is a function of its id and `value`.
  func make(_ value: UInt64, volatile: Bool = false) throws(PagingError) -> PageID {
    var reservation = try reserve(frames: 1)
    let page = allocate(from: &reservation, volatile: volatile)
    Self.fill(page.bytes, value)
    return page.id
  }

  func set(_ id: PageID, to value: UInt64) throws(PagingError) {
    let page = try exclusive(id)
    willModify(page)
    Self.fill(page.bytes, value)
  }

  /// The value of a page, read without a latch.
  func value(_ id: PageID) throws(PagingError) -> UInt64 {
    #if MARTLET_SHARED_LATCHES
      let page = try shared(id)
      return Self.value(page.bytes) ?? .max
    #else
      return try valueOptimistically(id)
    #endif
  }

  private func valueOptimistically(_ id: PageID) throws(PagingError) -> UInt64 {
    while true {
      let page = try optimistic(id)
      let value = Self.value(page.bytes)
      if isValid(page), let value { return value }
    }
  }

  func delete(_ id: PageID) throws(PagingError) { free(try exclusive(id)) }

  @discardableResult
  func checkpoint(
    _ number: UInt8 = 0, timestamp: UInt64 = 0, root: [UInt8] = [7]
  ) throws(PagingError) -> Generation {
    let captured = captureCheckpoint(
      ownerState: [number], timestamp: Timestamp(timestamp), rootTable: root)
    let generation = captured.generation
    try write(captured)
    return generation
  }

  /// Bytes that depend on each other, the last on the first, so that a torn page shows. Half of
  /// the values compress badly.
  static func fill(_ bytes: MutableByteView, _ value: UInt64) {
    bytes[0] = 1
    bytes.store(value, at: 8)
    var word = value
    for offset in stride(from: 16, to: bytes.count, by: 8) {
      if value % 2 == 1 || offset % 512 == 0 { word = word &* 6_364_136_223_846_793_005 &+ 1 }
      bytes.store(word, at: offset)
    }
  }

  /// Nil for bytes that are not all from one `fill`.
  static func value(_ bytes: ByteView) -> UInt64? {
    let value = bytes.load(UInt64.self, at: 8)
    var word = value
    for offset in stride(from: 16, to: bytes.count, by: 8) {
      if value % 2 == 1 || offset % 512 == 0 { word = word &* 6_364_136_223_846_793_005 &+ 1 }
      if bytes.load(UInt64.self, at: offset) != word { return nil }
    }
    return value
  }

  /// What `verify` finds.
  func findings() throws(PagingError) -> [CorruptionError] {
    var findings: [CorruptionError] = []
    try verify(progress: { _, _ in }, report: { findings.append($0) })
    return findings
  }
}
