/// How big the next segment is: twice the one before, up to a largest, so that a small database
/// has a small log and a busy one changes segments rarely.
package struct SegmentSchedule: Sendable, Equatable {
  package let first: Int
  package let largest: Int

  package init(first: Int, largest: Int) {
    self.first = first
    self.largest = largest
  }

  /// The size of a segment in bytes: by the rule, or more where one batch needs more.
  package func byteCount(after previous: Int?, atLeast need: Int) -> Int {
    var size = first
    if let previous { size = Swift.min(largest, Swift.max(first, 2 * previous)) }
    let unit = Swift.min(first, 1 << 20)
    return size >= need ? size : (need + unit - 1) / unit * unit
  }
}
