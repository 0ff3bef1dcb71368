import Testing
import Verification

/// A model that cannot object proves nothing: each promise is broken once, in a forged life.
@Suite struct TortureRealModelTests {
  /// Two threads whose steps, and what is found of them, can be forged.
  private struct Forger {
    let workload: RealWorkload
    var model: RealModel
    var dump = RealDump()
    var positions: [UInt64] = [0, 0]
    var clock: UInt64 = 1000
    var life: UInt64 = 1

    init(_ grade: RealGrade = .full) {
      workload = RealWorkload(seed: 7, threadCount: 2, grade: grade)
      model = RealModel(workload: workload)
      for name in RealWorkload.keyspaces { dump.keyspaces[name] = [:] }
    }

    mutating func attempt(_ thread: Int) {
      positions[thread] += 1
      model.note(RealRecord(.attempt, thread: thread, number: positions[thread]), life: life)
    }

    /// Only relaxed commits of a relaxed workload are not durable.
    mutating func acknowledge(_ thread: Int, timestamp: UInt64? = nil) {
      clock += 1
      model.note(
        RealRecord(
          .acknowledged, thread: thread, isDurable: workload.grade == .full,
          number: positions[thread], timestamp: timestamp ?? clock, figure: clock * 1_000_000),
        life: life)
    }

    /// The last step of the thread gets into the database.
    mutating func apply(_ thread: Int) {
      switch workload.step(thread: thread, number: positions[thread], life: life) {
      case .create(let name): dump.keyspaces[name] = [:]
      case .drop(let name): dump.keyspaces[name] = nil
      case .commit(let transaction):
        for write in transaction.writes + transaction.registers {
          dump.keyspaces[write.keyspace]?[write.key] = write.value.map { RealDump.Value($0) }
        }
        for increment in transaction.increments {
          add(increment.amount, to: "counter/\(increment.counter)", in: "alpha")
          add(increment.amount, to: "total", in: "beta")
        }
      }
    }

    mutating func add(_ amount: Int, to key: String, in keyspace: String) {
      let key = Array(key.utf8)
      var number: UInt64 = 0
      for byte in dump.keyspaces[keyspace]?[key]?.head.reversed() ?? [] {
        number = number << 8 | UInt64(byte)
      }
      number &+= UInt64(bitPattern: Int64(amount))
      dump.keyspaces[keyspace]?[key] = RealDump.Value(.numbers([number]))
    }

    mutating func commit(_ thread: Int, count: Int = 1) {
      for _ in 0..<count {
        attempt(thread)
        apply(thread)
        acknowledge(thread)
      }
    }

    /// Commits that a crash takes away.
    mutating func lose(_ thread: Int, count: Int = 1) {
      for _ in 0..<count {
        attempt(thread)
        acknowledge(thread)
      }
    }

    mutating func judge() -> RealModel.Verdict {
      defer {
        positions = model.positions
        life += 1
      }
      return model.judge(dump)
    }
  }

