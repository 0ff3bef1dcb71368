import ConcurrencyControl
import Foundation
import Primitives
import Seeds
import Testing

/// Random histories against `LockModel`: same grants in the same moments, a victim if and only if
/// there is a circle, by the rule, and none left.
@Suite("Lock table against a model")
struct LockTableModelTests {
  /// What a history is made of.
  struct Shape: Sendable {
    var name: String
    var transactions: UInt64
    var keys: Int
    /// How often keys, intervals and keyspaces are asked for.
    var weights: (keys: Int, intervals: Int, keyspaces: Int)
    /// How many transactions are begun inside the first ones.
    var nested: UInt64 = 0
    var byteBudget = 1 << 20
    var steps = 12_000
    var mayEscalate: Bool { byteBudget < 1 << 20 }
  }

  static let shapes = [
    Shape(name: "keys", transactions: 5, keys: 6, weights: (1, 0, 0)),
    Shape(name: "many keys", transactions: 12, keys: 60, weights: (1, 0, 0)),
    Shape(name: "few", transactions: 3, keys: 6, weights: (6, 3, 1)),
    Shape(name: "intervals", transactions: 7, keys: 18, weights: (2, 1, 0)),
    Shape(name: "keyspaces", transactions: 5, keys: 9, weights: (2, 0, 1)),
    Shape(name: "all", transactions: 9, keys: 30, weights: (12, 4, 1)),
    Shape(name: "nested", transactions: 5, keys: 12, weights: (8, 3, 1), nested: 3),
    Shape(name: "scarce", transactions: 6, keys: 40, weights: (9, 3, 0), byteBudget: 1500),
    Shape(
      name: "scarce and nested", transactions: 6, keys: 24, weights: (10, 3, 1), nested: 2,
      byteBudget: 1000),
  ]

  @Test(arguments: shapes)
  func `every answer is the model's`(_ shape: Shape) throws {
    let seed = Seed.take(for: #function)
    var history = LockHistory(shape, seed: seed)
    for step in 0..<shape.steps {
      do { try history.step(step) } catch {
        Issue.record("\(shape.name), seed \(seed), step \(step): \(error)")
        return
      }
    }
    #expect(history.waits > 100, "nothing was contended")
    #expect(history.deadlocks > 20, "no deadlock was met")
    if shape.mayEscalate {
      #expect(history.locks.table.escalationCount > 20, "nothing was escalated")
      #expect(history.exhausted > 0, "the memory was never exhausted")
    }
  }
}

/// One random history, told to the table and to the model.
struct LockHistory {
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }

  struct Difference: Error, CustomStringConvertible {
    let description: String
  }

  private struct Claim { var weight: UInt64; var timesVictim: Int }

  private let shape: LockTableModelTests.Shape
  private var random: Generator
  private(set) var locks: LockDriver
  private var model: LockModel
  private var claims: [UInt64: Claim] = [:]
  private(set) var deadlocks = 0
  private(set) var waits = 0
  private(set) var exhausted = 0

  init(_ shape: LockTableModelTests.Shape, seed: UInt64) {
    self.shape = shape
    random = Generator(state: seed)
    locks = LockDriver(byteBudget: shape.byteBudget)
    model = LockModel(keyCount: shape.keys, byteBudget: shape.byteBudget)
  }

  private var everybody: ClosedRange<UInt64> { 1...shape.transactions + shape.nested }

  private func require(_ isSo: Bool, _ what: @autoclosure () -> String) throws {
    if !isSo { throw Difference(description: what()) }
  }

