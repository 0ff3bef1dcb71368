internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes

/// Makes a database of the bytes of a backup stream, which come in pieces of any length.
///
/// Everything is checked before it counts: each frame by its checksum, each image by the one that
/// its map entry has, the number of pages by the end frame. Whatever is wrong ends it, and what was
/// made so far goes.
///
/// - Invariant RE1: `finish` makes a database only of a stream that had its end, and nothing behind.
final class Restoration {
  private let path: String
  private let effects: Effects
  private let startTime: UInt64
  private var decoder = BackupStreamDecoder()
  private var copy: DirectoryCopy?
  private var superblock: Superblock?
  private var totalByteCount = 0
  private var pageCount = 0
  private var byteCount = 0
  private var hasEnded = false

  init(_ path: String, effects: Effects) {
    self.path = path
    self.effects = effects
    startTime = effects.time.monotonic()
  }

  /// Takes the next bytes.
  ///
  /// - Throws: `corrupt`, `newerFormat`, `notADatabase`, and what making the directory throws. Call
  ///   `abandon` then.
  func receive(_ piece: some Sequence<UInt8>) throws(DatabaseError) {
    decoder.append(piece)
    while let frame = try decoder.next() { try take(frame) }
    if hasEnded && !decoder.isEmpty {
      throw decoder.damaged("the end of the backup", "more bytes")
    }
  }

  private func take(_ frame: BackupStreamDecoder.Frame) throws(DatabaseError) {
    guard !hasEnded, (frame.kind == .start) == (copy == nil) else {
      throw decoder.damaged("the frames in their order", "\(frame.kind)", at: frame.offset)
    }
    let content = Array(frame.content)
    switch frame.kind {
    case .start: try start(content, frame.offset)
    case .images: try takeImages(content, frame.offset)
    case .rootTable: copy?.append(rootTable: content)
    case .end: try end(content, frame.offset)
    }
  }

  private func start(_ content: [UInt8], _ offset: Int) throws(DatabaseError) {
    guard content.count == Superblock.byteCount + 16 else {
      throw decoder.damaged("a superblock", "\(content.count) bytes", at: offset)
    }
    let reading = content.withByteView { Superblock.read($0.prefix(Superblock.byteCount)) }
    switch reading {
    case .valid(let found):
      superblock = found
      totalByteCount = content.withByteView {
        Int(clamping: $0.load(UInt64.self, at: Superblock.byteCount + 8))
      }
      copy = try DirectoryCopy(path, of: found, effects: effects)
    case .newer(let version):
      throw DatabaseError(
        PagingError.newerFormat(found: version, supported: Superblock.formatVersion))
    case .foreign, .damaged:
      throw decoder.damaged("a superblock", reading.summary, at: offset)
    }
  }

  private func takeImages(_ content: [UInt8], _ offset: Int) throws(DatabaseError) {
    try content.withByteView { (view) throws(DatabaseError) in
      let entryByteCount = BackupStreamFormat.imageEntryByteCount
      let count = view.count >= 8 ? Int(view.load(UInt32.self, at: 0)) : 0
      guard count > 0, 8 + count * entryByteCount <= view.count else {
        throw decoder.damaged("images", "\(view.count) bytes", at: offset)
      }
      var start = 8 + count * entryByteCount
      for index in 0..<count {
        let place = 8 + index * entryByteCount
        let id = PageID(view.load(UInt32.self, at: place))
        let entry = PageMapEntry(view, at: place + 4)
        // Whatever a stream claims costs a restore no more than its bytes justify: see `PageMap`.
        let limit = MapTree.idLimit(depth: superblock?.mapDepth ?? 0)
        guard UInt64(id.rawValue) < limit else {
          throw decoder.damaged("a page below \(limit)", "page \(id.rawValue)", at: offset)
        }
        guard !entry.isAbsent, entry.place.byteCount <= view.count - start else {
          throw decoder.damaged("the image of page \(id.rawValue)", "fewer bytes", at: offset)
        }
        let image = view[start..<start + entry.place.byteCount]
        let checksum = CRC32C.checksum(image)
        guard checksum == entry.checksum else {
          throw decoder.damaged(
            "checksum \(entry.checksum) of page \(id.rawValue)", "\(checksum)", at: offset)
        }
        try copy?.append(id, entry, image)
        start += image.count
        pageCount += 1
        byteCount += image.count
      }
      guard start == view.count else {
        throw decoder.damaged("\(start) bytes of images", "\(view.count)", at: offset)
      }
    }
  }

  private func end(_ content: [UInt8], _ offset: Int) throws(DatabaseError) {
    let isRight = content.withByteView { view in
      view.count == 16 && view.load(UInt64.self, at: 0) == UInt64(pageCount)
        && view.load(UInt64.self, at: 8) == UInt64(byteCount)
    }
    guard isRight else {
      throw decoder.damaged("an end after \(pageCount) pages", "another", at: offset)
    }
    hasEnded = true
  }

  /// The bytes are over: makes the database.
  ///
  /// - Throws: `incomplete` for a stream without its end; call `abandon` then.
  func finish() throws(DatabaseError) -> BackupSummary {
    guard hasEnded, let superblock, let copy else {
      throw DatabaseError(
        .incomplete,
        "the backup ends after \(decoder.byteCount) bytes and is not complete; take another copy of "
          + "it")
    }
    try copy.finish()
    return BackupSummary(
      source: superblock.id, copy: copy.id, timestamp: superblock.timestamp,
      pageCount: pageCount, byteCount: byteCount, elapsed: elapsed)
  }

  /// Takes away what was made so far.
  func abandon() { copy?.abandon() }

  private var elapsed: Duration {
    .nanoseconds(Int64(clamping: effects.time.monotonic() - startTime))
  }

  var progress: BackupProgress {
    BackupProgress(
      pageCount: pageCount, byteCount: byteCount,
      totalByteCount: copy == nil ? nil : max(totalByteCount, byteCount), elapsed: elapsed)
  }
}
