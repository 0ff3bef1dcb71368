internal import RawBytes
internal import Synchronization

/// What the runs of a campaign come to, summed up.
protocol RunTally: Sendable {
  associatedtype Outcome: Sendable

  init()

  var failureCount: Int { get }

  mutating func add(_ outcome: Outcome)
}

/// Runs by their seeds, side by side on all processors: run n has the first seed plus n.
///
/// The threads of a simulated world take turns, on one processor, and that processor is idle while one
/// hands over to the next. So twice as many runs as there are processors are twice as fast as one for each.
///
/// - Invariant SR1: memory is bounded by what the runs under way need, and by what the tally keeps.
struct SeededRuns: Sendable {
  let firstSeed: UInt64
  let count: Int
  /// Runs at the same time.
  let width: Int
  /// No further run begins after so many failed.
  let failureLimit: Int

  /// What is shared by the workers.
  private struct Board<Tally: RunTally> {
    var next = 0
    var tally = Tally()
  }

  /// Performs them. `beginning` hears of each run before it begins, on its worker's thread: for a
  /// crash handler that is to name it. `progress` is called after each run, by one worker at a time.
  func perform<Tally: RunTally>(
    beginning: @Sendable (_ worker: Int, _ seed: UInt64) -> Void,
    progress: @Sendable (Tally) -> Void, _ run: @Sendable (_ seed: UInt64) -> Tally.Outcome
  ) -> Tally {
    MemoryAllocator.keepLargeBlocks()
    let board = Mutex(Board<Tally>())
    sideBySide { worker in
      while true {
        let number = board.withLock { board -> Int? in
          guard board.next < count, board.tally.failureCount < failureLimit else { return nil }
          board.next += 1
          return board.next - 1
        }
        guard let number else { return }
        let seed = firstSeed &+ UInt64(number)
        beginning(worker, seed)
        let outcome = run(seed)
        board.withLock {
          $0.tally.add(outcome)
          progress($0.tally)
        }
      }
    }
    return board.withLock { $0.tally }
  }

  /// Calls `work` on as many threads as there are runs at the same time. Dispatch would start no more
  /// than there are processors.
  private func sideBySide(_ work: @Sendable (_ worker: Int) -> Void) {
    withoutActuallyEscaping(work) { work in
      let threads = (0..<width).map { worker in
        NativeThread(name: "runs \(worker)") { work(worker) }
      }
      for thread in threads { thread.join() }
    }
  }
}
