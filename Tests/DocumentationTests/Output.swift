import Synchronization

/// What a sample printed, from whichever task.
final class Output<Line: Sendable>: Sendable {
  private let list = Mutex<[Line]>([])

  var lines: [Line] { list.withLock { $0 } }
  var isEmpty: Bool { lines.isEmpty }

  func append(_ line: Line) { list.withLock { $0.append(line) } }
}
