package import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

// For whoever follows the log while it goes on: a feed of changes.
extension RedoLog {
  /// The durable end of the log.
  package var durableMark: LogMark { tail.withLock { $0.durableMark } }

  /// Bytes of segments that are kept for followers only.
  package var retainedByteCount: Int { tail.withLock { $0.keptByteCount } }

  /// Has a ticket woken once, when the durable end lies behind a position, or nothing becomes durable
  /// any more. False, and the ticket is not kept, when that is so already.
  package func wake(_ ticket: WaitTicket, whenDurableBeyond position: LogPosition) -> Bool {
    tail.withLock { tail in
      guard !tail.hasFailed, tail.landed.recordsEnd <= position else { return false }
      tail.followers.append((ticket, position))
      return true
    }
  }

  /// A ticket need not be woken any more. False when it was woken already.
  @discardableResult
  package func forget(_ ticket: WaitTicket) -> Bool {
    tail.withLock { tail in
      guard let index = tail.followers.firstIndex(where: { $0.ticket === ticket }) else {
        return false
      }
      tail.followers.remove(at: index)
      return true
    }
  }

  // MARK: Segments

  /// All segments that hold batches, in order, and the durable end. Until they are unpinned none is
  /// given back.
  func pinSegments() -> (segments: [LiveSegment], end: LogMark, liveCount: Int) {
    tail.withLock { tail in
      tail.readerCount += 1
      return (tail.kept + tail.live, tail.durableMark, tail.live.count)
    }
  }

  func unpinSegments() {
    let isOwed = tail.withLock { tail in
      tail.readerCount -= 1
      return tail.readerCount == 0 && !tail.retired.isEmpty
    }
    guard isOwed else { return }
    do {
      try disposeOfRetired()
    } catch {
      report(.warning, "an old log segment could not be disposed of: \(error)")
    }
  }
}
