import Testing
import Verification

/// One small history for each kind of anomaly, and what each model says of it.
@Suite struct `The history checker` {
  static let all = ConsistencyModel.allCases
  static let fromCommitted = Array(all.dropFirst())
  static let fromRepeatable = Array(all.dropFirst(2))

  @Test func `finds nothing in a serial history`() throws {
    var story = Story(concurrent: false)
    story.add(append(1, 1), absent(2))
    story.add(list(1, 1), append(1, 2), append(2, 3))
    story.add(list(1, 1, 2), list(2, 3), scan(0..<5, [1: [1, 2], 2: [3]]))
    let report = try story.report(.uniform(.strictSerializable))
    #expect(report.isValid && report.anomalies.isEmpty, "\(report.examples)")
    #expect(report.edgeCount(.write) > 0 && report.edgeCount(.read) > 0)
    #expect(report.edgeCount(.antiDependency) == 1)
    #expect(report.edgeCount(.realTime) == 2)
  }

  // MARK: Contradictions

  @Test func `finds a transaction that misses its own write`() throws {
    var story = Story()
    story.add(append(1, 1), absent(1))
    #expect(try story.names() == ["internal"])
    #expect(try story.firstForbidden() == Self.all)
    var registers = Story()
    registers.add(write(1, 1), register(1, 2))
    registers.add(write(1, 2))
    #expect(try registers.names() == ["internal"])
    var scans = Story()
    scans.add(append(1, 1), scan(0..<3, [:]))
    #expect(try scans.names() == ["internal"])
  }

