internal import RawBytes

/// Where values are copied for the length of a closure: one buffer for each level of nesting, so
/// that a read inside a closure never moves the bytes that the closure was lent.
struct ScratchStack {
  /// One level.
  final class Level {
    var bytes = ByteBuffer(capacity: 4096)
  }

  private var levels: [Level] = [Level()]
  private var depth = 0

  /// Takes the next level, empty. Give it back with `pop` when the closure has ended.
  mutating func push() -> Level {
    if depth == levels.count { levels.append(Level()) }
    defer { depth += 1 }
    let level = levels[depth]
    level.bytes.removeAll()
    return level
  }

  mutating func pop() {
    precondition(depth > 0, "pop without push")
    depth -= 1
  }
}
