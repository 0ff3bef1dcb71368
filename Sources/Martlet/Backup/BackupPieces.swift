internal import Paging
internal import Primitives
internal import RawBytes

/// A backup as a stream, piece by piece: each is asked for when the one before has been taken, so
/// that a slow receiver slows it down and fills no memory.
///
/// - Invariant BP1: about two megabytes of memory, whatever the size of the database.
// SENDABLE: used by one thread at a time.
final class BackupPieces: @unchecked Sendable {
  private enum Stage { case preamble, start, images, rootTable, end, over }

  let source: BackupSource
  private var encoder = BackupStreamEncoder()
  private var stage = Stage.preamble
  private var rootTable: ArraySlice<UInt8>
  private var images = ByteBuffer(capacity: 1 << 20)
  private var entries = ByteBuffer(capacity: 64 << 10)

  private static let rootTablePiece = 1 << 20

  init(_ source: BackupSource) {
    self.source = source
    rootTable = source.rootTable[...]
  }

  /// The next bytes; nil behind the end.
  func next() throws -> [UInt8]? {
    switch stage {
    case .preamble:
      stage = .start
      return BackupStreamFormat.preamble
    case .start:
      stage = .images
      return start()
    case .images:
      if let frame = try nextImages() { return frame }
      stage = .rootTable
      return try next()
    case .rootTable:
      if rootTable.isEmpty {
        stage = .end
        return try next()
      }
      let content = ByteBuffer(copying: rootTable.prefix(Self.rootTablePiece))
      rootTable = rootTable.dropFirst(Self.rootTablePiece)
      return encoder.frame(.rootTable, content)
    case .end:
      stage = .over
      var content = ByteBuffer(capacity: 16)
      content.append(integer: UInt64(source.pageCount))
      content.append(integer: UInt64(source.byteCount))
      return encoder.frame(.end, content)
    case .over: return nil
    }
  }

  private func start() -> [UInt8] {
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    source.superblock.encode(into: block.bytes)
    var content = ByteBuffer(capacity: Superblock.byteCount + 16)
    content.append(block.bytes.view)
    content.append(integer: UInt64(0))
    content.append(integer: UInt64(source.progress.totalByteCount ?? 0))
    return encoder.frame(.start, content)
  }

  private func nextImages() throws -> [UInt8]? {
    images.removeAll()
    entries.removeAll()
    var count: UInt32 = 0
    let isAny = try source.next { id, entry, image in
      entries.append(integer: id.rawValue)
      entries.append(integer: entry.low)
      entries.append(integer: entry.high)
      images.append(image)
      count += 1
    }
    guard isAny else { return nil }
    var content = ByteBuffer(capacity: 8 + entries.count + images.count)
    content.append(integer: count)
    content.append(zeros: 4)
    content.append(entries.view)
    content.append(images.view)
    return encoder.frame(.images, content)
  }
}

extension ByteBuffer {
  fileprivate init(copying bytes: ArraySlice<UInt8>) {
    self.init(capacity: bytes.count)
    Array(bytes).withByteView { append($0) }
  }
}
