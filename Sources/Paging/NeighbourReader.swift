internal import Primitives
internal import RawBytes

/// A page and where the map says that its image lies.
struct LocatedPage {
  let id: UInt32
  let entry: PageMapEntry
}

/// Reads images that lie near each other with one call, past the system's cache: about a megabyte
/// at a time, in the order of their places.
struct NeighbourReader: ~Copyable {
  private let file: DataFile
  private let buffer = AlignedMemory(byteCount: NeighbourReader.bufferByteCount)
  /// In the order of their places, from `nextPage` on.
  private var pages: [LocatedPage] = []
  private var nextPage = 0

  static let bufferByteCount = 1 << 20
  /// So many blocks that hold nothing of use are read along, rather than ask twice.
  private static let gap = 16

  init(_ file: DataFile) { self.file = file }

  var isEmpty: Bool { nextPage == pages.count }

  /// Takes pages to be read next; those before have been read.
  mutating func take(_ pages: consuming [LocatedPage]) {
    self.pages = pages
    self.pages.sort { $0.entry.start < $1.entry.start }
    nextPage = 0
  }

  /// Visits the images of one read.
  ///
  /// - Parameter body: told a page, its bytes, and the checksum that they have.
  mutating func next(
    _ body: (LocatedPage, ByteView, _ checksum: UInt32) throws -> Void
  ) throws {
    let first = nextPage
    let blocks = takeNeighbours()
    let start = blocks.lowerBound * Place.blockByteCount
    let bytes = buffer.bytes[0..<blocks.count * Place.blockByteCount]
    // Where the file ends too early, the first page is named.
    try file.read(into: bytes, at: UInt64(start), isDirect: true, "page \(pages[first].id)")
    for page in pages[first..<nextPage] {
      let offset = Int(page.entry.place.byteOffset) - start
      let image = bytes.view[offset..<offset + page.entry.place.byteCount]
      try body(page, image, CRC32C.checksum(image))
    }
  }

  /// Takes pages whose images one read gets, and says of which blocks.
  private mutating func takeNeighbours() -> Range<Int> {
    var blocks = pages[nextPage].entry.place.blocks
    nextPage += 1
    while nextPage < pages.count {
      let next = pages[nextPage].entry.place.blocks
      let isNear = next.lowerBound <= blocks.upperBound + Self.gap
      let end = max(blocks.upperBound, next.upperBound)
      guard isNear, (end - blocks.lowerBound) * Place.blockByteCount <= Self.bufferByteCount
      else { break }
      blocks = blocks.lowerBound..<end
      nextPage += 1
    }
    return blocks
  }
}

extension PageImage {
  /// The bytes of an image do not have the checksum that the map says.
  static func mismatch(_ page: LocatedPage, _ checksum: UInt32) -> PagingError {
    .corrupt(
      corruption(
        PageID(page.id), page.entry, "checksum \(hex(page.entry.checksum))", hex(checksum)))
  }
}
