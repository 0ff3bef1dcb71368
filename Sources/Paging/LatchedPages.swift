public import Primitives
public import RawBytes
public import Synchronization

/// A page as one thread saw it without a latch: its bytes may change, or become another page's,
/// at any moment. Nothing read from them is true before `Pager.isValid` said so afterwards.
// SAFETY: `state` points into the page table and `bytes` into the frames, both of which live as
// long as the pager; torn bytes are the reader's contract. False if it outlives the pager.
@safe
@frozen
@usableFromInline
package struct OptimisticPage: BitwiseCopyable, @unchecked Sendable {
  // SENDABLE: carries no ownership; every use validates.
  @usableFromInline package let id: PageID
  /// What the page's word was when it was read.
  @usableFromInline package let word: PageWord
  /// The frame's bytes: maybe torn until validated.
  @usableFromInline package let bytes: ByteView
  @usableFromInline let state: UnsafeMutablePointer<Atomic<UInt64>>

  @inlinable init(
    id: PageID, word: PageWord, bytes: ByteView, state: UnsafeMutablePointer<Atomic<UInt64>>
  ) {
    self.id = id
    self.word = word
    self.bytes = bytes
    unsafe self.state = unsafe state
  }
}

/// A page held by this thread alone, until this value goes.
///
/// Call `Pager.willModify` before changing the first byte.
// SAFETY: the exclusive bit keeps everyone else out of `bytes`. False if `bytes` is kept after
// this value went.
@safe
@frozen
@usableFromInline
package struct ExclusivePage: ~Copyable, @unchecked Sendable {
  // SENDABLE: whoever owns the value owns the latch.
  @usableFromInline package let id: PageID
  @usableFromInline package let bytes: MutableByteView
  /// The word while it is latched: nobody else changes it (PW2).
  @usableFromInline let word: PageWord
  @usableFromInline let state: UnsafeMutablePointer<Atomic<UInt64>>

  @inlinable init(
    id: PageID, bytes: MutableByteView, word: PageWord,
    state: UnsafeMutablePointer<Atomic<UInt64>>
  ) {
    self.id = id
    self.bytes = bytes
    self.word = word
    unsafe self.state = unsafe state
  }

  @inlinable deinit { unsafe state.pointee.store(word.unlatched.rawValue, ordering: .releasing) }

  /// Leaves the latch to whoever stores the word next.
  consuming func disarm() { discard self }
}

/// A page that nobody changes until this value goes.
// SAFETY: a shared count above zero keeps writers and eviction away from `bytes`. False if
// `bytes` is kept after this value went.
@safe
@frozen
@usableFromInline
package struct SharedPage: ~Copyable, @unchecked Sendable {
  // SENDABLE: whoever owns the value owns one shared count.
  @usableFromInline package let id: PageID
  @usableFromInline package let bytes: ByteView
  @usableFromInline let state: UnsafeMutablePointer<Atomic<UInt64>>

  @inlinable init(id: PageID, bytes: ByteView, state: UnsafeMutablePointer<Atomic<UInt64>>) {
    self.id = id
    self.bytes = bytes
    unsafe self.state = unsafe state
  }

  @inlinable deinit { _ = unsafe state.pointee.wrappingSubtract(1, ordering: .releasing) }
}