  mutating func step(_ step: Int) throws {
    var who = UInt64.random(in: everybody, using: &random)
    // While a nested transaction has anything, the one around it stands still.
    if let inner = model.enclosing.first(where: { $0.value == who })?.key { who = inner }
    model.granted = []
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<16:
      if !model.isWaiting(who) { try ask(who) }
    case 16, 17:
      let isWaiting = model.isWaiting(who)
      let granted = locks.cancel(who)
      try require((granted != nil) == isWaiting, "cancelled what does not wait, or the reverse")
      model.withdraw(who)
      try compareNews(besides: nil)
    default:
      _ = locks.release(who)
      model.release(who)
      claims[who] = nil
      try compareNews(besides: nil)
    }
    try compareState(isWhole: step.isMultiple(of: 16))
  }

  private mutating func ask(_ who: UInt64) throws {
    var claim =
      claims[who] ?? Claim(weight: 0, timesVictim: Int.random(in: 0...4, using: &random))
    claim.weight += UInt64.random(in: 0...2, using: &random)
    claims[who] = claim
    let outer = who > shape.transactions ? who - shape.transactions : nil
    // One whose outer transaction waits or has not asked yet stands for one that is not nested.
    let enclosing = model.enclosing[who] ?? outer.flatMap { canEnclose($0) ? $0 : nil }
    if let enclosing { model.enclosing[who] = enclosing }
    let key = Int.random(in: 0..<shape.keys, using: &random)
    let keyspace = model.keyspace(of: key)
    let weights = shape.weights
    let outcome: LockOutcome
    let goal: LockModel.Goal
    switch Int.random(
      in: 0..<(weights.keys + weights.intervals + weights.keyspaces), using: &random)
    {
    case 0..<weights.keys:
      let mode = LockMode.allCases.randomElement(using: &random)!
      goal = .key(key, mode)
      outcome = locks.ask(
        who, mode, UInt64(key), weight: claim.weight, timesVictim: claim.timesVictim,
        enclosing: enclosing)
    case weights.keys..<(weights.keys + weights.intervals):
      let upper = Int.random(in: key + 1...min(key + 9, shape.keys + 1), using: &random)
      goal = .interval(Set(key..<upper))
      outcome = locks.scan(
        who, UInt64(key), upper > shape.keys ? nil : UInt64(upper), in: UInt32(keyspace),
        weight: claim.weight, timesVictim: claim.timesVictim, enclosing: enclosing)
    default:
      let mode = KeyspaceLockMode.allCases.randomElement(using: &random)!
      goal = .keyspace(mode)
      outcome = locks.askAll(
        who, mode, of: UInt32(keyspace), weight: claim.weight, timesVictim: claim.timesVictim,
        enclosing: enclosing)
    }
    let answer = model.ask(who, goal, in: keyspace)
    if answer == false { waits += 1 }
    try compareNews(besides: who, outcome)
    switch outcome {
    case .granted: try require(answer == true || model.granted.contains(who), "granted too early")
    case .waiting: try require(model.isWaiting(who), "not granted")
    case .deadlock: break
    case .exhausted:
      exhausted += 1
      try require(answer == nil, "exhausted")
    }
    try require(answer != nil || outcome == .exhausted, "not exhausted")
  }

  private func canEnclose(_ who: UInt64) -> Bool {
    !model.isWaiting(who) && model.spaces.contains { $0.members.contains { $0.who == who } }
  }

  /// Lets the table's victims give up in the model too, and compares who was granted what.
  ///
  /// Victims give up in the order of the notices. Where among them the asker did, its answer does
  /// not say. But circles are broken through the newest wait first: one that is there while the
  /// asker waits was broken before the asker gave up, and all others came of that.
  private mutating func compareNews(besides asker: UInt64?, _ outcome: LockOutcome? = nil) throws {
    var own: [UInt64]?
    if case .deadlock(let cycle)? = outcome { own = cycle.map(\.rawValue) }
    func giveUpToo(_ history: inout Self) throws {
      guard let asker, let cycle = own else { return }
      own = nil
      try history.giveUp(asker, cycle)
      try history.require(!history.model.granted.contains(asker), "granted after all")
    }
    for notice in locks.notices {
      guard case .deadlock(let members) = notice.event else { continue }
      let cycle = members.map(\.rawValue)
      if !model.isCircle(cycle) { try giveUpToo(&self) }
      try giveUp(notice.transaction.rawValue, cycle)
    }
    try giveUpToo(&self)
    let granted = model.granted.subtracting(asker.map { [$0] } ?? [])
    try require(
      Set(locks.granted) == granted, "granted \(locks.granted), expected \(granted.sorted())")
    try require(Set(locks.granted).count == locks.granted.count, "granted twice")
    let escalations = locks.table.takeEscalations()
    let expected = model.escalations.map {
      LockEscalation(
        transaction: TransactionID($0.who), keyspace: KeyspaceID(UInt32($0.keyspace)),
        mode: $0.mode, replaced: $0.replaced)
    }
    try require(escalations == expected, "escalated \(escalations), expected \(expected)")
    model.escalations = []
  }

  private mutating func giveUp(_ victim: UInt64, _ cycle: [UInt64]) throws {
    deadlocks += 1
    for (index, member) in cycle.enumerated() {
      let next = cycle[(index + 1) % cycle.count]
      try require(
        model.edges(of: member).contains(next), "\(member) does not wait for \(next) in \(cycle)")
    }
    try require(Set(cycle).count == cycle.count, "the circle \(cycle) crosses itself")
    try require(victim == expectedVictim(cycle), "the victim of \(cycle) is \(victim)")
    model.withdraw(victim)
  }

  private func expectedVictim(_ cycle: [UInt64]) -> UInt64? {
    let waiting = cycle.filter(model.isWaiting)
    let candidates = waiting.filter { (claims[$0]?.timesVictim ?? 0) < 3 }
    return (candidates.isEmpty ? waiting : candidates).min { left, right in
      let (leftWeight, rightWeight) = (claims[left]?.weight ?? 0, claims[right]?.weight ?? 0)
      return leftWeight != rightWeight ? leftWeight < rightWeight : left > right
    }
  }

  // MARK: State

  private func compareState(isWhole: Bool) throws {
    for who in everybody {
      let isWaiting = model.isWaiting(who)
      try require(locks.isWaiting(who) == isWaiting, "\(who) waits, or does not")
      guard isWaiting else { continue }
      let edges = model.edges(of: who)
      try require(!edges.isEmpty, "\(who) could run (Q3)")
      try require(Set(locks.blockers(who)) == edges, "\(who) waits for \(edges.sorted())")
      try require(!model.isInCircle(who), "\(who) waits for itself (Q4)")
    }
    let count = model.locks.reduce(0) { $0 + $1.holders.count }
    try require(locks.table.heldCount == count, "\(locks.table.heldCount) held, not \(count)")
    try require(locks.table.usedBytes <= shape.byteBudget, "beyond the budget (Q7)")
    if isWhole { try compareModes() }
  }

  private func compareModes() throws {
    let usedBytes = model.usedBytes
    try require(
      locks.table.usedBytes == usedBytes, "\(locks.table.usedBytes) bytes, not \(usedBytes)")
    var intervalCount = 0
    for who in everybody {
      for key in 0..<shape.keys {
        try require(
          locks.mode(who, UInt64(key)) == model.mode(of: key, who), "\(who)'s mode of \(key)")
      }
      for keyspace in model.spaces.indices {
        let mode = model.mode(ofAll: keyspace, who)
        try require(
          locks.modeOfAll(who, UInt32(keyspace)) == mode, "\(who)'s mode of keyspace \(keyspace)")
        let numbers = model.interval(of: who, keyspace)
        let runs = model.runs(of: numbers)
        intervalCount += runs.count
        for run in runs {
          let upper = run.upper > shape.keys ? nil : UInt64(run.upper)
          try require(
            locks.covers(who, UInt64(run.lower), upper, in: UInt32(keyspace)),
            "\(who) does not hold \(run)")
        }
        guard mode == .intentionShared || mode == .intentionExclusive || mode == nil else {
          continue
        }
        for number in 0..<shape.keys where !numbers.contains(number) {
          try require(
            !locks.covers(who, UInt64(number), UInt64(number + 1), in: UInt32(keyspace)),
            "\(who) holds an interval around \(number)")
        }
      }
    }
    try require(locks.table.intervalCount == intervalCount, "the number of intervals")
    try checkCompatibility()
  }

  /// Q1 and Q6, of what the model and so the table holds.
  private func checkCompatibility() throws {
    for (key, lock) in model.locks.enumerated() {
      let space = model.spaces[model.keyspace(of: key)]
      for holder in lock.holders {
        for other in lock.holders where other.who != holder.who {
          try require(holder.mode.isCompatible(with: other.mode), "Q1: key \(key)")
        }
        let intention = space.members.first { $0.who == holder.who }?.mode
        try require(intention != nil, "Q6: key \(key)")
        guard holder.mode == .exclusive else { continue }
        try require(intention?.converted(by: .intentionExclusive) == intention, "Q6: key \(key)")
        for (who, numbers) in space.intervals where who != holder.who {
          try require(!numbers.contains(key), "Q1: key \(key) in an interval of \(who)")
        }
      }
    }
    for space in model.spaces {
      for member in space.members {
        for other in space.members where other.who != member.who {
          try require(member.mode.isCompatible(with: other.mode), "Q1: a keyspace")
        }
      }
      for (who, numbers) in space.intervals where !numbers.isEmpty {
        try require(space.members.contains { $0.who == who }, "Q6: an interval")
      }
    }
  }
}