  @Test func `finds an element twice in a list`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(append(1, 2))
    story.add(list(1, 1, 2, 1))
    #expect(try story.names().contains("duplicate-elements"))
    #expect(try story.firstForbidden() == Self.all)
  }

  @Test func `finds reads that disagree about an order`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(append(1, 2))
    story.add(list(1, 1, 2))
    story.add(list(1, 2, 1))
    #expect(try story.names() == ["incompatible-order"])
    #expect(try story.firstForbidden() == Self.all)
  }

  @Test func `finds what nobody wrote`() throws {
    var story = Story()
    story.add(list(1, 7))
    #expect(try story.names() == ["garbage-read"])
    var registers = Story()
    registers.add(register(1, 7))
    #expect(try registers.names() == ["garbage-read"])
  }

  @Test func `finds a scan out of order`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(append(2, 2))
    story.add(.scan(lower: 0, upper: 5, [.init(2, .list([2])), .init(1, .list([1]))]))
    #expect(try story.names() == ["malformed-scan"])
  }

  // MARK: Dirty reads

  @Test func `finds an aborted read, G1a`() throws {
    var story = Story()
    story.add(outcome: .fail, append(1, 1))
    story.add(list(1, 1))
    #expect(try story.names() == ["G1a"])
    #expect(try story.firstForbidden() == Self.fromCommitted)
    var registers = Story()
    registers.add(outcome: .fail, write(1, 1))
    registers.add(register(1, 1))
    #expect(try registers.names() == ["G1a"])
  }

  @Test func `finds an intermediate read, G1b`() throws {
    var story = Story()
    story.add(append(1, 1), append(1, 2))
    story.add(list(1, 1))
    #expect(try story.names().contains("G1b"))
    #expect(try story.firstForbidden() == Self.fromCommitted)
    var registers = Story()
    registers.add(write(1, 1), write(1, 2))
    registers.add(register(1, 1))
    #expect(try registers.names().contains("G1b"))
  }

  @Test func `finds a committed write on top of an aborted one`() throws {
    var story = Story()
    story.add(outcome: .fail, append(1, 1))
    story.add(append(1, 2))
    story.add(list(1, 1, 2))
    #expect(try story.names() == ["dirty-update", "G1a"])
    #expect(try story.firstForbidden() == Self.fromCommitted)
  }

  // MARK: Cycles

  @Test func `finds a cycle of writes, G0`() throws {
    var story = Story()
    story.add(append(1, 1), append(2, 1))
    story.add(append(1, 2), append(2, 2))
    story.add(list(1, 1, 2), list(2, 2, 1))
    let report = try story.report(.uniform(.readUncommitted))
    #expect(Set(report.anomalies.keys) == ["G0"])
    #expect(!report.isValid)
    let cycle = try #require(report.examples.first).cycle
    #expect(cycle.map(\.kind) == [.write, .write])
    #expect(cycle.map(\.reason).contains("T0 wrote 1 to key 1, and T1 wrote 2 after it"))
  }

  @Test func `finds a cycle of information, G1c`() throws {
    var story = Story()
    story.add(append(1, 1), list(2, 2))
    story.add(append(2, 2), list(1, 1))
    #expect(try story.names() == ["G1c"])
    #expect(try story.firstForbidden() == Self.fromCommitted)
    var registers = Story()
    registers.add(write(1, 1), register(2, 2))
    registers.add(write(2, 2), register(1, 1))
    #expect(try registers.names() == ["G1c"])
  }

  @Test func `finds read skew, G-single`() throws {
    var story = Story()
    story.add(append(1, 1), append(2, 1))
    story.add(list(1, 1), absent(2))
    story.add(list(2, 1))
    #expect(try story.names() == ["G-single"])
    #expect(try story.firstForbidden() == Self.fromRepeatable)
    var registers = Story()
    registers.add(write(1, 1), write(2, 1))
    registers.add(register(1, 1), absent(2))
    #expect(try registers.names() == ["G-single"])
  }

  @Test func `finds read skew through a scan`() throws {
    var story = Story()
    story.add(append(1, 1), append(2, 1))
    story.add(scan(2..<3, [:]), list(1, 1))
    story.add(list(2, 1))
    #expect(try story.names() == ["G-single-predicate"])
    #expect(try story.isValid(.repeatableRead))
    #expect(try !story.isValid(.snapshotIsolation))
  }

  @Test func `finds a fuzzy read`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(absent(1), list(1, 1))
    #expect(try story.names() == ["fuzzy-read", "G-single"])
    #expect(try story.firstForbidden() == Self.fromRepeatable)
  }

  @Test func `finds a lost update`() throws {
    var story = Story()
    story.add(absent(1), append(1, 1))
    story.add(absent(1), append(1, 2))
    story.add(list(1, 1, 2))
    #expect(try story.names() == ["lost-update", "G-single"])
    #expect(try story.firstForbidden() == Self.fromRepeatable)
    var registers = Story()
    registers.add(write(1, 1))
    registers.add(register(1, 1), write(1, 2))
    registers.add(register(1, 1), write(1, 3))
    #expect(try registers.names().contains("lost-update"))
    #expect(try registers.firstForbidden() == Self.fromRepeatable)
  }

  @Test func `finds a long fork, G-nonadjacent`() throws {
    var story = Story()
    for _ in 0..<1 {
      story.add(function: "long-fork", write(1, 1))
      story.add(function: "long-fork", write(2, 2))
      story.add(function: "long-fork", register(1, 1), absent(2))
      story.add(function: "long-fork", absent(1), register(2, 2))
    }
    #expect(try story.names() == ["long-fork", "G-nonadjacent"])
    #expect(try story.firstForbidden() == Self.fromRepeatable)
    var scans = Story()
    scans.add(write(1, 1))
    scans.add(write(2, 2))
    scans.add(scanRegisters(0..<5, [1: 1]))
    scans.add(scanRegisters(0..<5, [2: 2]))
    #expect(try scans.names() == ["G-nonadjacent-predicate"])
    #expect(try scans.isValid(.repeatableRead))
    #expect(try !scans.isValid(.snapshotIsolation))
  }

  @Test func `finds write skew of items, G2-item`() throws {
    var story = Story()
    story.add(absent(1), append(2, 1))
    story.add(absent(2), append(1, 2))
    story.add(list(1, 2), list(2, 1))
    #expect(try story.names() == ["G2-item"])
    #expect(
      try story.firstForbidden() == [.repeatableRead, .serializable, .strictSerializable])
    var registers = Story()
    registers.add(write(1, 1), write(2, 2))
    registers.add(register(1, 1), register(2, 2), write(1, 3))
    registers.add(register(1, 1), register(2, 2), write(2, 4))
    #expect(try registers.names() == ["G2-item"])
  }

  @Test func `finds write skew through scans, G2`() throws {
    var story = Story()
    story.add(scan(0..<10, [:]), append(1, 1))
    story.add(scan(0..<10, [:]), append(2, 2))
    story.add(scan(0..<10, [1: [1], 2: [2]]))
    #expect(try story.names() == ["G2"])
    #expect(try story.firstForbidden() == [.serializable, .strictSerializable])
    let report = try story.report()
    #expect(report.edgeCount(.predicateAntiDependency) == 2)
    let reason = try #require(report.examples.first?.cycle.first?.reason)
    #expect(reason.contains("scanned over key"))
  }

  @Test func `finds stale reads in real time only`() throws {
    var story = Story(concurrent: false)
    story.add(append(1, 1))
    story.add(absent(1))
    story.add(list(1, 1))
    #expect(try story.names() == ["G-single-realtime"])
    #expect(try story.firstForbidden() == [.strictSerializable])
  }

  @Test func `finds a committed append that vanished`() throws {
    var story = Story(concurrent: false)
    story.add(append(1, 1))
    story.add(append(1, 2))
    story.add(list(1, 1))
    #expect(try story.names() == ["G-single-realtime"])
  }

  @Test func `finds a session that goes back, when sessions count`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(process: 9, list(1, 1))
    story.add(process: 9, absent(1))
    #expect(try story.names().isEmpty)
    var checker = HistoryChecker(.uniform(.serializable))
    checker.countsProcessOrder = true
    let report = try checker.check(story.history)
    #expect(Set(report.anomalies.keys) == ["G-single-process"])
    #expect(!report.isValid)
  }

  // MARK: Invariants

  @Test func `finds accounts that do not add up`() throws {
    var story = Story()
    story.add(function: "bank", write(1, 50), write(2, 50))
    story.add(function: "bank", register(1, 50), register(2, 50), write(1, 40), write(2, 60))
    story.add(function: "bank", register(1, 40), register(2, 60))
    #expect(try story.names().isEmpty)
    story.add(function: "bank", scanRegisters(0..<5, [1: 40, 2: 50]))
    #expect(try story.names() == ["wrong-total"])
    #expect(try story.firstForbidden() == Self.fromRepeatable)
  }

  // MARK: Unknown outcomes

  @Test func `takes an unknown outcome for a commit as far as it was seen`() throws {
    var story = Story()
    story.add(outcome: .info, append(1, 1), append(2, 1))
    story.add(absent(1))
    #expect(try story.names().isEmpty, "nobody saw it")
    story.add(list(1, 1), absent(2))
    story.add(list(2, 1))
    #expect(try story.names() == ["G-single"])
  }

  @Test func `lets nothing follow an unknown outcome in real time`() throws {
    var story = Story(concurrent: false)
    story.add(outcome: .info, append(1, 1))
    story.add(absent(1))
    story.add(list(1, 1))
    #expect(try story.isValid(.strictSerializable))
  }

  // MARK: What it refuses

  @Test func `refuses a value that is written twice`() throws {
    var story = Story()
    story.add(append(1, 1))
    story.add(append(1, 1))
    let error = #expect(throws: HistoryError.self) { try story.report() }
    #expect(error?.message.contains("twice") == true)
  }

  @Test func `refuses a key that is list and register`() throws {
    var story = Story()
    story.add(append(1, 1), write(1, 2))
    #expect(throws: HistoryError.self) { try story.report() }
  }
}
