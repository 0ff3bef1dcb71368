internal import RawBytes

/// Where values are copied for the length of a closure: one buffer for each level of nesting, so
/// that a read inside a closure never moves the bytes that the closure was lent.
// SAFETY: the buffers live as long as the object. False if a level is used after its stack.
@safe
final class ScratchStack {
  /// One level: a buffer behind a pointer, so that using it costs no exclusivity check.
  @safe
  struct Level {
    fileprivate let buffer: UnsafeMutablePointer<ByteBuffer>

    var bytes: ByteBuffer {
      unsafeAddress { unsafe UnsafePointer(buffer) }
      nonmutating unsafeMutableAddress { unsafe buffer }
    }
  }

  /// Which levels there are, and how many are lent; behind a pointer, for the same reason.
  private struct State {
    var levels: [Level] = []
    var depth = 0
  }

  private let state: UnsafeMutablePointer<State>

  init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State())
  }

  deinit {
    for level in unsafe state.pointee.levels {
      unsafe level.buffer.deinitialize(count: 1)
      unsafe level.buffer.deallocate()
    }
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  /// Takes the next level, empty. Give it back with `pop` when the closure has ended.
  func push() -> Level {
    if unsafe state.pointee.depth == state.pointee.levels.count { grow() }
    let level = unsafe state.pointee.levels[state.pointee.depth]
    unsafe state.pointee.depth += 1
    level.bytes.removeAll()
    return level
  }

  func pop() {
    precondition(unsafe state.pointee.depth > 0, "pop without push")
    unsafe state.pointee.depth -= 1
  }

  @inline(never)
  private func grow() {
    let buffer = UnsafeMutablePointer<ByteBuffer>.allocate(capacity: 1)
    unsafe buffer.initialize(to: ByteBuffer(capacity: 4096))
    unsafe state.pointee.levels.append(Level(buffer: buffer))
  }
}
