/// What a crash run does to a database, step by step: the same seed gives the same script.
package struct CrashScript: Sendable {
  /// A value by its recipe, so that a model need not hold its bytes.
  package struct Value: Sendable, Hashable {
    package let seed: UInt32
    package let byteCount: Int

    package var bytes: [UInt8] {
      var generator = ScriptGenerator(seed: UInt64(seed) &+ 1)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(byteCount + 8)
      while bytes.count < byteCount {
        // Half of it repeats, so that compression has something to do.
        let word = generator.next()
        for shift in stride(from: 0, to: 64, by: 8) {
          bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
        bytes.append(contentsOf: repeatElement(UInt8(truncatingIfNeeded: word), count: 8))
      }
      return Array(bytes.prefix(byteCount))
    }
  }

  /// One key's change; nil removes it.
  package struct Write: Sendable {
    package let keyspace: String
    package let key: [UInt8]
    package let value: Value?
  }

  /// One step of the script.
  package enum Step: Sendable {
    case commit([Write], isRelaxed: Bool)
    case createKeyspace(String)
    case dropKeyspace(String)
    /// Builds a keyspace of writes that set: in ascending order of their keys, or in any.
    case build(String, [Write], isAscending: Bool)
    case checkpoint
    /// Reads everything and compares with the model.
    case check
  }

  package let seed: UInt64
  package let steps: [Step]
}

/// A small generator of its own (SplitMix64), so that scripts do not change with the library's.
package struct ScriptGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

extension CrashScript {
  /// A life in full: a tree of three levels that grows, is rewritten and shrinks again; values too
  /// large for a leaf, set and replaced; a keyspace made and dropped; relaxed commits among full
  /// ones; checkpoints by command beside those that the background takes.
  package static func life(seed: UInt64, keyCount: Int = 1600) -> CrashScript {
    var generator = ScriptGenerator(seed: seed)
    var steps: [Step] = [.createKeyspace("main"), .createKeyspace("passing")]
    func key(_ number: Int) -> [UInt8] { Array("key/\(number * 7919 % 100_003)/\(number)".utf8) }
    func value(_ generator: inout ScriptGenerator, _ bound: Int) -> Value {
      Value(
        seed: UInt32(truncatingIfNeeded: generator.next()), byteCount: generator.below(bound) + 1)
    }
    // Growth, in batches.
    for start in stride(from: 0, to: keyCount, by: 12) {
      let writes = (start..<min(start + 12, keyCount)).map {
        Write(keyspace: "main", key: key($0), value: value(&generator, 900))
      }
      steps.append(.commit(writes, isRelaxed: generator.below(4) == 0))
      if start % 480 == 0 {
        let large = Write(
          keyspace: "main", key: Array("large".utf8), value: value(&generator, 20_000))
        steps.append(.commit([large], isRelaxed: false))
      }
      if start % 240 == 0 {
        let passing = (0..<10).map {
          Write(keyspace: "passing", key: key(start + $0), value: value(&generator, 900))
        }
        steps.append(.commit(passing, isRelaxed: true))
      }
    }
    // A few megabytes that go again with their keyspace, so that the file's tail becomes free.
    for number in 0..<4 {
      let bulk = Write(
        keyspace: "passing", key: Array("bulk/\(number)".utf8),
        value: Value(seed: UInt32(number), byteCount: 800_000))
      steps.append(.commit([bulk], isRelaxed: number == 2))
    }
    steps.append(.checkpoint)
    // Change, all over the tree, while the background checkpoints.
    for _ in 0..<keyCount / 12 {
      let writes = (0..<6).map { _ in
        Write(keyspace: "main", key: key(generator.below(keyCount)), value: value(&generator, 600))
      }
      steps.append(.commit(unique(writes), isRelaxed: generator.below(3) == 0))
    }
    steps.append(.dropKeyspace("passing"))
    steps.append(.check)
    // Shrinking, until nodes merge and the file's tail is free.
    for start in stride(from: 0, to: keyCount, by: 25) {
      let writes = (start..<min(start + 25, keyCount)).filter { $0 % 16 != 0 }.map {
        Write(keyspace: "main", key: key($0), value: nil)
      }
      steps.append(.commit(writes, isRelaxed: generator.below(3) == 0))
    }
    steps.append(.checkpoint)
    steps.append(.createKeyspace("passing"))
    let last = Write(keyspace: "passing", key: Array("last".utf8), value: value(&generator, 90))
    steps.append(.commit([last], isRelaxed: false))
    steps.append(.checkpoint)
    steps.append(.check)
    return CrashScript(seed: seed, steps: steps)
  }

  /// A short life, for runs that are repeated for every call of the file system.
  package static func short(seed: UInt64) -> CrashScript {
    var generator = ScriptGenerator(seed: seed)
    var steps: [Step] = [.createKeyspace("main")]
    for round in 0..<10 {
      let writes = (0..<10).map { _ in
        Write(
          keyspace: "main", key: Array("key/\(generator.below(60))".utf8),
          value: generator.below(5) == 0
            ? nil
            : Value(
              seed: UInt32(truncatingIfNeeded: generator.next()),
              byteCount: generator.below(round % 4 == 3 ? 6_000 : 800) + 1))
      }
      steps.append(.commit(unique(writes), isRelaxed: round % 3 == 1))
      if round % 4 == 2 { steps += [.checkpoint, .check] }
    }
    steps.append(.dropKeyspace("main"))
    steps.append(.createKeyspace("main"))
    steps += [.checkpoint, .check]
    return CrashScript(seed: seed, steps: steps)
  }

  /// The last write of each key.
  private static func unique(_ writes: [Write]) -> [Write] {
    var seen: Set<[UInt8]> = []
    return writes.reversed().filter { seen.insert($0.key).inserted }
  }
}
