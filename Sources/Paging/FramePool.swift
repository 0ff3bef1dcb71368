internal import RawBytes
internal import Synchronization
internal import Environment

/// The memory that pages lie in, and what is known about each frame of it.
///
/// One anonymous mapping holds the bytes; small arrays beside it hold, for each frame, the page
/// in it, whether that page is dirty and since when, and how many pins keep it there.
///
/// ```text
///            free list, waiters' grants              bound to a page
///  frame ──► chain ──► reservation ──► allocate ──► word of the page names the frame
///                  └──► load ───────────────────►
///                  └──► hand-over to a checkpoint (bound to no page)
/// ```
///
/// - Invariant FP1: a frame is in exactly one place: untouched, free, in a chain somebody owns,
///   bound to a page, or held by a checkpoint.
/// - Invariant FP2: `pageIDs[f]` is the page whose word names `f`, or none; it changes under that
///   page's exclusive latch only.
/// - Invariant FP3: `dirty[f]` is 0 for a clean page, else the epoch since which it has been dirty,
///   and, while a run holds a copy of these very bytes, which image of the run (`copiedWord`). It
///   is set to an epoch under the exclusive latch; the writer of a run changes it under a shared
///   latch.
/// - Invariant FP4: waiters are served first come, first served, all they asked for at once, so
///   no two wait for each other's half.
// SAFETY: `base` covers `count` frames and every metadata array has `count` elements; frame
// numbers come from the pool itself. False if a number from elsewhere is used.
@safe
final class FramePool: @unchecked Sendable {
  // SENDABLE: metadata is atomic, or owned with the frame (`links`, by the owner of a chain); the
  // lists are guarded by their mutex; bytes are guarded by the latch of their page.
  let count: Int
  let pageByteCount: Int
  let base: UnsafeMutableRawPointer
  let pageIDs: UnsafeMutablePointer<Atomic<UInt32>>
  let dirty: UnsafeMutablePointer<Atomic<UInt64>>
  let pins: UnsafeMutablePointer<Atomic<UInt32>>
  private let links: UnsafeMutablePointer<UInt32>
  private let memory: AnonymousMapping
  private let metadata: AlignedMemory
  private let lists: ShortMutex<Lists>

  /// Set in a frame's pins when its page is to be freed by whoever unpins it last.
  static let freePendingBit: UInt32 = 1 << 31
  static let noFrame = UInt32.max

  private struct Lists {
    var free = FrameChain()
    /// Frames whose memory was never touched.
    var untouched: Range<UInt32>
    var waiters: [FrameWaiter] = []
  }

  /// - Parameter isMapped: false when the system refuses the memory.
  init?(count: Int, pageByteCount: Int) {
    precondition(count > 0 && count <= PageWord.maximumFrameCount)
    guard let memory = AnonymousMapping(byteCount: count * pageByteCount, hugePages: true) else {
      return nil
    }
    self.count = count
    self.pageByteCount = pageByteCount
    self.memory = memory
    unsafe base = unsafe memory.bytes.base
    metadata = AlignedMemory(byteCount: count * 20)
    let start = unsafe metadata.bytes.base
    unsafe dirty = unsafe start.assumingMemoryBound(to: Atomic<UInt64>.self)
    unsafe pageIDs = unsafe (start + count * 8).assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe pins = unsafe (start + count * 12).assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe links = unsafe (start + count * 16).assumingMemoryBound(to: UInt32.self)
    lists = ShortMutex(Lists(untouched: 0..<UInt32(count)))
  }

  func bytes(of frame: Int) -> MutableByteView {
    unsafe MutableByteView(base: base + frame * pageByteCount, count: pageByteCount)
  }

  // MARK: Chains

  func push(_ frame: UInt32, to chain: inout FrameChain) {
    unsafe links[Int(frame)] = chain.head
    if chain.count == 0 { chain.tail = frame }
    chain.head = frame
    chain.count += 1
  }

  func pop(from chain: inout FrameChain) -> UInt32? {
    guard chain.count > 0 else { return nil }
    let frame = chain.head
    chain.head = unsafe links[Int(frame)]
    chain.count -= 1
    return frame
  }

  /// One chain, and another behind it.
  private func joined(_ first: FrameChain, _ second: FrameChain) -> FrameChain {
    if first.count == 0 { return second }
    if second.count == 0 { return first }
    unsafe links[Int(first.tail)] = second.head
    return FrameChain(head: first.head, tail: second.tail, count: first.count + second.count)
  }

  // MARK: Taking and giving back

  var freeCount: Int { lists.withLock { $0.free.count + $0.untouched.count } }
  var hasWaiters: Bool { lists.withLock { !$0.waiters.isEmpty } }

  /// So many frames at once, or none.
  ///
  /// - Parameter kept: how many must be left.
  func tryTake(_ wanted: Int, keeping kept: Int = 0) -> FrameChain? {
    lists.withLock { lists in
      guard lists.waiters.isEmpty,
        lists.free.count + lists.untouched.count >= wanted + kept
      else { return nil }
      return take(wanted, from: &lists)
    }
  }

  /// One frame, past any queue, by a thread that holds a latch and may not wait.
  func tryTakeAhead() -> UInt32? {
    lists.withLock { lists in
      guard var chain = take(1, from: &lists) else { return nil }
      return pop(from: &chain)
    }
  }

