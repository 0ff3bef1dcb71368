internal import Environment
internal import RawBytes
internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A file in memory, read and written by any number of threads at once.
///
/// Growing never copies and never moves: the bytes lie in up to 32 extents, each as long as all
/// before it together, mapped when first touched and backed by real memory page by page.
///
/// ```text
///   extent   0        1        2                 3
///         [0, 1 MiB)[1, 2)  [2, 4)            [4, 8) ...
/// ```
///
/// - Invariant Y1: an extent, once published, stays where it is until the file is released.
/// - Invariant Y2: bytes at and beyond the size are zero, so that growing needs no clearing.
/// - Invariant Y3: readers and writers of disjoint ranges need no order between them; of one
///   range, the engine orders them, as it must over any file.
// SAFETY: extents are reached through atomics that hold an object kept until `deinit`.
@safe
final class MemoryFileContent: @unchecked Sendable {
  // SENDABLE: the extents are published by atomics, the size is one, and Y3 covers the bytes.
  static let firstExtentByteCount = 1 << 20
  static let extentLimit = 32

  private let extents: UnsafeMutablePointer<Atomic<Unmanaged<AnonymousMapping>?>>
  private let byteCount = Atomic<UInt64>(0)
  private let growth = Mutex<Void>(())

  init() {
    unsafe extents = .allocate(capacity: Self.extentLimit)
    for index in 0..<Self.extentLimit { unsafe (extents + index).initialize(to: Atomic(nil)) }
  }

  deinit {
    for index in 0..<Self.extentLimit {
      unsafe extents[index].load(ordering: .acquiring)?.release()
    }
    unsafe extents.deinitialize(count: Self.extentLimit)
    unsafe extents.deallocate()
  }

  var size: UInt64 { byteCount.load(ordering: .acquiring) }

  func read(into bytes: MutableByteView, at offset: UInt64) -> Int {
    let size = self.size
    guard offset < size else { return 0 }
    let count = Int(min(UInt64(bytes.count), size - offset))
    forEachPiece(offset..<offset + UInt64(count)) { index, range, place in
      let target = bytes[place..<place + range.count]
      if let extent = extent(index) {
        target.copy(extent.bytes[range].view)
      } else {
        target.zero(0..<target.count)
      }
      return true
    }
    return count
  }

  /// Writes and extends; false when the machine has no memory left to map.
  func write(_ bytes: ByteView, at offset: UInt64) -> Bool {
    let end = offset + UInt64(bytes.count)
    let isComplete = forEachPiece(offset..<end) { index, range, place in
      guard let extent = extentMade(index) else { return false }
      extent.bytes.copy(bytes[place..<place + range.count], at: range.lowerBound)
      return true
    }
    if !isComplete {
      clear(max(offset, size)..<max(end, size))
    } else if !bytes.isEmpty {
      extend(to: end)
    }
    return isComplete
  }

  func extend(to size: UInt64) { byteCount.max(size, ordering: .acquiringAndReleasing) }

  func truncate(to newSize: UInt64) {
    let oldSize = byteCount.exchange(newSize, ordering: .acquiringAndReleasing)
    if newSize < oldSize { clear(newSize..<oldSize) }
  }

  /// Gives memory back; the range reads as zeros.
  func clear(_ range: Range<UInt64>) {
    forEachPiece(range.clamped(to: 0..<Self.limit)) { index, range, _ in
      extent(index)?.release(range)
      return true
    }
  }

  var residentByteCount: UInt64 {
    var total = 0
    forEachPiece(0..<min(size, Self.limit)) { index, range, _ in
      total += extent(index)?.residentByteCount(range) ?? 0
      return true
    }
    return UInt64(total)
  }
}

extension MemoryFileContent {
  /// No file in memory is longer.
  static let limit = UInt64(firstExtentByteCount) << UInt64(extentLimit - 1)

  /// Calls the body for each extent that a range touches: its index, the range inside it, and
  /// where that lies in the whole range. Stops when the body answers false.
  @discardableResult
  private func forEachPiece(
    _ range: Range<UInt64>, _ body: (Int, Range<Int>, Int) -> Bool
  ) -> Bool {
    var offset = range.lowerBound
    while offset < range.upperBound {
      guard offset < Self.limit else { return false }
      let unit = offset / UInt64(Self.firstExtentByteCount)
      let index = unit == 0 ? 0 : 64 - unit.leadingZeroBitCount
      let start = unit == 0 ? 0 : UInt64(Self.firstExtentByteCount) << UInt64(index - 1)
      let end = min(range.upperBound, start + UInt64(Self.extentByteCount(index)))
      guard
        body(index, Int(offset - start)..<Int(end - start), Int(offset - range.lowerBound))
      else { return false }
      offset = end
    }
    return true
  }

  private static func extentByteCount(_ index: Int) -> Int {
    firstExtentByteCount << max(index - 1, 0)
  }

  private func extent(_ index: Int) -> AnonymousMapping? {
    unsafe extents[index].load(ordering: .acquiring)?.takeUnretainedValue()
  }

  private func extentMade(_ index: Int) -> AnonymousMapping? {
    if let extent = extent(index) { return extent }
    return growth.withLock { _ in
      if let extent = extent(index) { return extent }
      guard
        let made = AnonymousMapping(byteCount: Self.extentByteCount(index), hugePages: false)
      else { return nil }
      unsafe extents[index].store(Unmanaged.passRetained(made), ordering: .releasing)
      return made
    }
  }
}