  /// Is what is wrong, and nothing else is.
  private func expect(
    _ verdict: RealModel.Verdict, _ words: String..., location: SourceLocation = #_sourceLocation
  ) {
    #expect(
      verdict.violations.count == words.count, "\(verdict.violations)", sourceLocation: location)
    for word in words {
      #expect(
        verdict.violations.contains { $0.contains(word) }, "\(verdict.violations)",
        sourceLocation: location)
    }
  }

  @Test func `an honest history passes, life after life`() {
    var forger = Forger()
    expect(forger.judge())
    // Both threads make and drop keyspaces on the way.
    for _ in 0..<5 {
      for thread in [0, 1] { forger.commit(thread, count: 25) }
      forger.attempt(0)
      forger.attempt(1)
      forger.apply(1)
      let verdict = forger.judge()
      expect(verdict)
      #expect(verdict.acknowledged == 50 && verdict.lost == 0)
    }
    #expect(forger.model.positions.reduce(0, +) > 250)
  }

  @Test func `a lost acknowledged commit is found`() {
    var forger = Forger()
    forger.commit(0, count: 3)
    forger.lose(1)
    expect(forger.judge(), "step 1 of thread 1 was acknowledged durably, and is lost")
  }

  @Test func `a commit that an earlier opening showed and a later one lost is found`() {
    var forger = Forger()
    forger.commit(0, count: 3)
    let before = forger.dump
    forger.attempt(0)
    forger.apply(0)
    expect(forger.judge())
    forger.dump = before
    #expect(
      forger.judge().violations.contains(
        "thread 0 is back at step 3, an earlier opening found 4"))
  }

  @Test func `relaxed commits may be lost from the end, and are counted`() {
    var forger = Forger(.relaxed)
    forger.commit(0, count: 3)
    forger.commit(1, count: 2)
    forger.lose(0, count: 2)
    forger.lose(1, count: 3)
    let verdict = forger.judge()
    expect(verdict)
    #expect(verdict.lost == 5)
    #expect(verdict.lostNanoseconds == 4_000_000)
    // What was lost is done again, and looks different.
    forger.commit(0, count: 2)
    expect(forger.judge())
  }

  @Test func `a relaxed commit that waited too long for its flush is found`() {
    let pause = RealModel.longestPause / 1_000_000
    let pauses = Int(RealModel.longestLoss / RealModel.longestPause)
    for (count, isFound) in [(pauses + 1, false), (pauses + 2, true)] {
      var forger = Forger(.relaxed)
      forger.commit(0, count: 3)
      for _ in 0..<count {
        forger.clock += pause - 1
        forger.lose(0)
      }
      let verdict = forger.judge()
      #expect(verdict.lost == count)
      if isFound { expect(verdict, "before, while the process ran") } else { expect(verdict) }
    }
  }

  @Test func `a stopped process may be stopped before its flush`() {
    var forger = Forger(.relaxed)
    forger.commit(0, count: 3)
    forger.lose(0)
    forger.clock += 60_000
    forger.lose(0, count: 5)
    let verdict = forger.judge()
    expect(verdict)
    #expect(verdict.lostNanoseconds == 60_005_000_000)
  }

  @Test func `a hole between threads is found by the timestamps`() {
    var forger = Forger(.relaxed)
    forger.commit(0, count: 2)
    forger.attempt(0)
    forger.attempt(1)
    forger.apply(1)
    forger.acknowledge(0)
    forger.acknowledge(1)
    expect(forger.judge(), "a hole: step 3 of thread 0, at 1003, is lost")
  }

  @Test func `a hole is found when what survived was never acknowledged`() {
    var forger = Forger(.relaxed)
    forger.lose(0)
    forger.attempt(1)
    forger.apply(1)
    expect(forger.judge(), "one that began after its acknowledgement is there")
  }

  @Test func `a durable commit keeps the relaxed ones before it`() {
    var forger = Forger(.mixed)
    forger.lose(0)
    forger.attempt(1)
    forger.apply(1)
    forger.model.note(
      RealRecord(.acknowledged, thread: 1, isDurable: true, number: 1, timestamp: 5000), life: 1)
    expect(forger.judge(), "step 1 of thread 0 was acknowledged durably, and is lost")
  }

  @Test func `what was acknowledged before the database was closed is kept`() {
    var forger = Forger(.relaxed)
    forger.commit(0)
    forger.lose(0)
    forger.model.note(RealRecord(.closed), life: 1)
    expect(forger.judge(), "step 2 of thread 0 was acknowledged durably, and is lost")
  }

  @Test func `a half transaction is found`() throws {
    var forger = Forger()
    forger.commit(0)  // The first step writes one value under a key of each keyspace.
    let key = try #require(
      forger.dump.keyspaces["beta"]?.keys.first { $0.starts(with: "pair".utf8) })
    forger.dump.keyspaces["beta"]?[key] = nil
    expect(forger.judge(), "beta/\(String(decoding: key, as: UTF8.self)) is missing")
  }

  @Test func `half of a counter's transaction is found`() {
    var forger = Forger()
    forger.commit(0, count: 3)
    forger.add(1, to: "total", in: "beta")
    expect(forger.judge(), "the total is")
  }

  @Test func `a lost commit that comes back in a later life is found`() {
    var forger = Forger(.relaxed)
    var other = forger
    forger.lose(0)
    expect(forger.judge())
    other.commit(0)
    forger.attempt(0)
    forger.apply(0)
    forger.acknowledge(0)
    forger.dump = other.dump
    #expect(forger.judge().violations.contains { $0.contains("another value") })
  }

  @Test func `a key, a keyspace and a step that nobody wrote are found`() {
    var forger = Forger()
    forger.commit(0)
    forger.dump.keyspaces["alpha"]?[Array("stranger".utf8)] = RealDump.Value(.numbers([1]))
    forger.dump.keyspaces["strange"] = [:]
    expect(
      forger.judge(), "alpha/stranger is there, and must not be",
      "keyspace strange is there, and must not be")
    forger = Forger()
    forger.commit(0)
    forger.positions[0] += 1
    forger.apply(0)
    #expect(
      forger.judge().violations.contains("thread 0 is at step 2, and attempted only 1"))
  }

  @Test func `a keyspace that was dropped and is there is found`() {
    var forger = Forger()
    forger.commit(0, count: 39)
    let passing = forger.dump.keyspaces["passing/0/0"]
    #expect(passing?.isEmpty == false)
    forger.commit(0)
    #expect(forger.dump.keyspaces["passing/0/0"] == nil)
    forger.dump.keyspaces["passing/0/0"] = passing
    #expect(
      forger.judge().violations.contains(
        "step 40 of thread 0 was acknowledged durably, and is lost"))
  }

  @Test func `a refused step that is there is found`() {
    var forger = Forger()
    forger.commit(0)
    forger.attempt(0)
    forger.apply(0)
    forger.model.note(RealRecord(.refused, thread: 0, number: 2, text: "diskFull"), life: 1)
    expect(forger.judge(), "step 2 of thread 0 was refused, and is there")
  }

  @Test func `a clock that goes back is found, within a life and from life to life`() {
    var forger = Forger(.relaxed)
    forger.commit(0, count: 2)
    forger.attempt(1)
    forger.apply(1)
    forger.acknowledge(1, timestamp: 1002)
    forger.lose(0)
    expect(forger.judge(), "the clock went back: thread 1 committed step 1 at 1002")
    // Not even the timestamp of a lost commit comes again.
    forger.attempt(0)
    forger.apply(0)
    forger.acknowledge(0, timestamp: 1004)
    expect(forger.judge(), "the clock went back: thread 0 committed step 3 at 1004")
  }

  @Test func `a register belongs to whoever committed last`() throws {
    var forger = Forger()
    func register(_ thread: Int) -> [UInt8]? {
      guard
        case .commit(let transaction) = forger.workload.step(
          thread: thread, number: forger.positions[thread], life: forger.life)
      else { return nil }
      return transaction.registers.first?.key
    }
    var last: (key: [UInt8], value: RealDump.Value)?
    var wasFound = false
    for _ in 0..<60 where !wasFound {
      for thread in [0, 1] where !wasFound {
        forger.commit(thread, count: 5)
        guard let key = register(thread) else { continue }
        let value = try #require(forger.dump.keyspaces["gamma"]?[key])
        if let last, last.key == key {
          // An older value of the same register.
          forger.dump.keyspaces["gamma"]?[key] = last.value
          expect(forger.judge(), "is not what was written last")
          wasFound = true
        }
        last = (key, value)
      }
    }
    #expect(wasFound)
  }

  @Test func `a complaint of the process counts`() {
    var forger = Forger()
    forger.model.note(RealRecord(.complaint, text: "ouch"), life: 1)
    expect(forger.judge(), "ouch")
  }
}

