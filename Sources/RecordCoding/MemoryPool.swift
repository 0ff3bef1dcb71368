internal import RawBytes
internal import Synchronization

/// A handle of memory that is used again by whoever comes next, and never freed.
///
/// - Invariant RE6: the memory behind a handle is never freed, and one thread at a time uses it. So a
///   handle can be copied without a count, and one that was kept too long still leads to memory that
///   can say so.
protocol PooledMemory: BitwiseCopyable {
  /// New memory.
  init()
  /// Memory that was given a number.
  init(bits: UInt)
  /// The memory as a number that is not zero.
  var bits: UInt { get }
  /// What pools that have ended leave to others.
  static var left: LeftMemory { get }
}

/// The memory of a coder's encoders or decoders, while it waits for whichever thread.
///
/// What was used last waits in one word; only threads that are at work at once meet at the mutex.
/// There is never more memory than was once in use at one moment: a pool that ends leaves it to others.
final class MemoryPool<Memory: PooledMemory>: Sendable {
  /// Zero: none.
  private let last = Atomic<UInt>(0)
  private let idle = ShortMutex<[UInt]>([])

  deinit {
    let bits = last.load(ordering: .acquiring)
    Memory.left.give(idle.withLock { $0 } + (bits == 0 ? [] : [bits]))
  }

  func take() -> Memory {
    let bits = last.exchange(0, ordering: .acquiring)
    return bits != 0 ? Memory(bits: bits) : takeIdle()
  }

  @inline(never)
  private func takeIdle() -> Memory {
    let bits = idle.withLock { $0.popLast() } ?? Memory.left.take()
    return bits.map { Memory(bits: $0) } ?? Memory()
  }

  /// Takes memory that its giver uses no more.
  func give(_ memory: Memory) {
    let bits = memory.bits
    if !last.compareExchange(expected: 0, desired: bits, ordering: .releasing).exchanged {
      idle.withLock { $0.append(bits) }
    }
  }
}

/// Memory that belongs to no pool.
final class LeftMemory: Sendable {
  private let all = ShortMutex<[UInt]>([])

  func take() -> UInt? { all.withLock { $0.popLast() } }

  func give(_ memory: [UInt]) { if !memory.isEmpty { all.withLock { $0 += memory } } }
}

/// The pointer with a number.
// SAFETY: the number is one that a handle of the same type gave (RE6).
func pointer<State: ~Copyable>(_ bits: UInt) -> UnsafeMutablePointer<State> {
  guard let pointer = unsafe UnsafeMutablePointer<State>(bitPattern: bits) else {
    preconditionFailure("no memory has the number zero")
  }
  return unsafe pointer
}
