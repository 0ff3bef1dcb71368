import Martlet
import Seeds
import Testing

/// Many merges of one key in one transaction.
///
/// What was noted of a key was once written anew with each further merge: a hundred thousand appends
/// of four bytes were twenty gigabytes of writes, and refused.
@Suite struct `Many merges of one key in one transaction` {
  let db: Database
  let keys: Keyspace
  static let count = 100_000

  init() throws {
    db = try Database.inMemory(configuration: Configuration())
    keys = try db.keyspace("k")
  }

  private static func text(_ number: Int) -> String { String(1_000_000 + number) }

  /// Merges, and what they make of an absent key.
  static let kinds: [(name: String, operation: @Sendable (Int) -> MergeOperation, value: [UInt8])] =
    [
      ("add", { .add($0) }, bytes(of: (count - 1) * count / 2)),
      ("add and take", { .add($0 % 2 == 0 ? 5 : -3) }, bytes(of: count)),
      ("least and greatest", { $0 % 2 == 0 ? .max($0) : .min(7) }, bytes(of: 7)),
      ("append", { .append(text($0)) }, (0..<count).flatMap { Array(text($0).utf8) }),
      (
        "insert", { .insert(text(count - 1 - $0)) },
        bytes(of: ByteSet((0..<count).map { Array(text($0).utf8) }))
      ),
      (
        "insert and remove", { $0 % 3 == 2 ? .remove(text($0 - 1)) : .insert(text($0)) },
        bytes(of: ByteSet((0..<count).filter { $0 % 3 == 0 }.map { Array(text($0).utf8) }))
      ),
    ]

  private static func bytes(of value: some StoredValue) -> [UInt8] {
    (try? value.withValueBytes { [UInt8](valueBytes: $0) }) ?? []
  }

  @Test(arguments: kinds.indices)
  func `cost what their own bytes cost, on what others wrote`(_ kind: Int) throws {
    let (name, operation, value) = Self.kinds[kind]
    try db.write { tx in
      for number in 0..<Self.count { try tx.merge(operation(number), for: "k", in: keys) }
      #expect(tx.pendingByteCount < Self.count * 128, "\(name)")
    }
    #expect(try db.read { try $0.get("k", in: keys) } == value, "\(name)")
  }

  @Test(arguments: kinds.indices)
  func `cost what their own bytes cost, on what the transaction wrote`(_ kind: Int) throws {
    let (name, operation, value) = Self.kinds[kind]
    try db.write { tx in
      try tx.set("something", for: "k", in: keys)
      try tx.remove("k", in: keys)
      for number in 0..<Self.count { try tx.merge(operation(number), for: "k", in: keys) }
      #expect(tx.pendingByteCount < Self.count * 128, "\(name)")
      #expect(try tx.get("k", in: keys) == value, "\(name)")
    }
    #expect(try db.read { try $0.get("k", in: keys) } == value, "\(name)")
  }

  // MARK: Against one by one

  /// What happens to a key, one thing after the other.
  private enum Step {
    case merge(MergeOperation)
    case set([UInt8])
    case remove
    /// Merges that are undone by going back to a savepoint.
    case undone([MergeOperation])
    case read
  }

  private static func operation(_ family: Int, _ random: inout SplitMix) -> MergeOperation {
    let numbers = [1, -1, 7, -9, Int.max / 2, Int.min / 2, Int.max, Int.min]
    let number = numbers[Int.random(in: 0..<(Bool.random(using: &random) ? 4 : 8), using: &random)]
    let text = ["", "a", "b", "pear", String(repeating: "long", count: 300)].randomElement(
      using: &random)
    // Mostly what fits what was before, so that few sequences end early.
    let kind = Int.random(in: 0..<20, using: &random) == 0 ? (family + 1) % 3 : family
    return switch (kind, Int.random(in: 0..<4, using: &random)) {
    case (0, 0): .min(number)
    case (0, 1): .max(number)
    case (0, _): .add(number)
    case (1, _): .append(text ?? "")
    case (_, 0): .remove(text ?? "")
    default: .insert(text ?? "")
    }
  }

