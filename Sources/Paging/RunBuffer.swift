internal import Primitives
internal import RawBytes

/// An image in a run: of which page, from which frame, and where it went.
struct RunImage {
  enum Source {
    /// A page's frame, dirty since this epoch when it was copied.
    case page(dirtyEpoch: UInt64, copiedWord: UInt64)
    /// A frame that a writer filled with the old bytes.
    case handedOver
    /// No frame: a page that was built outside the cache.
    case built
  }

  let id: UInt32
  let frame: UInt32
  let source: Source
  let encoded: PageImage.Encoded
  /// Nil until the image is in the file.
  var stored: StoredImage?
}

/// Images side by side at multiples of 512 bytes, about a megabyte of them, to be written with one
/// call when the file has a stretch that long.
///
/// Used by one thread. The copy taken of a page is compressed after its latch is let go.
final class RunBuffer {
  private var memory = AlignedMemory(byteCount: RunBuffer.byteCount)
  private let copy: AlignedMemory
  private let compression: Compression
  private(set) var images: [RunImage] = []
  private var used = 0
  /// Where the first image not yet placed begins.
  private var placed = 0

  static let byteCount = 1 << 20

  init(pageSize: Int, compression: Compression) {
    copy = AlignedMemory(byteCount: pageSize)
    self.compression = compression
  }

  var isEmpty: Bool { images.isEmpty }
  var isFull: Bool { used + copy.count > Self.byteCount }
  var unplacedByteCount: Int { used }

  func removeAll() {
    images.removeAll(keepingCapacity: true)
    used = 0
    placed = 0
  }

  /// Copies the bytes of a page, while they hold still.
  func copyPage(_ bytes: ByteView) { copy.bytes.copy(bytes) }

  /// Adds the image of the page copied last.
  func append(id: UInt32, frame: UInt32, source: RunImage.Source) {
    append(copy.bytes.view, id: id, frame: frame, source: source)
  }

  /// Adds the images of all pages of a build's run. Without compression they are its pages: the
  /// memory of the two changes hands, and nothing is copied.
  func takePages(of run: BuildRun) {
    precondition(isEmpty, "a build's run is written by itself")
    if compression == .none { swap(&memory, &run.memory) }
    for index in 0..<run.pageCount {
      let page = compression == .none ? memory.bytes.view : run.memory.bytes.view
      append(
        page[index * copy.count..<(index + 1) * copy.count], id: run.ids[index], frame: 0,
        source: .built)
    }
  }

  private func append(_ page: ByteView, id: UInt32, frame: UInt32, source: RunImage.Source) {
    let encoded = PageImage.encode(
      page, into: memory.bytes[used..<used + copy.count], compression: compression)
    used += encoded.byteCount
    images.append(RunImage(id: id, frame: frame, source: source, encoded: encoded))
  }

  // MARK: Placing

  /// Whether every image has its place.
  var isPlaced: Bool { placed == images.count }

  /// The blocks that the images without a place want, and the least that are of use.
  var wantedBlocks: (wanted: Int, minimum: Int) {
    (Place.blocks(for: used), Place.blocks(for: images[placed].encoded.byteCount))
  }

  /// Gives as many images as fit their places in a run, and says which bytes go there.
  func place(in run: Range<Int>) -> (bytes: ByteView, places: Range<Int>) {
    let room = run.count * Place.blockByteCount
    let first = placed
    var offset = 0
    while placed < images.count, offset + images[placed].encoded.byteCount <= room {
      let encoded = images[placed].encoded
      images[placed].stored = StoredImage(
        place: Place(
          start: run.lowerBound * Place.unitsPerBlock + offset / Place.unitByteCount,
          unitCount: encoded.byteCount / Place.unitByteCount),
        flags: encoded.flags, checksum: encoded.checksum)
      offset += encoded.byteCount
      placed += 1
    }
    placedByteCount = offset
    let padded = Place.blocks(for: offset) * Place.blockByteCount
    if offset == used { memory.bytes.zero(offset..<padded) }
    return (memory.bytes.view.prefix(padded), first..<placed)
  }

  private var placedByteCount = 0

  /// The run is in the file: the rest moves to the front, where it is aligned again.
  func advance() {
    memory.bytes.move(from: placedByteCount, to: 0, byteCount: used - placedByteCount)
    used -= placedByteCount
    placedByteCount = 0
  }

  /// The run could not be written: its images have no place after all.
  func forget(_ places: Range<Int>) {
    for index in places { images[index].stored = nil }
  }
}
