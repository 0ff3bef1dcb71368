internal import RawBytes

/// What the threads of a torture of real processes do, step by step: a step follows from the seed,
/// the life of the process, the thread and the step's number, so that parent and child know it
/// without telling each other.
///
/// A thread's own keys are written by nobody else, so what is in the database follows from how many
/// steps of each thread are in it. Counters are shared and summed up; registers are shared and
/// belong to whoever committed last.
///
/// - Invariant RW1: each transaction writes its own number under the thread's progress key, so that
///   a recovered database says how many steps of a thread it holds.
/// - Invariant RW2: the same number has other values in another life: what a crash lost and a later
///   life did again is told apart.
package struct RealWorkload: Sendable, Equatable {
  /// What the transactions look like.
  package enum Style: String, Sendable, CaseIterable {
    /// Everything, over a bounded set of keys.
    case mixed
    /// New keys without end, until the disk is full.
    case filling
  }

  package let seed: UInt64
  package let threadCount: Int
  package let grade: RealGrade
  package let style: Style
  /// Which configuration the database has.
  package let variant: Int

  package init(
    seed: UInt64, threadCount: Int, grade: RealGrade, style: Style = .mixed, variant: Int = 0
  ) {
    self.variant = variant
    self.seed = seed
    self.threadCount = threadCount
    self.grade = grade
    self.style = style
  }

  /// The keyspaces that are always there.
  package static let keyspaces = ["alpha", "beta", "gamma"]
  package static let counterCount = 4
  package static let pairCount = 5
  static let progressKeyspace = "gamma"
  static let registerKeyspace = "gamma"
  static let counterKeyspace = "alpha"
  static let totalKeyspace = "beta"
  static let totalKey = Array("total".utf8)

  static func progressKey(_ thread: Int) -> [UInt8] { Array("progress/\(thread)".utf8) }
  static func counterKey(_ counter: Int) -> [UInt8] { Array("counter/\(counter)".utf8) }
  static func pairKey(_ thread: Int, _ pair: Int) -> [UInt8] {
    Array("pair/\(thread)/\(pair)".utf8)
  }
  static func registerKey(_ register: Int) -> [UInt8] { Array("register/\(register)".utf8) }

  /// A step of a thread; numbers count from one.
  package func step(thread: Int, number: UInt64, life: UInt64) -> RealStep {
    var generator = ScriptGenerator(
      seed: Hash64.fold(seed ^ (life &* 0x9E37_79B9), number ^ UInt64(thread) << 56 ^ 0xC0FFEE))
    if style == .filling { return .commit(filling(thread, number, life, &generator)) }
    let passing = "passing/\(thread)/\(number / 64)"
    switch number % 64 {
    case 20: return .create(passing)
    case 40: return .drop(passing)
    case 21..<40: return .commit(mixed(thread, number, life, passing: passing, &generator))
    default: return .commit(mixed(thread, number, life, passing: nil, &generator))
    }
  }

  private func progress(_ thread: Int, _ number: UInt64, _ life: UInt64) -> RealTransaction.Write {
    RealTransaction.Write(
      keyspace: Self.progressKeyspace, key: Self.progressKey(thread),
      value: .numbers([number, life]))
  }

  private func mixed(
    _ thread: Int, _ number: UInt64, _ life: UInt64, passing: String?,
    _ generator: inout ScriptGenerator
  ) -> RealTransaction {
    var transaction = RealTransaction(writes: [progress(thread, number, life)])
    func value(_ range: Range<Int>) -> RealValue {
      .pattern(
        seed: generator.next(), byteCount: range.lowerBound + generator.below(range.count))
    }
    for _ in 0...generator.below(4) {
      let key = Array("own/\(thread)/\(generator.below(120))".utf8)
      transaction.writes.append(
        .init(
          keyspace: Self.keyspaces[generator.below(3)], key: key,
          value: generator.below(5) == 0 ? nil : value(1..<700)))
    }
    if number % 11 == 3 {
      let range = generator.below(8) == 0 ? 100_000..<180_000 : 5_000..<40_000
      transaction.writes.append(
        .init(
          keyspace: Self.keyspaces[generator.below(3)],
          key: Array("large/\(thread)/\(generator.below(4))".utf8),
          value: generator.below(6) == 0 ? nil : value(range)))
    }
    if number % 4 == 1 {
      // The same under one key of each keyspace: whoever sees one sees all.
      let agreed = value(24..<60)
      let key = Self.pairKey(thread, generator.below(Self.pairCount))
      transaction.writes += Self.keyspaces.map { .init(keyspace: $0, key: key, value: agreed) }
    }
    if let passing {
      transaction.writes.append(
        .init(
          keyspace: passing, key: Array("passing/\(generator.below(10))".utf8),
          value: value(generator.below(6) == 0 ? 4_000..<30_000 : 1..<500)))
    }
    if number % 3 == 0 {
      for _ in 0...generator.below(2) {
        transaction.increments.append(
          .init(counter: generator.below(Self.counterCount), amount: generator.below(9) - 3))
      }
    }
    if number % 5 == 0 {
      transaction.registers = [
        .init(
          keyspace: Self.registerKeyspace, key: Self.registerKey(generator.below(6)),
          value: value(16..<200))
      ]
    }
    switch grade {
    case .full: break
    case .relaxed: transaction.isRelaxed = true
    case .mixed: transaction.isRelaxed = generator.below(4) > 0
    }
    transaction.isFollowedByCheckpoint = thread == 0 && number % 150 == 77
    return transaction
  }

  private func filling(
    _ thread: Int, _ number: UInt64, _ life: UInt64, _ generator: inout ScriptGenerator
  ) -> RealTransaction {
    let fill = RealTransaction.Write(
      keyspace: Self.keyspaces[generator.below(3)], key: Array("fill/\(thread)/\(number)".utf8),
      value: .pattern(seed: generator.next(), byteCount: 1_000 + generator.below(40_000)))
    var transaction = RealTransaction(writes: [progress(thread, number, life), fill])
    transaction.isRelaxed = grade == .relaxed
    return transaction
  }
}

