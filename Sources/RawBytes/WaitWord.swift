internal import CMartlet
public import Synchronization

/// A 32-bit word on which threads sleep until it changes: the futex of Linux, and its like on
/// Apple systems.
///
/// The word itself is an atomic; sleeping is only ever an economy. Whoever changes the word and
/// wants a sleeper to notice calls `wake` afterwards.
///
/// - Invariant U1: `wait(while:)` may return early for no reason, so it stands in a loop over
///   `load()`.
/// - Invariant U2: what a thread did before it stored a value is seen by whoever loads that value.
// SAFETY: the memory lives as long as the value, and is only touched through the atomic and by
// the system call that compares it.
@safe
@frozen
@usableFromInline
package struct WaitWord: ~Copyable, @unchecked Sendable {
  // SENDABLE: the word is atomic.
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

  package init(_ value: UInt32) {
    unsafe word = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)
    unsafe word.initialize(to: Atomic(value))
  }

  deinit {
    unsafe word.deinitialize(count: 1)
    unsafe word.deallocate()
  }

  package func load() -> UInt32 { unsafe word.pointee.load(ordering: .acquiring) }

  /// Stores a value and returns the one before it.
  @usableFromInline package func exchange(_ value: UInt32) -> UInt32 {
    unsafe word.pointee.exchange(value, ordering: .acquiringAndReleasing)
  }

  /// Stores `value` if the word is `expected`; says whether it was.
  @usableFromInline package func compareExchange(_ expected: UInt32, _ value: UInt32) -> Bool {
    unsafe word.pointee.compareExchange(
      expected: expected, desired: value, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Sleeps while the word is `value`, for at most so many nanoseconds (nil: no limit).
  package func wait(while value: UInt32, nanoseconds: UInt64?) {
    let memory = unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)
    unsafe martlet_word_wait(memory, value, nanoseconds ?? UInt64.max)
  }

  /// Ends the sleep of one thread.
  @usableFromInline package func wake() {
    unsafe martlet_word_wake(UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self))
  }
}
