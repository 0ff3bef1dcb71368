internal import Primitives

/// Frames under way to one machine, in the order of their arrival.
struct FrameInbox {
  struct Frame {
    let arrival: UInt64
    let number: Int
    let from: NodeID
    let to: NodeID
    let bytes: [UInt8]
  }

  /// No queue of a network holds more.
  private static let limit = 10_000

  /// Who delivers them, while somebody listens.
  var reader: SimulatedThread?
  /// Descending, so that the next one is the last.
  private var frames: [Frame] = []

  var firstArrival: UInt64? { frames.last?.arrival }

  /// Puts a frame in its place; false when there is no room for it.
  mutating func insert(_ frame: Frame) -> Bool {
    guard frames.count < Self.limit else { return false }
    let key = (frame.arrival, frame.number)
    var (low, high) = (0, frames.count)
    while low < high {
      let middle = (low + high) / 2
      if (frames[middle].arrival, frames[middle].number) > key {
        low = middle + 1
      } else {
        high = middle
      }
    }
    frames.insert(frame, at: low)
    return true
  }

  mutating func takeFirst(arrivedBy now: UInt64) -> Frame? {
    guard let last = frames.last, last.arrival <= now else { return nil }
    return frames.removeLast()
  }
}
