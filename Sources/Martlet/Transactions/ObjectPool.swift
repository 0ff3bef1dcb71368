internal import RawBytes
internal import Synchronization

/// Keeps used objects for the next user on the same thread, so that a short transaction allocates
/// nothing.
///
/// One slot for each thread hint, emptied and filled by one atomic exchange each; a thread that
/// finds its slot empty makes a new object, and one that finds it full lets its own go.
///
/// - Invariant OP1: an object is in at most one slot, and never in one while it is in use.
// SAFETY: a slot holds a retained reference or null. SENDABLE: slots are atomics.
@safe
final class ObjectPool<Object: AnyObject>: @unchecked Sendable {
  private static var slotCount: Int { 64 }
  private let slots: UnsafeMutablePointer<Atomic<UInt>>

  init() {
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount { unsafe (slots + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for index in 0..<Self.slotCount { _ = take(index) }
    unsafe slots.deinitialize(count: Self.slotCount)
    unsafe slots.deallocate()
  }

  /// An object that this thread gave back, if there is one.
  func take() -> Object? { take(Processor.threadHint & (Self.slotCount - 1)) }

  /// Keeps an object for the next user. Returns the one that had to go for it.
  @discardableResult
  func put(_ object: Object) -> Object? {
    let bits = unsafe UInt(bitPattern: Unmanaged.passRetained(object).toOpaque())
    let slot = Processor.threadHint & (Self.slotCount - 1)
    let old = unsafe slots[slot].exchange(bits, ordering: .acquiringAndReleasing)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: old) else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
  }

  private func take(_ slot: Int) -> Object? {
    // A look first: an exchange of an empty slot would cost the cache line for nothing.
    guard unsafe slots[slot].load(ordering: .relaxed) != 0 else { return nil }
    let bits = unsafe slots[slot].exchange(0, ordering: .acquiringAndReleasing)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
  }
}
