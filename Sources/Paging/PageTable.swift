internal import RawBytes
internal import Synchronization

/// The words of all page ids: a directory of chunks that are mapped when first needed and never
/// move, so that a pointer to a word is good for the life of the table.
///
/// ```text
///  page id   31        16 15         0
///           ┌────────────┬────────────┐
///           │ chunk      │ word       │      directory[chunk] ──► 2^16 words of 8 bytes
///           └────────────┴────────────┘
/// ```
///
/// - Invariant PT1: a directory entry goes from nil to a chunk once, and never changes again.
/// - Invariant PT2: the word of an id that was never used is zero: absent, version 0.
// SAFETY: both pointer levels point into mappings that live as long as the table, and every index
// is masked to its chunk. False if a pointer to a word outlives the table.
@safe
final class PageTable: @unchecked Sendable {
  // SENDABLE: everything shared is atomic; `chunks` is guarded by its mutex.
  typealias Word = Atomic<UInt64>

  let directory: UnsafeMutablePointer<Atomic<UInt>>
  private let directoryMemory: AnonymousMapping
  private let chunks = Mutex<[AnonymousMapping]>([])

  static let chunkShift = 16
  static let wordsPerChunk = 1 << 16

  init() {
    let byteCount = (1 << 16) * MemoryLayout<UInt>.stride
    guard let memory = AnonymousMapping(byteCount: byteCount, hugePages: false) else {
      preconditionFailure("no memory for the page directory")
    }
    directoryMemory = memory
    unsafe directory = unsafe memory.bytes.base.assumingMemoryBound(to: Atomic<UInt>.self)
  }

  /// The word of an id, or nil while no id of its chunk was ever used.
  func word(_ id: UInt32) -> UnsafeMutablePointer<Word>? {
    let chunk = unsafe directory[Int(id >> 16)].load(ordering: .acquiring)
    guard let words = unsafe UnsafeMutablePointer<Word>(bitPattern: chunk) else { return nil }
    return unsafe words + Int(id & 0xFFFF)
  }

  /// The word of an id, its chunk mapped when it is not.
  func makeWord(_ id: UInt32) -> UnsafeMutablePointer<Word> {
    if let word = unsafe word(id) { return unsafe word }
    let byteCount = Self.wordsPerChunk * MemoryLayout<Word>.stride
    chunks.withLock { chunks in
      guard unsafe directory[Int(id >> 16)].load(ordering: .relaxed) == 0 else { return }
      guard let memory = AnonymousMapping(byteCount: byteCount, hugePages: false) else {
        preconditionFailure("no memory for a chunk of the page table")
      }
      chunks.append(memory)
      let address = UInt(bitPattern: unsafe memory.bytes.base)
      unsafe directory[Int(id >> 16)].store(address, ordering: .releasing)
    }
    return unsafe word(id).unsafelyUnwrapped
  }
}
