internal import Primitives

/// Where in the node's log the entries of one group lie, coarsely: enough to say from which position
/// on the log is still needed when everything up to a slot may go.
///
/// - Invariant LM1: every record with a slot above s lies at or behind `start(above: s)`.
struct LogMarks {
  private struct Mark {
    let start: LogPosition
    var highest: Slot
  }

  private var marks: [Mark] = []

  /// Records closer together share a mark.
  static let interval: UInt64 = 64 << 10

  /// A record at a position, behind all others, holds slots up to `highest`.
  mutating func add(_ start: LogPosition, highest: Slot) {
    if let last = marks.indices.last, start.rawValue - marks[last].start.rawValue < Self.interval {
      marks[last].highest = max(marks[last].highest, highest)
    } else {
      marks.append(Mark(start: start, highest: highest))
    }
  }

  /// Everything up to a slot may go.
  mutating func drop(through slot: Slot) {
    marks.removeFirst(marks.firstIndex { $0.highest > slot } ?? marks.count)
  }

  /// Where the group's needed records begin; nil when there are none.
  var start: LogPosition? { marks.first?.start }
}
