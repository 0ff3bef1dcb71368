internal import RawBytes
internal import Synchronization

/// How many transactions run, and whether more may begin.
///
/// One counter for all threads is a line of memory that every begin and every end takes away from
/// the other processors. Here each thread counts in a lane of its own, and only whoever closes adds
/// the lanes up.
///
/// - Invariant RT1: who has entered is counted until it leaves, on whichever thread; so once
///   `close` was called and `isEmpty` has answered true, nobody runs and nobody will.
///
/// Entering counts first and then looks for the closing; closing says so first and then counts:
/// in the one order of these sequentially consistent steps at least one sees the other. A lane that
/// shows a leaving shows the entering too or another lane does, so a sum of zero is never early.
// SAFETY: the lanes are allocated as long as the object. SENDABLE: they are atomics.
@safe
final class RunningTransactions: @unchecked Sendable {
  private static let laneCount = 16
  /// Two cache lines of 64 bytes, or one of Apple's 128.
  private static let laneStride = 128
  private let lanes: UnsafeMutableRawPointer
  private let isClosing = Atomic<Bool>(false)

  init() {
    unsafe lanes = .allocate(
      byteCount: Self.laneCount * Self.laneStride, alignment: Self.laneStride)
    for index in 0..<Self.laneCount {
      unsafe (lanes + index * Self.laneStride).bindMemory(to: Atomic<Int>.self, capacity: 1)
        .initialize(to: Atomic(0))
    }
  }

  deinit { unsafe lanes.deallocate() }

  @inline(__always)
  private func lane(_ index: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    unsafe (lanes + index &* Self.laneStride).assumingMemoryBound(to: Atomic<Int>.self)
  }

  @inline(__always)
  private var own: UnsafeMutablePointer<Atomic<Int>> {
    unsafe lane(Processor.threadHint & (Self.laneCount &- 1))
  }

  /// Counts one in. False, and it is not counted, when no more may begin.
  func enter() -> Bool {
    unsafe own.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
    guard isClosing.load(ordering: .sequentiallyConsistent) else { return true }
    leave()
    return false
  }

  /// Counts one out.
  func leave() { unsafe own.pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent) }

  /// Lets nobody in any more. False when somebody has closed before.
  func close() -> Bool {
    !isClosing.exchange(true, ordering: .sequentiallyConsistent)
  }

  /// Lets them in again after `close`.
  func reopen() { isClosing.store(false, ordering: .sequentiallyConsistent) }

  /// Whether nobody runs. Ask after `close`.
  var isEmpty: Bool {
    var sum = 0
    for index in 0..<Self.laneCount {
      sum &+= unsafe lane(index).pointee.load(ordering: .sequentiallyConsistent)
    }
    return sum == 0
  }
}