  private static func value(_ family: Int, _ random: inout SplitMix) -> [UInt8] {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return Array("text of no kind".utf8)
    case 1: return []
    default:
      return switch family {
      case 0: bytes(of: Int.random(in: -5...5, using: &random))
      case 1: [UInt8](repeating: 3, count: Int.random(in: 0..<6000, using: &random))
      default: bytes(of: ByteSet([[], Array("pear".utf8), [UInt8](repeating: 9, count: 2000)]))
      }
    }
  }

  private static func steps(_ family: Int, _ random: inout SplitMix) -> [Step] {
    var steps: [Step] = []
    for _ in 0..<Int.random(in: 1..<12, using: &random) {
      switch Int.random(in: 0..<16, using: &random) {
      // What is overwritten before anybody reads it never fails; so somebody does.
      case 0: steps += [.read, .set(value(family, &random))]
      case 1: steps += [.read, .remove]
      case 2: steps.append(.undone((0..<3).map { _ in operation(family, &random) }))
      case 3: steps.append(.read)
      default: steps.append(.merge(operation(family, &random)))
      }
    }
    return steps
  }

  /// Runs a step. Reads give what they show.
  private func run(_ step: Step, _ tx: borrowing Transaction) throws -> [UInt8]?? {
    switch step {
    case .merge(let operation): try tx.merge(operation, for: "k", in: keys)
    case .set(let value): try tx.set(value, for: "k", in: keys)
    case .remove: try tx.remove("k", in: keys)
    case .read: return .some(try tx.get("k", in: keys))
    case .undone(let operations):
      let mark = try tx.savepoint()
      for operation in operations {
        do { try tx.merge(operation, for: "k", in: keys) } catch {}
      }
      try tx.rollBack(to: mark)
    }
    return nil
  }

  private func outcome(_ body: () throws -> Void) -> DatabaseError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? DatabaseError)?.code ?? .invalidArgument
    }
  }

  @Test func `do what they do one by one`() throws {
    let seed = Seed.take()
    print("seed of many merges: \(seed)")
    var random = SplitMix(seed)
    for round in 0..<3000 {
      let family = Int.random(in: 0..<3, using: &random)
      let before = Int.random(in: 0..<3, using: &random) == 0 ? nil : Self.value(family, &random)
      let steps = Self.steps(family, &random)
      let level = IsolationLevel.allCases.randomElement(using: &random) ?? .snapshot
      func prepare() throws {
        try db.write { tx in
          if let before {
            try tx.set(before, for: "k", in: keys)
          } else {
            try tx.remove("k", in: keys)
          }
        }
      }
      try prepare()
      var shown: [[UInt8]?] = []
      let expected = outcome {
        for step in steps {
          try db.write { if let seen = try run(step, $0) { shown.append(seen) } }
        }
      }
      let value = try db.read { try $0.get("k", in: keys) }
      try prepare()
      var seen: [[UInt8]?] = []
      let found = outcome {
        try db.write(isolation: level) { tx in
          for step in steps { if let next = try run(step, tx) { seen.append(next) } }
        }
      }
      #expect(found == expected, "round \(round) of seed \(seed): \(steps)")
      if expected == nil {
        #expect(seen == shown, "round \(round) of seed \(seed): \(steps)")
        #expect(
          try db.read { try $0.get("k", in: keys) } == value,
          "round \(round) of seed \(seed): \(steps)")
      }
    }
    #expect(try db.verify().findings == [])
  }

  @Test func `into its own write are shown to who reads what is pending`() throws {
    try db.write { tx in
      try tx.set("one,", for: "text", in: keys)
      try tx.merge(.append("two"), for: "text", in: keys)
      try tx.merge(.append("others"), for: "blind", in: keys)
      try db.write(isolation: .readUncommitted) { dirty in
        #expect(try dirty.value(for: "text", in: keys, as: String.self) == "one,two")
        #expect(try dirty.get("blind", in: keys) == nil)
        var seen: [String] = []
        try dirty.forEach(in: keys) { _, value in
          seen.append(String(valueBytes: value) ?? "?")
          return .continue
        }
        #expect(seen == ["one,two"])
      }
    }
  }
}
