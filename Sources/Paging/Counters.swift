internal import Synchronization

/// A number that any thread adds to.
struct Counter: ~Copyable {
  private let count = Atomic<Int>(0)

  func add(_ amount: Int) { count.wrappingAdd(amount, ordering: .relaxed) }
  func subtract(_ amount: Int) { count.wrappingSubtract(amount, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}

/// What the pager counts as it goes.
final class Counters: Sendable {
  let pageReads = Counter()
  let pageWrites = Counter()
  let readAheads = Counter()
  let evictions = Counter()
  let dirtyEvictions = Counter()
  let handOvers = Counter()
  let inlineHandOvers = Counter()
  let checkpoints = Counter()
  let failedCheckpoints = Counter()
  let truncations = Counter()
  let holePunches = Counter()
  /// Frames whose page has changed since it was written.
  let dirtyPages = Counter()
}
