/// Lives so short that every state of the disk can be looked at.
extension CrashScript {
  /// Opens and closes, and does nothing.
  package static var nothing: CrashScript { CrashScript(seed: 0, steps: []) }

  /// A keyspace and a few commits, full and relaxed, small and large.
  package static var commits: CrashScript {
    CrashScript(
      seed: 1,
      steps: [
        .createKeyspace("main"), .commit([write(1, 40), write(2, 700)], isRelaxed: false),
        .commit([write(3, 90)], isRelaxed: true), .commit([write(1, 50)], isRelaxed: true),
        .commit([write(4, 9_000), remove(2)], isRelaxed: false), .check,
      ])
  }

  /// Commits, a checkpoint, commits over what it holds, and another.
  package static var checkpoints: CrashScript {
    CrashScript(
      seed: 2,
      steps: [
        .createKeyspace("main"), .commit((0..<12).map { write($0, 600) }, isRelaxed: false),
        .checkpoint, .commit((0..<6).map { write($0, 300) }, isRelaxed: false),
        .commit((6..<12).map(remove), isRelaxed: true), .checkpoint,
        .commit([write(20, 100)], isRelaxed: false), .check,
      ])
  }

  /// So much log that it changes segments, with a checkpoint that lets one be used again.
  package static var rotation: CrashScript {
    let bulk = (0..<5).map { round in
      Step.commit([write(round, 15_000), write(round + 50, 40)], isRelaxed: false)
    }
    let more = (0..<5).map { round in
      Step.commit([write(round + 9, 15_000)], isRelaxed: false)
    }
    return CrashScript(
      seed: 3, steps: [.createKeyspace("main")] + bulk + [.checkpoint] + more + [.checkpoint])
  }

  /// A checkpoint, and right behind it a batch that is the first of a new segment: where recovery
  /// begins is where the segment begins.
  package static var newSegment: CrashScript {
    CrashScript(
      seed: 6,
      steps: [
        .createKeyspace("main"), .commit([write(1, 100)], isRelaxed: false), .checkpoint,
        .commit((0..<60).map { write($0, 900) }, isRelaxed: false),
        .commit([write(2, 100)], isRelaxed: false), .check,
      ])
  }

  /// Keyspaces come and go, with and without a checkpoint in between.
  package static var dropping: CrashScript {
    let other = (0..<8).map { Write(keyspace: "other", key: key($0), value: value($0, 900)) }
    return CrashScript(
      seed: 4,
      steps: [
        .createKeyspace("main"), .createKeyspace("other"),
        .commit([write(1, 100)] + other, isRelaxed: false), .dropKeyspace("other"), .checkpoint,
        .createKeyspace("other"), .commit(Array(other.prefix(3)), isRelaxed: false), .checkpoint,
        .dropKeyspace("other"), .commit([write(2, 100)], isRelaxed: false), .checkpoint, .check,
      ])
  }

  /// A transaction several times as large as the cache: its pages are written as they come, with
  /// no sync in between.
  package static func pressure(valueByteCount: Int) -> CrashScript {
    let large = (0..<6).map { write($0, valueByteCount) }
    return CrashScript(
      seed: 5,
      steps: [
        .createKeyspace("main"), .commit([write(1, 900), write(9, 900)], isRelaxed: false),
        .checkpoint, .commit(large, isRelaxed: false), .commit([remove(9)], isRelaxed: false),
        .checkpoint, .check,
      ])
  }

  /// Keyspaces are built beside commits: one with a large value, one that is written to and dropped
  /// afterwards, one again under the same name.
  package static var building: CrashScript {
    CrashScript(
      seed: 7,
      steps: [
        .createKeyspace("main"), .commit([write(1, 100)], isRelaxed: true),
        .build(
          "built", records("built", 0..<30, 300) + records("built", 90..<91, 9_000),
          isAscending: true),
        .commit([write(2, 100)] + records("built", 5..<7, 50), isRelaxed: false),
        .build("empty", [], isAscending: true), .dropKeyspace("built"),
        .commit([write(3, 100)], isRelaxed: true), .checkpoint,
        .build("built", records("built", 0..<12, 700), isAscending: true),
        .commit(records("built", 11..<14, 50), isRelaxed: false), .check,
      ])
  }

  /// A keyspace is built of records in no order, some of them twice: more than fit in the memory
  /// for sorting.
  package static var sorting: CrashScript {
    var generator = ScriptGenerator(seed: 8)
    var writes = records("sorted", 0..<420, 800) + records("sorted", 100..<140, 90)
    writes += [writes[3], writes[77]]
    writes.shuffle(using: &generator)
    writes += records("sorted", 7..<9, 9_000) + records("sorted", 8..<10, 20)
    return CrashScript(
      seed: 8,
      steps: [
        .createKeyspace("main"), .commit([write(1, 100)], isRelaxed: false),
        .build("sorted", writes, isAscending: false),
        .commit([write(2, 100)] + records("sorted", 5..<7, 50), isRelaxed: false), .check,
      ])
  }

  private static func records(
    _ keyspace: String, _ numbers: Range<Int>, _ byteCount: Int
  ) -> [Write] {
    numbers.map {
      Write(keyspace: keyspace, key: key(1_000 + $0), value: value($0, byteCount))
    }
  }

  private static func key(_ number: Int) -> [UInt8] { Array("key/\(number)".utf8) }

  private static func value(_ number: Int, _ byteCount: Int) -> Value {
    Value(seed: UInt32(truncatingIfNeeded: number &* 7919 &+ byteCount), byteCount: byteCount)
  }

  private static func write(_ number: Int, _ byteCount: Int) -> Write {
    Write(keyspace: "main", key: key(number), value: value(number, byteCount))
  }

  private static func remove(_ number: Int) -> Write {
    Write(keyspace: "main", key: key(number), value: nil)
  }
}
