/// What one thread did, and what it took, on its own clocks.
struct ThreadWork: Sendable {
  let operations: Int
  let nanoseconds: UInt64
  let processorNanoseconds: UInt64

  /// Times `body` on the calling thread; it returns the number of its operations.
  static func timed(_ body: () throws -> Int) rethrows -> ThreadWork {
    let processorBegin = ThreadClock.nanoseconds
    let begin = MonotonicClock.nanoseconds
    let operations = try body()
    return ThreadWork(
      operations: operations, nanoseconds: MonotonicClock.nanoseconds - begin,
      processorNanoseconds: ThreadClock.nanoseconds - processorBegin)
  }
}
