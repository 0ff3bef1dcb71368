import Dispatch
import Synchronization

/// Threads that get ready one by one, start together and are timed as one.
enum Team {
  struct Teamwork<Result: Sendable>: Sendable {
    /// From the common start until the last thread is done.
    let nanoseconds: UInt64
    /// What the process spent in that time on any processor.
    let processorNanoseconds: UInt64
    /// In the order of threads.
    let results: [Result]
  }

  /// Runs `prepare` and then, when every thread is ready, `work` on each of `threads` new threads.
  ///
  /// Every thread is gone when this returns: whoever closes what they used may do so.
  /// - Throws: the first error of a thread, after all have ended.
  static func run<Member, Result: Sendable>(
    threads count: Int,
    prepare: @escaping @Sendable (_ thread: Int) throws -> Member,
    work: @escaping @Sendable (_ thread: Int, _ member: Member) throws -> Result
  ) throws -> Teamwork<Result> {
    let ready = DispatchSemaphore(value: 0)
    let start = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    let outcomes = Outcomes<Result>()

    let threads = (0..<count).map { thread in
      JoinableThread {
        var isReady = false
        do {
          let member = try prepare(thread)
          ready.signal()
          isReady = true
          start.wait()
          let result = try work(thread, member)
          outcomes.add(.success((thread, MonotonicClock.nanoseconds, result)))
        } catch {
          outcomes.add(.failure(error))
          if !isReady { ready.signal() }
        }
        done.signal()
      }
    }
    for _ in 0..<count { ready.wait() }
    let processorBegin = ProcessorClock.nanoseconds
    let begin = MonotonicClock.nanoseconds
    for _ in 0..<count { start.signal() }
    for _ in 0..<count { done.wait() }
    let processorEnd = ProcessorClock.nanoseconds
    for thread in threads { thread.join() }

    let finished = try outcomes.all().sorted { $0.thread < $1.thread }
    let end = finished.map(\.end).max() ?? begin
    return Teamwork(
      nanoseconds: end - begin, processorNanoseconds: processorEnd - processorBegin,
      results: finished.map(\.result))
  }

  /// What the threads left behind.
  private final class Outcomes<Value: Sendable>: Sendable {
    typealias Finish = (thread: Int, end: UInt64, result: Value)
    private let list = Mutex<[Swift.Result<Finish, any Error>]>([])

    func add(_ outcome: Swift.Result<Finish, any Error>) {
      list.withLock { $0.append(outcome) }
    }

    func all() throws -> [Finish] {
      try list.withLock { $0 }.map { try $0.get() }
    }
  }
}
