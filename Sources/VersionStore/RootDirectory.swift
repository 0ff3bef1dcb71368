internal import Primitives
internal import Synchronization

/// The root page of every keyspace's tree, by id: three levels like a page table, so that a
/// database with one keyspace costs 50 KiB and one with many has no limit but its ids.
///
/// A word is the root page, and above it what a reader must look into first: a bit that says the
/// keyspace is dropping, and one that says it was built and some snapshot may be older.
///
/// - Invariant RD1: blocks never move and live as long as the directory; a look-up takes no lock.
// SAFETY: blocks are initialised before their pointer is published; indices are cut to their
// level's bits. False if a block is freed before the directory.
@safe
final class RootDirectory: @unchecked Sendable {
  // SENDABLE: all words are atomic; blocks are added by compare-and-swap.
  private static let droppingBit: UInt = 1 << 32
  private static let youngBit: UInt = 1 << 33
  private static let topCount = 1 << 8
  private static let blockCount = 1 << 12

  private let top: UnsafeMutablePointer<Atomic<UInt>>

  init() { unsafe top = Self.makeBlock(Self.topCount) }

  deinit {
    for index in 0..<Self.topCount {
      guard let middle = unsafe Self.follow(top + index) else { continue }
      for index in 0..<Self.blockCount {
        if let leaf = unsafe Self.follow(middle + index) { unsafe leaf.deallocate() }
      }
      unsafe middle.deallocate()
    }
    unsafe top.deallocate()
  }

  /// What the directory knows of a keyspace.
  struct Root: BitwiseCopyable, Equatable {
    fileprivate let word: UInt

    /// The root of the tree; `.none` when there is none.
    var page: PageID { PageID(UInt32(truncatingIfNeeded: word)) }

    /// Whether there is a tree that every snapshot may use.
    @inline(__always) var isPlain: Bool { word >> 32 == 0 && word != 0 }

    /// Whether a commit has dropped the keyspace.
    var isDropping: Bool { word & RootDirectory.droppingBit != 0 }

    /// Whether the keyspace was built lately, and snapshots from before may be in use.
    var isYoung: Bool { word & RootDirectory.youngBit != 0 }
  }

  @inline(__always)
  subscript(id: KeyspaceID) -> Root {
    let raw = Int(id.rawValue)
    guard let middle = unsafe Self.follow(top + (raw >> 24)),
      let leaf = unsafe Self.follow(middle + (raw >> 12 & 4095))
    else { return Root(word: 0) }
    return unsafe Root(word: leaf[raw & 4095].load(ordering: .acquiring))
  }

  /// Changes are ordered by the caller.
  func set(_ page: PageID, isDropping: Bool, isYoung: Bool = false, for id: KeyspaceID) {
    let raw = Int(id.rawValue)
    let middle = unsafe ensure(top + (raw >> 24))
    let leaf = unsafe ensure(middle + (raw >> 12 & 4095))
    let word =
      UInt(page.rawValue) | (isDropping ? Self.droppingBit : 0) | (isYoung ? Self.youngBit : 0)
    unsafe leaf[raw & 4095].store(word, ordering: .releasing)
  }

  @inline(__always)
  private static func follow(
    _ word: UnsafeMutablePointer<Atomic<UInt>>
  ) -> UnsafeMutablePointer<Atomic<UInt>>? {
    unsafe UnsafeMutablePointer(bitPattern: word.pointee.load(ordering: .acquiring))
  }

  private func ensure(
    _ word: UnsafeMutablePointer<Atomic<UInt>>
  ) -> UnsafeMutablePointer<Atomic<UInt>> {
    if let block = unsafe Self.follow(word) { return unsafe block }
    let block = unsafe Self.makeBlock(Self.blockCount)
    let outcome = unsafe word.pointee.compareExchange(
      expected: 0, desired: UInt(bitPattern: block), ordering: .acquiringAndReleasing)
    if outcome.exchanged { return unsafe block }
    unsafe block.deallocate()
    return unsafe UnsafeMutablePointer(bitPattern: outcome.original).unsafelyUnwrapped
  }

  private static func makeBlock(_ count: Int) -> UnsafeMutablePointer<Atomic<UInt>> {
    let block = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: count)
    for index in 0..<count { unsafe (block + index).initialize(to: Atomic(0)) }
    return unsafe block
  }
}
