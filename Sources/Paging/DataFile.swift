internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// The file of page images, open twice: runs, superblocks and syncs go past the page cache, single
/// images are read through it.
///
/// - Invariant DF1: after a failed sync or superblock write nothing is written any more: what is
///   on the medium is not known (F1).
final class DataFile: Sendable {
  /// The name that the file has, or is to have once it is made: that of errors for want of space.
  let path: String
  private let direct: any File
  private let buffered: any File
  private let poisoned = Atomic<Bool>(false)

  /// - Parameter temporary: the name under which it is made.
  init(
    path: String, temporary: String? = nil, creation: FileMode.Creation, files: any FileSystem
  ) throws(PagingError) {
    self.path = path
    do {
      direct = try files.open(
        temporary ?? path, FileMode(creation: creation, isDirect: true))
      buffered = try files.open(temporary ?? path, FileMode(isWritable: false))
    } catch {
      throw Self.error(error)
    }
  }

  static func error(_ error: FileError) -> PagingError {
    error.isForWantOfSpace ? .diskFull(path: error.path) : .file(error)
  }

  private func failure(_ error: FileError) -> PagingError {
    error.isForWantOfSpace ? .diskFull(path: path) : .file(error)
  }

  var isPoisoned: Bool { poisoned.load(ordering: .acquiring) }
  func poison() { poisoned.store(true, ordering: .releasing) }

  func checkPoison() throws(PagingError) { if isPoisoned { throw .poisoned } }

  /// Reads exactly so many bytes; a file that ends before is a corrupt one.
  func read(
    into bytes: MutableByteView, at offset: UInt64, isDirect: Bool = false,
    _ what: @autoclosure () -> String
  ) throws(PagingError) {
    let count: Int
    do {
      count = try (isDirect ? direct : buffered).read(into: bytes, at: offset)
    } catch {
      throw failure(error)
    }
    guard count == bytes.count else {
      throw .corrupt(
        CorruptionError(
          location: "\(what()) at byte \(offset) of the data file",
          expected: "\(bytes.count) bytes",
          found: "\(count) bytes"))
    }
  }

  /// Reads an image into memory with room for the blocks it touches, and says where in there it
  /// is.
  func readImage(
    at place: Place, into memory: MutableByteView, isDirect: Bool, _ what: @autoclosure () -> String
  ) throws(PagingError) -> MutableByteView {
    guard isDirect else {
      let stored = memory[0..<place.byteCount]
      try read(into: stored, at: place.byteOffset, what())
      return stored
    }
    let blocks = place.blocks
    let start = blocks.lowerBound * Place.blockByteCount
    try read(
      into: memory[0..<blocks.count * Place.blockByteCount], at: UInt64(start), isDirect: true,
      what())
    let offset = Int(place.byteOffset) - start
    return memory[offset..<offset + place.byteCount]
  }

  /// Tells the system that bytes will be read soon.
  func willRead(_ range: Range<UInt64>) { if !range.isEmpty { buffered.willRead(range) } }

  /// Writes whole blocks from aligned memory.
  func write(_ bytes: ByteView, block: Int) throws(PagingError) {
    try checkPoison()
    do {
      try direct.write(bytes, at: UInt64(block * Place.blockByteCount))
    } catch {
      throw failure(error)
    }
  }

  /// Makes everything written durable, or poisons.
  func sync() throws(PagingError) {
    try checkPoison()
    do {
      try direct.sync(.full)
    } catch {
      poison()
      throw .file(error)
    }
  }

  func size() throws(PagingError) -> UInt64 {
    do { return try direct.size() } catch { throw failure(error) }
  }

  func allocate(_ blocks: Range<Int>) throws(PagingError) {
    do { try direct.allocate(bytes(blocks)) } catch { throw failure(error) }
  }

  func punchHole(_ blocks: Range<Int>) throws(PagingError) {
    do { try direct.punchHole(bytes(blocks)) } catch { throw failure(error) }
  }

  func truncate(toBlock block: Int) throws(PagingError) {
    do {
      try direct.truncate(to: UInt64(block * Place.blockByteCount))
    } catch {
      throw failure(error)
    }
  }

  private func bytes(_ blocks: Range<Int>) -> Range<UInt64> {
    UInt64(
      blocks.lowerBound * Place.blockByteCount)..<UInt64(blocks.upperBound * Place.blockByteCount)
  }
}

/// Aligned buffers for single images, lent for the length of an I/O.
final class BufferPool: Sendable {
  private let byteCount: Int
  private let idle = ShortMutex<[AlignedMemory]>([])

  init(byteCount: Int) { self.byteCount = byteCount }

  func borrow() -> AlignedMemory {
    idle.withLock { $0.popLast() } ?? AlignedMemory(byteCount: byteCount)
  }

  func giveBack(_ memory: AlignedMemory) { idle.withLock { $0.append(memory) } }
}
