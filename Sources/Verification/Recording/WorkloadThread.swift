internal import Martlet
internal import Simulation

/// Draws the transactions of one thread.
///
/// Values are numbered so that no two threads write the same. Keys come in generations: a key is
/// used for about `writesPerKey` writes of a run and then never again, which every thread can tell
/// from how far it has come itself.
struct WorkloadThread {
  /// A step, before it is known what it answers.
  enum Step: Sendable, Equatable {
    case append(key: Int, value: Int)
    case write(key: Int, value: Int)
    case read(key: Int)
    case scan(Range<Int>)
    /// Moves money: reads both, and writes both when there is enough.
    case transfer(from: Int, to: Int, amount: Int)
  }

  let workload: HistoryWorkload
  private let thread: Int
  private let threadCount: Int
  private let chooser: KeyChooser
  private var generator: SeededGenerator
  private var count = 0
  private var valueCount = 0

  init(_ workload: HistoryWorkload, thread: Int, threadCount: Int) {
    self.workload = workload
    self.thread = thread
    self.threadCount = threadCount
    chooser = KeyChooser(count: workload.keyCount, workload.distribution)
    generator = SeededGenerator(
      seed: workload.seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(thread))
  }

  /// The next transaction.
  mutating func next() -> (steps: [Step], choice: HistoryWorkload.Choice) {
    defer { count += 1 }
    let choice = workload.choices[generator.below(workload.choices.count)]
    return (steps(), choice)
  }

  private mutating func steps() -> [Step] {
    switch workload.kind {
    case .listAppend, .register:
      return (0..<1 + generator.below(workload.operationLimit)).flatMap { _ in free() }
    case .bank: return bank()
    case .longFork: return longFork()
    }
  }

  private mutating func value() -> Int {
    valueCount += 1
    return valueCount * threadCount + thread
  }

  // MARK: Lists and registers

  /// Transactions of this thread after which the keys are replaced: half of the operations write.
  private var transactionsPerGeneration: Int {
    let writes = workload.writesPerKey * workload.keyCount
    return max(1, 4 * writes / ((workload.operationLimit + 1) * threadCount))
  }

  private mutating func free() -> [Step] {
    let first = count / transactionsPerGeneration * workload.keyCount
    let key = first + chooser.next(&generator)
    if generator.below(1_000_000) < Int(workload.scanFraction * 1_000_000) {
      let width = min(workload.keyCount, 1 + generator.below(8))
      let lower = first + generator.below(workload.keyCount - width + 1)
      return [.scan(lower..<lower + width)]
    }
    guard generator.below(2) == 0 else { return [.read(key: key)] }
    guard workload.kind == .register else { return [.append(key: key, value: value())] }
    // Blind writes are not ordered among each other: a few only.
    let write = Step.write(key: key, value: value())
    return generator.below(8) == 0 ? [write] : [.read(key: key), write]
  }

  // MARK: Bank

  private mutating func bank() -> [Step] {
    let accounts = 0..<workload.keyCount
    if generator.below(3) == 0 {
      let scans = generator.below(1_000_000) < Int(workload.scanFraction * 1_000_000)
      return scans ? [.scan(accounts)] : accounts.map { .read(key: $0) }
    }
    let from = chooser.next(&generator)
    let to = chooser.next(&generator)
    return from == to
      ? [.read(key: from)] : [.transfer(from: from, to: to, amount: 1 + generator.below(10))]
  }

  // MARK: Long fork

  /// Each thread writes keys of its own, in groups of two that it shares with its neighbour, and
  /// reads the group that is being written.
  private mutating func longFork() -> [Step] {
    let pairCount = max(1, threadCount / 2)
    let group = count / 4 * pairCount + generator.below(pairCount)
    let keys = [2 * group, 2 * group + 1]
    // Of four transactions of a thread one writes its key of its pair; a lonely thread writes both.
    if count % 4 == 1, thread / 2 < pairCount {
      let own = count / 4 * pairCount + thread / 2
      let key = 2 * own + thread % 2
      return threadCount == 1
        ? [.write(key: key, value: value()), .write(key: key + 1, value: value())]
        : [.write(key: key, value: value())]
    }
    return generator.below(2) == 0
      ? keys.map { .read(key: $0) } : keys.reversed().map { .read(key: $0) }
  }
}
