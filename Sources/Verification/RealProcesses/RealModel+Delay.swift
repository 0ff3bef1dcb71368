/// How long a relaxed commit may wait for the flush that nobody asked for (invariant RM5).
///
/// The log flushes what nobody waits for every five milliseconds. How long that takes is up to the
/// device and the scheduler; a log that forgot it, or a thread that sleeps on, is told by a bound that
/// no machine reaches. Wall time would be no measure: a process that was stopped, or that got no
/// processor, flushed nothing and is not to blame. But it acknowledged nothing either: so only pauses
/// between acknowledgements as short as those of a running process count.
extension RealModel {
  /// Four hundred times the interval of the background flush.
  package static let longestLoss: UInt64 = 2_000_000_000

  /// What a pause between two acknowledgements counts at most.
  package static let longestPause: UInt64 = 20_000_000

  func judgeDelay(since oldestLost: UInt64, _ verdict: inout Verdict) {
    let times = pending.joined().filter { $0.acknowledgedAt != nil }.map(\.acknowledgedTime)
      .filter { $0 >= oldestLost }.sorted()
    let running = zip(times, times.dropFirst()).reduce(0) { sum, pair in
      sum + min(pair.1 - pair.0, Self.longestPause)
    }
    guard running > Self.longestLoss else { return }
    verdict.violations.append(
      "relaxed commits were lost that had been acknowledged more than \(running / 1_000_000) ms "
        + "before, while the process ran")
  }
}
