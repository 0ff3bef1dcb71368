internal import Environment
internal import Primitives
internal import Synchronization

/// Second chance: a clock goes over the frames, marks a page `cooling` when it passes, and evicts
/// it when it passes again and nobody has touched it in between. Touching clears the mark.
///
/// - Invariant EV1: a frame is taken from a page under the page's exclusive latch, when it is
///   clean and not pinned.
extension Pager {
  enum Verdict {
    /// Empty, latched or pinned.
    case busy
    /// Used lately; marked now.
    case warm
    /// Not used for a round, and to be written first.
    case dirty
    /// The frame is the caller's.
    case evicted
  }

  /// Frames that one thread examines at a time, so that several do not meet.
  private static let clockStep = 16

  /// The next frames of the clock.
  func nextFrames() -> Range<Int> {
    let position = clockHand.wrappingAdd(Self.clockStep, ordering: .relaxed).oldValue
    let start = Int(UInt(bitPattern: position) % UInt(frames.count))
    return start..<min(start + Self.clockStep, frames.count)
  }

  /// A sweep that met so many cold dirty pages leaves the rest to the background writer.
  private static let dirtyLimit = 64

  /// Frees frames of cold, clean pages; wakes the background writer when cold pages are dirty.
  ///
  /// - Parameter limit: examine no more frames; by default two rounds of the clock, which make
  ///   every page cold that nobody uses.
  func evictClean(atLeast wanted: Int, examining limit: Int = .max) {
    var chain = FrameChain()
    var dirtyCount = 0
    var examined = 0
    let limit = min(limit, 2 * frames.count)
    while chain.count < max(wanted, Self.clockStep), examined < limit,
      dirtyCount < Self.dirtyLimit
    {
      for frame in nextFrames() {
        examined += 1
        switch judge(frame) {
        case .evicted: frames.push(UInt32(frame), to: &chain)
        case .dirty: dirtyCount += 1
        case .busy, .warm: break
        }
      }
    }
    if chain.count > 0 { frames.giveBack(chain, waits: effects.waits) }
    if dirtyCount > 0 { background.signal(.evict, waits: effects.waits) }
  }

  /// One turn of the clock for one frame.
  func judge(_ frame: Int) -> Verdict {
    let id = frames.pageID(of: frame)
    guard id != 0, let state = unsafe table.word(id) else { return .busy }
    let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
    guard word.isReadable, word.frame == frame, word.sharedCount == 0, !frames.isPinned(frame)
    else { return .busy }
    guard word.isCooling else {
      _ = unsafe state.pointee.compareExchange(
        expected: word.rawValue, desired: word.cooled.rawValue, ordering: .relaxed)
      return .warm
    }
    if frames.dirty(of: frame) != 0 { return .dirty }
    let latched = word.latched
    guard unsafe exchange(state, word, latched) else { return .busy }
    guard frames.dirty(of: frame) == 0, !frames.isPinned(frame) else {
      unsafe state.pointee.store(latched.unlatched.rawValue, ordering: .releasing)
      return .busy
    }
    frames.unbind(frame)
    unsafe state.pointee.store(latched.evicted.rawValue, ordering: .releasing)
    counters.evictions.add(1)
    return .evicted
  }
}
