internal import RawBytes
internal import Synchronization

/// Keeps used objects for the next user on the same thread, so that a short transaction allocates
/// nothing.
///
/// One slot for each thread hint, on a line of memory of its own, emptied and filled by one atomic
/// exchange each; a thread that finds its slot empty makes a new object, and one that finds it full
/// lets its own go.
///
/// - Invariant OP1: an object is in at most one slot, and never in one while it is in use.
// SAFETY: a slot holds a retained reference or null. SENDABLE: slots are atomics.
@safe
final class ObjectPool<Object: AnyObject>: @unchecked Sendable {
  private static var slotCount: Int { 64 }
  /// Two cache lines of 64 bytes, or one of Apple's 128.
  private static var slotStride: Int { 128 }
  private let slots: UnsafeMutableRawPointer

  init() {
    unsafe slots = .allocate(
      byteCount: Self.slotCount * Self.slotStride, alignment: Self.slotStride)
    for index in 0..<Self.slotCount {
      unsafe (slots + index * Self.slotStride).bindMemory(to: Atomic<UInt>.self, capacity: 1)
        .initialize(to: Atomic(0))
    }
  }

  deinit {
    for index in 0..<Self.slotCount { _ = take(index) }
    unsafe slots.deallocate()
  }

  @inline(__always)
  private func slot(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt>> {
    unsafe (slots + index &* Self.slotStride).assumingMemoryBound(to: Atomic<UInt>.self)
  }

  /// An object that this thread gave back, if there is one.
  func take() -> Object? { take(Processor.threadHint & (Self.slotCount - 1)) }

  /// Keeps an object for the next user. Returns the one that had to go for it.
  @discardableResult
  func put(_ object: Object) -> Object? {
    let bits = unsafe UInt(bitPattern: Unmanaged.passRetained(object).toOpaque())
    let index = Processor.threadHint & (Self.slotCount - 1)
    let old = unsafe slot(index).pointee.exchange(bits, ordering: .acquiringAndReleasing)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: old) else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
  }

  private func take(_ index: Int) -> Object? {
    // A look first: an exchange of an empty slot would cost the cache line for nothing.
    guard unsafe slot(index).pointee.load(ordering: .relaxed) != 0 else { return nil }
    let bits = unsafe slot(index).pointee.exchange(0, ordering: .acquiringAndReleasing)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
  }
}