  private func take(_ wanted: Int, from lists: inout Lists) -> FrameChain? {
    guard lists.free.count + lists.untouched.count >= wanted else { return nil }
    var chain = FrameChain()
    while chain.count < wanted {
      if let frame = pop(from: &lists.free) {
        push(frame, to: &chain)
      } else {
        push(lists.untouched.lowerBound, to: &chain)
        lists.untouched = lists.untouched.dropFirst()
      }
    }
    return chain
  }

  /// So many frames now, or a place in the queue for them.
  func takeOrQueue(_ wanted: Int, ticket: WaitTicket) -> FrameGrant {
    lists.withLock { lists in
      if lists.waiters.isEmpty, let chain = take(wanted, from: &lists) { return .taken(chain) }
      let waiter = FrameWaiter(wanted: wanted, ticket: ticket)
      lists.waiters.append(waiter)
      return .queued(waiter)
    }
  }

  /// What a waiter was given; nil when it must go on waiting, with another ticket.
  func granted(_ waiter: FrameWaiter, next ticket: WaitTicket) -> FrameChain? {
    lists.withLock { _ in
      if let granted = waiter.granted { return granted }
      waiter.ticket = ticket
      return nil
    }
  }

  /// Leaves the queue. What was given in the last moment still counts.
  func withdraw(_ waiter: FrameWaiter) -> FrameChain? {
    lists.withLock { lists in
      if let granted = waiter.granted { return granted }
      lists.waiters.removeAll { $0 === waiter }
      return nil
    }
  }

  /// Frees frames and serves the queue. Hold no mutex: it wakes threads.
  ///
  /// - Parameter asLast: whether all others are to be taken first: frames in the order of their
  ///   memory, behind those that were just in use.
  func giveBack(_ chain: FrameChain, asLast: Bool = false, waits: any Waits) {
    let served = lists.withLock { lists -> [WaitTicket] in
      lists.free = asLast ? joined(lists.free, chain) : joined(chain, lists.free)
      var served: [WaitTicket] = []
      while let waiter = lists.waiters.first, let grant = take(waiter.wanted, from: &lists) {
        waiter.granted = grant
        lists.waiters.removeFirst()
        served.append(waiter.ticket)
      }
      return served
    }
    for ticket in served { waits.wake(ticket) }
  }

  func giveBack(_ frame: UInt32, waits: any Waits) {
    var chain = FrameChain()
    push(frame, to: &chain)
    giveBack(chain, waits: waits)
  }

  // MARK: First touches

  /// Touched frames that are free are kept at this many as long as there are untouched ones.
  private var aheadCount: Int { Swift.max(1, (64 << 20) / pageByteCount) }

  /// Whether the background thread should fault in more frames.
  var wantsTouching: Bool {
    lists.withLock { $0.untouched.count > 1 && $0.free.count < aheadCount / 2 }
  }

  /// Frames to fault in ahead of their use, a step of them, and half of those that are left at the
  /// most: a thread that wants one meanwhile must not take it from a page.
  func takeUntouched(step: Int) -> Range<UInt32>? {
    lists.withLock { lists in
      guard lists.untouched.count > 1, lists.free.count < aheadCount else { return nil }
      let frames = lists.untouched.prefix(Swift.min(step, lists.untouched.count / 2))
      lists.untouched = lists.untouched.dropFirst(frames.count)
      return frames
    }
  }

  /// Writes to each 4 KiB of some frames nobody uses, so that the system backs them with memory.
  func touch(_ frames: Range<UInt32>) -> FrameChain {
    var chain = FrameChain()
    for frame in frames.reversed() {
      let bytes = bytes(of: Int(frame))
      for offset in stride(from: 0, to: bytes.count, by: 4096) { bytes[offset] = 0 }
      push(frame, to: &chain)
    }
    return chain
  }
}

/// Frames in a list that runs through the pool's links. Whoever has the chain owns the frames.
struct FrameChain {
  var head = FramePool.noFrame
  var tail = FramePool.noFrame
  var count = 0
}

enum FrameGrant {
  case taken(FrameChain)
  case queued(FrameWaiter)
}

/// A thread that waits for frames.
final class FrameWaiter: @unchecked Sendable {
  // SENDABLE: `ticket` and `granted` are guarded by the mutex of the pool's lists.
  let wanted: Int
  fileprivate var ticket: WaitTicket
  fileprivate var granted: FrameChain?

  init(wanted: Int, ticket: WaitTicket) {
    self.wanted = wanted
    self.ticket = ticket
  }
}

/// Frames set aside for pages that one thread is about to allocate.
// SAFETY: holds no pointer of its own.
package struct FrameReservation: ~Copyable {
  private var chain: FrameChain
  private let pager: Pager

  init(chain: FrameChain, pager: Pager) {
    self.chain = chain
    self.pager = pager
  }

  /// How many pages may still be allocated.
  package var count: Int { chain.count }

  mutating func take() -> UInt32 {
    guard let frame = pager.frames.pop(from: &chain) else {
      preconditionFailure("more pages allocated than frames reserved")
    }
    return frame
  }

  deinit {
    if chain.count > 0 { pager.frames.giveBack(chain, waits: pager.effects.waits) }
  }
}