/// How durable the commits of a torture are.
package enum RealGrade: String, Sendable, CaseIterable {
  /// All survive.
  case full
  /// A prefix survives.
  case relaxed
  /// Relaxed commits among full ones: what came before an acknowledged full one survives.
  case mixed
}

/// One step of a thread.
package enum RealStep: Sendable, Equatable {
  case create(String)
  case drop(String)
  case commit(RealTransaction)
}

/// What one transaction does.
package struct RealTransaction: Sendable, Equatable {
  package struct Write: Sendable, Equatable {
    package let keyspace: String
    package let key: [UInt8]
    /// Nil removes the key.
    package let value: RealValue?

    package init(keyspace: String, key: [UInt8], value: RealValue?) {
      self.keyspace = keyspace
      self.key = key
      self.value = value
    }
  }

  package struct Increment: Sendable, Equatable {
    package let counter: Int
    package let amount: Int

    package init(counter: Int, amount: Int) {
      self.counter = counter
      self.amount = amount
    }
  }

  /// Keys of the thread's own; the last write of a key counts.
  package var writes: [Write]
  /// Keys that other threads write as well.
  package var registers: [Write] = []
  package var increments: [Increment] = []
  package var isRelaxed = false
  package var isFollowedByCheckpoint = false

  package init(writes: [Write]) { self.writes = writes }
}

/// A value by its recipe.
package enum RealValue: Sendable, Hashable {
  case numbers([UInt64])
  case pattern(seed: UInt64, byteCount: Int)

  package var bytes: [UInt8] {
    switch self {
    case .numbers(let numbers):
      return numbers.flatMap { number in
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
      }
    case .pattern(let seed, let byteCount): return Self.pattern(seed, byteCount)
    }
  }

  /// Every second word repeats the one before, so that compression has something to do.
  // SAFETY: every store lies in the buffer, whose capacity is rounded up to whole words.
  private static func pattern(_ seed: UInt64, _ byteCount: Int) -> [UInt8] {
    let wordCount = (byteCount + 7) / 8
    return unsafe [UInt8](unsafeUninitializedCapacity: wordCount * 8) { buffer, count in
      var generator = ScriptGenerator(seed: seed)
      var word: UInt64 = 0
      for index in 0..<wordCount {
        if index % 2 == 0 { word = generator.next() }
        unsafe UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: word.littleEndian, toByteOffset: index * 8, as: UInt64.self)
      }
      count = byteCount
    }
  }
}