@Suite struct TortureRealRecordTests {
  @Test func `frames survive the pipe, however it cuts them`() throws {
    let records = [
      RealRecord(.attempt, thread: 3, number: .max),
      RealRecord(
        .acknowledged, thread: 1, isDurable: true, number: 4, timestamp: 5, figure: 6),
      RealRecord(.complaint, text: "not that"),
      RealRecord(.dump, tail: Array(repeating: 9, count: 100_000)),
    ]
    let bytes = records.flatMap(\.encoded)
    for size in [1, 7, 32, 4096, bytes.count] where size > 1 || bytes.count < 1 << 20 {
      var rest: [UInt8] = []
      var taken: [RealRecord] = []
      for start in stride(from: 0, to: bytes.count, by: max(size, 7)) {
        rest += bytes[start..<min(start + max(size, 7), bytes.count)]
        if start % 5 == 0 || size > 7 { taken += try RealRecord.take(from: &rest) }
      }
      taken += try RealRecord.take(from: &rest)
      #expect(taken == records)
      #expect(rest.isEmpty)
    }
  }

  @Test func `a frame without its end counts for nothing, and no frame is an error`() throws {
    var bytes = Array(RealRecord(.complaint, text: "half").encoded.dropLast())
    #expect(try RealRecord.take(from: &bytes).isEmpty)
    var strange = Array(repeating: UInt8(0xEE), count: 64)
    #expect(throws: (any Error).self) { try RealRecord.take(from: &strange) }
  }

  @Test func `a dump survives its bytes`() {
    var dump = RealDump()
    dump.keyspaces["a"] = [:]
    dump.keyspaces["b"] = [
      [1, 2]: RealDump.Value(.numbers([1, .max])), []: RealDump.Value(.numbers([])),
      [0]: RealDump.Value(.pattern(seed: 3, byteCount: 40_001)),
    ]
    #expect(RealDump(decoding: dump.encoded) == dump)
  }

  @Test func `the named points have names of their own, and more than a dozen are there`() {
    #expect(Set(KillPoint.all.map(\.name)).count == KillPoint.all.count)
    #expect(KillPoint.all.count >= 40)
    for point in KillPoint.all {
      if let name = point.predecessor { #expect(KillPoint.named(name) != nil) }
    }
  }
}
